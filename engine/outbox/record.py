"""Notes what came of tries, and of those that never came back."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Table, bindparam, case, delete, func, or_, select, text, update

from connectors.outcome import Unknown
from engine.outbox.claim import LEASE, READY
from engine.outbox.retry import RetryDecision
from engine.state.database import writing
from engine.state.tables import IS_EXECUTING, Attempt, Outbox

CRASHED = Unknown("the deliverer stopped before it could note the answer")

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_attempt: Table = Attempt.__table__  # type: ignore[attr-defined]

_RECOVERED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of one entry after one try."""

    entry_id: str
    attempt_id: int
    decision: RetryDecision
    ended_at: datetime


def settle(database: Engine, settlements: Sequence[Settlement]) -> None:
    """Write the ends of tries.

    A late answer to a try since given up for lost counts when it says that the message was taken, and
    otherwise only while nothing newer has been tried; the attempt takes note of it in any case.
    """
    if not settlements:
        return
    with writing(database) as connection:
        connection.execute(_END_TRY, [_ended(each) for each in settlements])
        for statement, is_taken in ((_TAKEN, True), (_NOT_TAKEN, False)):
            rows = [
                _settled(each) for each in settlements if (each.decision.state == "completed") is is_taken
            ]
            if rows:
                connection.execute(statement, rows)


def _may_have_left() -> Any:
    """When an email left or may have left for the last time, by the tries that have ended."""
    tries = select(func.max(func.coalesce(_attempt.c.ended_at, _attempt.c.started_at))).where(
        _attempt.c.outbox_id == _outbox.c.id,
        or_(*(_attempt.c.result == each for each in ("delivered", "unknown", "lost"))),
    )
    return case((_outbox.c.contact_id.is_not(None), tries.scalar_subquery()), else_=None)


def _settling(*states: str) -> Any:
    in_one = or_(*(_outbox.c.state == each for each in states))  # `in` cannot be used with many rows at once
    newest = select(func.max(_attempt.c.id)).where(_attempt.c.outbox_id == _outbox.c.id).scalar_subquery()
    return (
        update(_outbox)
        .where(_outbox.c.id == bindparam("entry"), in_one, newest == bindparam("try"))
        .values(
            state=bindparam("becomes"),
            error=bindparam("why"),
            receipt=bindparam("proof"),
            finished_at=bindparam("over", type_=_outbox.c.finished_at.type),
            left_at=_may_have_left(),
            available_at=func.coalesce(
                bindparam("again", type_=_outbox.c.available_at.type), _outbox.c.available_at
            ),
            lease_owner=None,
            lease_until=None,
        )
    )


_END_TRY = (
    update(_attempt)
    .where(_attempt.c.id == bindparam("try"))
    .values(
        ended_at=bindparam("at", type_=_attempt.c.ended_at.type),
        result=bindparam("outcome"),
        answer=bindparam("said"),
    )
)
_TAKEN = _settling("executing", "unknown", *READY, "cancelled", "discarded")
_NOT_TAKEN = _settling("executing", "unknown")


def _ended(each: Settlement) -> dict[str, Any]:
    decision = each.decision
    return {
        "try": each.attempt_id,
        "at": each.ended_at,
        "outcome": decision.result,
        "said": decision.error or decision.receipt or "",
    }


def _settled(each: Settlement) -> dict[str, Any]:
    decision = each.decision
    return {
        "entry": each.entry_id,
        "try": each.attempt_id,
        "becomes": decision.state,
        "why": decision.error,
        "proof": decision.receipt,
        "over": None if decision.state == "retryable" else each.ended_at,
        "again": decision.available_at,
    }


def hand_back(database: Engine, owner: str, ids: Sequence[str] | None = None) -> None:
    """Give up the lease that a claim's `owner` has on these entries, or on all: as if not claimed at all."""
    held = [_outbox.c.state == "executing", _outbox.c.lease_owner == owner]
    if ids is not None:
        held.append(_outbox.c.id.in_(ids))
    with writing(database) as connection:
        found = connection.scalars(select(_outbox.c.id).where(*held).with_for_update()).all()
        if found:
            begun = _attempt.c.outbox_id.in_(found), _attempt.c.result == "started"
            connection.execute(delete(_attempt).where(*begun))
            connection.execute(_HAND_BACK.where(_outbox.c.id.in_(found)))


_HAND_BACK = update(_outbox).values(
    state=case((_outbox.c.attempts > 1, "retryable"), else_="available"),
    attempts=_outbox.c.attempts - 1,
    left_at=_may_have_left(),
    lease_owner=None,
    lease_until=None,
)


def renew(database: Engine, owners: Iterable[str], now: datetime) -> None:
    """A sign of life: the leases of these claims hold anew from `now` on."""
    held = _outbox.c.state == "executing", _outbox.c.lease_owner.in_(sorted(owners))
    with writing(database) as connection:
        connection.execute(update(_outbox).where(*held).values(lease_until=now + LEASE))


def recover(
    database: Engine,
    now: datetime,
    follow: Callable[[str, int], RetryDecision],
    living: Collection[str] = (),
) -> list[RetryDecision]:
    """Settle the entries whose lease has run out: their deliverer has stopped, if not one of the `living`.

    They may have been sent: `follow(id, attempts)` says what becomes of each.
    """
    with writing(database) as connection:
        rows = connection.execute(_expired(now, living)).all()
        lost = [
            Settlement(row.id, row.attempt_id, follow(row.id, row.attempts), now)
            for row in rows
            if row.attempt_id is not None
        ]
        if lost:
            connection.execute(_END_TRY, [_ended(each) | {"outcome": "lost"} for each in lost])
            connection.execute(_NOT_TAKEN, [_settled(each) for each in lost])
    return [each.decision for each in lost]


def _expired(now: datetime, living: Collection[str]) -> Any:
    newest = select(func.max(_attempt.c.id)).where(_attempt.c.outbox_id == _outbox.c.id).scalar_subquery()
    return (
        select(_outbox.c.id, _outbox.c.attempts, newest.label("attempt_id"))
        .where(
            text(f"outbox.{IS_EXECUTING}"),
            or_(_outbox.c.lease_until.is_(None), _outbox.c.lease_until <= now),
            func.coalesce(_outbox.c.lease_owner, "").not_in(sorted(living)),
        )
        .order_by(_outbox.c.id)
        .limit(_RECOVERED_AT_ONCE)
        .with_for_update(skip_locked=True, of=_outbox)
    )
