"""What people do with entries of the outbox: give them another chance, or stop them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, or_, select, update

from engine.outbox.browse import EntryFilter
from engine.outbox.claim import READY
from engine.state.database import writing
from engine.state.tables import Outbox

GIVEN_UP = ("discarded", "unknown")
"""What waits for a person."""
AT_ONCE = 500
"""Entries that one transaction changes."""

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]


class CannotRequeueError(ValueError):
    """An outbox entry is not one that waits for a person; the message says what it is."""


class CannotCancelError(ValueError):
    """An outbox entry does not wait to be sent; the message says what it is."""


def requeue(database: Engine, outbox_id: str, now: datetime) -> None:
    """Give a dead letter, or one of unknown fate, all its tries again from `now` on.

    What was left unknown may thereby be sent twice. Raises LookupError, CannotRequeueError.
    """
    with writing(database) as connection:
        state = _locked_state(connection, outbox_id)
        if state not in GIVEN_UP:
            raise CannotRequeueError(
                f'entry "{outbox_id}" is {state}; only discarded and unknown ones go again'
            )
        connection.execute(_again(now).where(_outbox.c.id == outbox_id))


def requeue_some(database: Engine, wanted: EntryFilter, now: datetime, most: int = AT_ONCE) -> int:
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
        ids = connection.scalars(
            select(_outbox.c.id)
            .where(*wanted.conditions(), ended)
            .order_by(_outbox.c.created_at, _outbox.c.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        ).all()
        if ids:
            connection.execute(_again(now).where(_outbox.c.id.in_(ids)))
    return len(ids)


def cancel(database: Engine, outbox_id: str, reason: str, now: datetime) -> None:
    """Stop an entry that waits to be sent. Raises LookupError, CannotCancelError."""
    with writing(database) as connection:
        state = _locked_state(connection, outbox_id)
        if state not in READY:
            raise CannotCancelError(f'entry "{outbox_id}" is {state}; only what waits can be cancelled')
        connection.execute(_STOP, {"entry": outbox_id, "why": reason, "at": now})


def _locked_state(connection: Connection, outbox_id: str) -> str:
    state: str | None = connection.scalar(
        select(_outbox.c.state).where(_outbox.c.id == outbox_id).with_for_update()
    )
    if state is None:
        raise LookupError(f'there is no outbox entry "{outbox_id}"')
    return state


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
