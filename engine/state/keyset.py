"""Reading a long list by pages: the next begins beyond the last row of this one, however the list grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, or_

from engine.clock.zones import format_instant, parse_instant
from engine.state.cursor import BadCursorError, read_cursor, write_cursor

LARGEST_NUMBER = 2**53
"""Beyond it a cursor's number is nobody's row."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Key:
    """A column by which a list is ordered. The last of a list's keys tells any two rows apart."""

    column: Column[Any]
    name: str
    """What the rows call it."""
    type: type[str] | type[int] | type[datetime]
    is_descending: bool = False

    def beyond(self, value: Any) -> ColumnElement[bool]:
        """Whether a row comes after one with this value."""
        compared: ColumnElement[bool] = self.column < value if self.is_descending else self.column > value
        return compared

    def not_before(self, value: Any) -> ColumnElement[bool]:
        """Whether a row comes with this value or after it."""
        compared: ColumnElement[bool] = self.column <= value if self.is_descending else self.column >= value
        return compared

    def read(self, part: Any) -> Any:
        """The value in a cursor. Raises BadCursorError."""
        if self.type is datetime and isinstance(part, str):
            return _instant(part)
        if type(part) is not self.type or (isinstance(part, int) and abs(part) > LARGEST_NUMBER):
            raise BadCursorError
        return part.replace("\x00", "") if isinstance(part, str) else part


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list; `cursor` is where the next begins, or None at the end."""

    items: tuple[Item, ...]
    cursor: str | None


def page(
    connection: Connection, query: Select[Any], keys: Sequence[Key], *, limit: int, cursor: str | None
) -> Page[Row[Any]]:
    """The rows of `query` in the order of `keys`, at most `limit` of them, from `cursor` on.

    Raises BadCursorError for a cursor that no page of such a list handed out.
    """
    if cursor:
        query = query.where(*_beyond(keys, _read(keys, cursor)))
    ordered = query.order_by(*(each.column.desc() if each.is_descending else each.column for each in keys))
    rows = tuple(connection.execute(ordered.limit(limit + 1)))
    return Page(rows[:limit], _after(keys, rows[limit - 1]) if len(rows) > limit else None)


def _beyond(keys: Sequence[Key], place: Sequence[Any]) -> list[ColumnElement[bool]]:
    """The rows after a place. The first condition is implied by the second, and is what an index can use."""
    pairs = list(zip(keys, place, strict=True))
    cases = [
        and_(
            *(key.column == value for key, value in pairs[:number]), pairs[number][0].beyond(pairs[number][1])
        )
        for number in range(len(pairs))
    ]
    return [keys[0].not_before(place[0]), or_(*cases)]


def _read(keys: Sequence[Key], cursor: str) -> list[Any]:
    place = read_cursor(cursor)
    if len(place) != len(keys):
        raise BadCursorError
    return [key.read(part) for key, part in zip(keys, place, strict=True)]


def _after(keys: Sequence[Key], row: Row[Any]) -> str:
    values = [getattr(row, key.name) for key in keys]
    return write_cursor([format_instant(each) if isinstance(each, datetime) else each for each in values])


def _instant(text: str) -> datetime:
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise BadCursorError from error
