"""Notes what came of tries, of those that never came back, and gives dead letters another chance."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, func, or_, select, update

from connectors.outcome import Unknown
from engine.outbox.claim import READY
from engine.outbox.retry import RetryDecision
from engine.state.database import writing
from engine.state.tables import Attempt, Outbox

CRASHED = Unknown("the deliverer stopped before it could note the answer")

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_attempt: Table = Attempt.__table__  # type: ignore[attr-defined]

_RECOVERED_AT_ONCE = 500


class CannotRequeueError(ValueError):
    """An outbox entry is not one that waits for a person; the message says what it is."""


def record(
    database: Engine, outbox_id: str, attempt_id: int | None, decision: RetryDecision, now: datetime
) -> bool:
    """Write the end of a try, or without one the end of an entry that nothing can deliver.

    Says whether the entry took it: a late answer to a try since given up for lost counts when it says
    that the message was taken, and otherwise only while nothing newer has been tried.
    """
    with writing(database) as connection:
        if attempt_id is not None:
            _end_attempt(
                connection, attempt_id, decision.result, decision.error or decision.receipt or "", now
            )
        return connection.execute(_settled(outbox_id, attempt_id, decision, now)).rowcount > 0


def _settled(outbox_id: str, attempt_id: int | None, decision: RetryDecision, now: datetime) -> Any:
    states = ["executing", "unknown"]
    if decision.state == "completed":
        states += [*READY, "cancelled", "discarded"]
    statement = update(_outbox).where(_outbox.c.id == outbox_id, _outbox.c.state.in_(states))
    if attempt_id is not None:
        newest = select(func.max(_attempt.c.id)).where(_attempt.c.outbox_id == outbox_id).scalar_subquery()
        statement = statement.where(newest == attempt_id)
    return statement.values(**_columns(decision, now))


def _columns(decision: RetryDecision, now: datetime) -> dict[str, Any]:
    is_over = decision.state != "retryable"
    found = {
        "state": decision.state,
        "error": decision.error,
        "receipt": decision.receipt,
        "finished_at": now if is_over else None,
        "lease_owner": None,
        "lease_until": None,
    }
    return found if decision.available_at is None else found | {"available_at": decision.available_at}


def recover(
    database: Engine, now: datetime, follow: Callable[[str, int], RetryDecision]
) -> list[RetryDecision]:
    """Settle the entries whose lease has run out: their deliverer has stopped, or hangs.

    One whose try had begun may have been sent: `follow(id, attempts)` says what becomes of it. One whose
    try had not begun is simply ready again.
    """
    decisions = []
    with writing(database) as connection:
        for row in connection.execute(_expired(now)).all():
            begun = _begun_attempt(connection, row.id)
            if begun is None:
                _make_ready(connection, row)
                continue
            decision = follow(row.id, row.attempts)
            _end_attempt(connection, begun, "lost", CRASHED.reason, now)
            connection.execute(
                update(_outbox).where(_outbox.c.id == row.id).values(**_columns(decision, now))
            )
            decisions.append(decision)
    return decisions


def requeue(database: Engine, outbox_id: str, now: datetime) -> None:
    """Give a dead letter, or one of unknown fate, all its tries again from `now` on.

    What was left unknown may thereby be sent twice. Raises LookupError, CannotRequeueError.
    """
    with writing(database) as connection:
        state = connection.scalar(select(_outbox.c.state).where(_outbox.c.id == outbox_id).with_for_update())
        if state is None:
            raise LookupError(f'there is no outbox entry "{outbox_id}"')
        if state not in ("discarded", "unknown"):
            raise CannotRequeueError(
                f'entry "{outbox_id}" is {state}; only discarded and unknown ones go again'
            )
        connection.execute(
            update(_outbox)
            .where(_outbox.c.id == outbox_id)
            .values(state="available", available_at=now, attempts=0, finished_at=None, error=None)
        )


def _expired(now: datetime) -> Any:
    return (
        select(_outbox.c.id, _outbox.c.attempts)
        .where(
            _outbox.c.state == "executing",
            or_(_outbox.c.lease_until.is_(None), _outbox.c.lease_until <= now),
        )
        .order_by(_outbox.c.id)
        .limit(_RECOVERED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )


def _begun_attempt(connection: Connection, outbox_id: str) -> int | None:
    found = connection.scalar(
        select(func.max(_attempt.c.id)).where(
            _attempt.c.outbox_id == outbox_id, _attempt.c.result == "started"
        )
    )
    return None if found is None else int(found)


def _make_ready(connection: Connection, row: Row[Any]) -> None:
    connection.execute(
        update(_outbox)
        .where(_outbox.c.id == row.id)
        .values(state="retryable" if row.attempts else "available", lease_owner=None, lease_until=None)
    )


def _end_attempt(connection: Connection, attempt_id: int, result: str, answer: str, now: datetime) -> None:
    connection.execute(
        update(_attempt).where(_attempt.c.id == attempt_id).values(ended_at=now, result=result, answer=answer)
    )
