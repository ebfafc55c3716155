"""Inputs a fold has still to see, taken back out of the state in which they are stored."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from engine.conditions.catalogue import Field, FieldType, Kind, decode
from engine.state import tables
from engine.state.book import Book, ChangeInput, DataInput, Start


def by_start(starts: Mapping[str, Start]) -> Iterable[tuple[Start, list[str]]]:
    """Accounts that start alike, together."""
    groups: dict[Start, list[str]] = defaultdict(list)
    for account_id, start in starts.items():
        groups[start].append(account_id)
    return groups.items()


def unfolded(
    connection: Connection, table: Any, columns: Sequence[Any], starts: Mapping[str, Start]
) -> Iterator[Any]:
    """Inputs that apply after the start, then the late ones."""
    watch = tables.Watch.__table__  # type: ignore[attr-defined]
    for start, ids in by_start(starts):
        yield from connection.execute(
            select(*columns).where(table.c.account_id.in_(ids), table.c.applies_at > start.since)
        )
        if start.takes_late:
            yield from connection.execute(
                select(*columns)
                .join(watch, watch.c.account_id == table.c.account_id)
                .where(
                    watch.c.account_id.in_(ids),
                    table.c.revision > watch.c.evaluated_revision,
                    table.c.applies_at <= start.since,
                )
            )


def unwind(book: Book, rows: list[Any], fields: Mapping[Kind, Mapping[str, Field]]) -> Iterator[ChangeInput]:
    """Take the rows back, newest first, so that the book shows the state before them; yield those to fold."""
    rows.sort(key=lambda row: (row.applies_at, row.effective_at, row.id))
    for row in reversed(rows):
        kind = Kind(row.kind)
        subjects = book.subjects[kind]
        if row.field == "exists":
            subjects.pop(row.subject_id, None)
            yield ChangeInput(
                row.applies_at, row.effective_at, row.id, kind, row.subject_id, "exists", None, True
            )
            continue
        declared = FieldType.NUMBER if kind is Kind.METRIC else _type_of(fields[kind], row.field)
        if declared is None:
            continue
        old, new = decode(declared, row.old), decode(declared, row.new)
        values = subjects.get(row.subject_id)
        if values is None:
            continue
        # A late change may lie before one that was folded already; then it, too, moves nothing.
        if row.superseded or values.get(row.field) != new:
            yield ChangeInput(
                row.applies_at, row.effective_at, row.id, kind, row.subject_id, row.field, old, new, True
            )
            continue
        if old is None:
            values.pop(row.field, None)
        else:
            values[row.field] = old
        yield ChangeInput(row.applies_at, row.effective_at, row.id, kind, row.subject_id, row.field, old, new)


def _type_of(fields: Mapping[str, Field], name: str) -> FieldType | None:
    found = fields.get(name)
    return None if found is None else found.type


def timed(item: DataInput, since: datetime, late_at: datetime) -> DataInput:
    """The input at the instant the fold judges it: late ones at the tick that finds them."""
    return item if item.at > since else replace(item, at=late_at)


def input_order(item: DataInput) -> tuple[datetime, datetime, int, str]:
    """The one order in which inputs are folded."""
    if isinstance(item, ChangeInput):
        return item.at, item.effective_at, 0, f"{item.order:020d}"
    return item.at, item.effective_at, 1, item.id
