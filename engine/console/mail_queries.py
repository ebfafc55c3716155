"""What the mail pages read, by column."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, func, or_, select

from engine.state import tables

_OUTBOX: Table = tables.Outbox.__table__  # type: ignore[attr-defined]
_ACCOUNT: Table = tables.Account.__table__  # type: ignore[attr-defined]
_ATTEMPT: Table = tables.Attempt.__table__  # type: ignore[attr-defined]
_CONTACT: Table = tables.Contact.__table__  # type: ignore[attr-defined]

_LISTED = (
    *("id", "account_id", "playbook", "step", "connector", "recipient", "subject", "state", "attempts"),
    *("available_at", "created_at", "finished_at", "error"),
)


def listed(
    connection: Connection, state: str, beyond: tuple[datetime, str] | None, limit: int
) -> list[Row[Any]]:
    """Outbox entries, newest first: of one state where it is named, from beyond a creation time and id."""
    names = [_OUTBOX.c[name] for name in _LISTED]
    query = select(*names, _ACCOUNT.c.name.label("account_name")).outerjoin(
        _ACCOUNT, _ACCOUNT.c.id == _OUTBOX.c.account_id
    )
    if state:
        query = query.where(_OUTBOX.c.state == state)
    if beyond:
        created, entry_id = beyond
        same = and_(_OUTBOX.c.created_at == created, _OUTBOX.c.id > entry_id)
        query = query.where(or_(_OUTBOX.c.created_at < created, same))
    return list(connection.execute(query.order_by(_OUTBOX.c.created_at.desc(), _OUTBOX.c.id).limit(limit)))


def states(connection: Connection) -> dict[str, int]:
    """How many entries are in each state."""
    query = select(_OUTBOX.c.state, func.count().label("entries")).group_by(_OUTBOX.c.state)
    return {row.state: row.entries for row in connection.execute(query.order_by(_OUTBOX.c.state))}


def one(connection: Connection, entry_id: str) -> Row[Any] | None:
    """The entry of that id with what was rendered."""
    query = select(_OUTBOX, _ACCOUNT.c.name.label("account_name")).outerjoin(
        _ACCOUNT, _ACCOUNT.c.id == _OUTBOX.c.account_id
    )
    return connection.execute(query.where(_OUTBOX.c.id == entry_id)).one_or_none()


def payload(connection: Connection, entry_id: str) -> dict[str, Any] | None:
    """What was rendered for the entry of that id."""
    found: dict[str, Any] | None = connection.scalar(
        select(_OUTBOX.c.payload).where(_OUTBOX.c.id == entry_id)
    )
    return found


def attempts(connection: Connection, entry_id: str) -> list[Row[Any]]:
    """The tries at delivering the entry, in order."""
    names = ("number", "started_at", "ended_at", "answer", "result")
    query = select(*(_ATTEMPT.c[name] for name in names)).where(_ATTEMPT.c.outbox_id == entry_id)
    return list(connection.execute(query.order_by(_ATTEMPT.c.number, _ATTEMPT.c.id)))


def address_of(connection: Connection, contact_id: str) -> str | None:
    """The email address of a contact."""
    found: str | None = connection.scalar(select(_CONTACT.c.email).where(_CONTACT.c.id == contact_id))
    return found
