"""What people do with entries of the outbox: give them another chance, or stop them. Who did it is kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, bindparam, insert, or_, select, update

from engine.outbox.browse import EntryFilter
from engine.outbox.claim import READY
from engine.state.database import writing
from engine.state.tables import Outbox, OutboxAct

GIVEN_UP = ("discarded", "unknown")
"""What waits for a person."""
AT_ONCE = 500
"""Entries that one transaction changes."""

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_act: Table = OutboxAct.__table__  # type: ignore[attr-defined]
_NOTED: tuple[Any, ...] = (_outbox.c.id, _outbox.c.state, _outbox.c.error)


class CannotRequeueError(ValueError):
    """An outbox entry is not one that waits for a person; the message says what it is."""


class CannotCancelError(ValueError):
    """An outbox entry does not wait to be sent; the message says what it is."""


def requeue(database: Engine, outbox_id: str, now: datetime, *, by: str) -> None:
    """Give a dead letter, or one of unknown fate, all its tries again from `now` on, in somebody's name.

    What was left unknown may thereby be sent twice. Raises LookupError, CannotRequeueError.
    """
    with writing(database) as connection:
        entry = _locked(connection, outbox_id)
        if entry.state not in GIVEN_UP:
            raise CannotRequeueError(
                f'entry "{outbox_id}" is {entry.state}; only discarded and unknown ones go again'
            )
        _note(connection, [entry], "retried", by, now)
        connection.execute(_again(now).where(_outbox.c.id == outbox_id))


def requeue_some(
    database: Engine, wanted: EntryFilter, now: datetime, most: int = AT_ONCE, *, by: str
) -> int:
    """Give up to `most` of the entries another chance, in one transaction; how many it were.

    Of those that ended by `now`: called until it finds none, it comes to an end whatever fails meanwhile.
    Raises ValueError unless the filter names the state `discarded` or `unknown`.
    """
    if wanted.state not in GIVEN_UP:
        raise ValueError(
            f"only entries that are {' or '.join(GIVEN_UP)} go again; name one of the two states"
        )
    ended = or_(_outbox.c.finished_at.is_(None), _outbox.c.finished_at <= now)
    with writing(database) as connection:
        entries: Sequence[Row[Any]] = connection.execute(
            select(*_NOTED)
            .where(*wanted.conditions(), ended)
            .order_by(_outbox.c.created_at, _outbox.c.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        if entries:
            _note(connection, entries, "retried", by, now)
            connection.execute(_again(now).where(_outbox.c.id.in_([each.id for each in entries])))
    return len(entries)


def cancel(database: Engine, outbox_id: str, now: datetime, *, by: str) -> None:
    """Stop an entry that waits to be sent, in somebody's name. Raises LookupError, CannotCancelError."""
    with writing(database) as connection:
        entry = _locked(connection, outbox_id)
        if entry.state not in READY:
            raise CannotCancelError(f'entry "{outbox_id}" is {entry.state}; only what waits can be cancelled')
        _note(connection, [entry], "cancelled", by, now)
        connection.execute(_STOP, {"entry": outbox_id, "why": f"cancelled by {by}", "at": now})


def _locked(connection: Connection, outbox_id: str) -> Row[Any]:
    entry: Row[Any] | None = connection.execute(
        select(*_NOTED).where(_outbox.c.id == outbox_id).with_for_update()
    ).one_or_none()
    if entry is None:
        raise LookupError(f'there is no outbox entry "{outbox_id}"')
    return entry


def _note(connection: Connection, entries: Sequence[Row[Any]], act: str, by: str, now: datetime) -> None:
    rows = [
        {"outbox_id": each.id, "at": now, "act": act, "by": by, "was": each.state, "note": each.error or ""}
        for each in entries
    ]
    connection.execute(insert(_act), rows)


def _again(now: datetime) -> Any:
    return update(_outbox).values(
        state="available", available_at=now, attempts=0, finished_at=None, error=None
    )


_STOP = (
    update(_outbox)
    .where(_outbox.c.id == bindparam("entry"))
    .values(
        state="cancelled",
        error=bindparam("why"),
        finished_at=bindparam("at", type_=_outbox.c.finished_at.type),
    )
)
