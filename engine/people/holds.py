"""Held batches as people see them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Table, select

from engine.people.plain import plain_row
from engine.state import keyset
from engine.state.keyset import Key, Page
from engine.state.tables import Hold

HoldState = Literal["held", "released"]

_HOLD: Table = Hold.__table__  # type: ignore[attr-defined]
_COLUMNS = ("id", "playbook", "at", "size", "reason", "state", "released_at", "released_by")
_NEWEST_FIRST = (Key(_HOLD.c.at, "at", datetime, is_descending=True), Key(_HOLD.c.id, "id", str))


def page(
    connection: Connection, state: HoldState | None, *, limit: int, cursor: str | None = None
) -> Page[Row[Any]]:
    """Holds, the newest first; of one state or of both. Raises BadCursorError."""
    query = select(*(_HOLD.c[name] for name in _COLUMNS))
    if state is not None:
        query = query.where(_HOLD.c.state == state)
    return keyset.page(connection, query, _NEWEST_FIRST, limit=limit, cursor=cursor)


def one(connection: Connection, hold_id: str) -> Row[Any] | None:
    """The hold of that id."""
    query = select(*(_HOLD.c[name] for name in _COLUMNS)).where(_HOLD.c.id == hold_id)
    return connection.execute(query).one_or_none()


def hold_json(row: Row[Any]) -> dict[str, Any]:
    """The one JSON form of a hold."""
    return plain_row(row, _COLUMNS)
