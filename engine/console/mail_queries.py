"""What pages about messages read, by column."""

from typing import Any

from sqlalchemy import Connection, Table, select

from engine.state import tables

_OUTBOX: Table = tables.Outbox.__table__  # type: ignore[attr-defined]


def payload(connection: Connection, entry_id: str) -> dict[str, Any] | None:
    """What was rendered for the entry of that id."""
    found: dict[str, Any] | None = connection.scalar(
        select(_OUTBOX.c.payload).where(_OUTBOX.c.id == entry_id)
    )
    return found
