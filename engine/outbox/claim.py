"""Takes what is ready, under a lease, with a try on record for each. One write transaction a claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeAlias

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    Row,
    Table,
    bindparam,
    case,
    func,
    insert,
    select,
    text,
    update,
)

from engine.admit.silences import is_silenced
from engine.outbox.admission import Circumstances, circumstances
from engine.outbox.caps import waiting
from engine.outbox.entry import Entry
from engine.permit.arbiter import Wait
from engine.permit.policy import FREE, Policy
from engine.runs.run import HOURS
from engine.state.database import writing
from engine.state.tables import IS_READY, Attempt, Outbox, Rulebook

LEASE = timedelta(minutes=5)
"""For how long a claim holds without a sign of life; renewed long before while its deliverer lives."""

READY = ("scheduled", "available", "retryable")

Hours: TypeAlias = Callable[[datetime, Sequence[str | None], str | None, str | None], datetime]
"""The earliest instant from a given one to write to somebody in a time zone and country about a topic."""

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_attempt: Table = Attempt.__table__  # type: ignore[attr-defined]
_rulebook: Table = Rulebook.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim took, and what it did not let through."""

    entries: tuple[Entry, ...]
    cancelled: int = 0
    deferred: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ready."""
        return not self.entries and not self.cancelled and not self.deferred


def claim(
    database: Engine,
    *,
    now: datetime,
    owner: str,
    limit: int,
    hours: Hours,
    connector: str | None,
    known: Sequence[str] = (),
    policy: Policy = FREE,
) -> Claim:
    """Lease up to `limit` entries of a connector that are ready at `now`, the longest waiting first.

    Without a connector, those of none that is `known`. Each claim has an `owner` of its own: it is the
    proof that the lease is still held. Entries of paused playbooks and of silenced accounts are left alone.
    What may no longer be sent is cancelled with its reason; an email outside the hours for emails, or beyond
    a cap of the `policy`, goes back until it may leave.
    """
    values = {"now": now, "until": now + LEASE, "owner": owner, "most": limit}
    with writing(database) as connection:
        rows = connection.execute(_take(connector, tuple(sorted(known))), values).all()
        if not rows:
            return Claim(())
        facts = circumstances(connection, [row.id for row in rows], policy.transactional)
        rows = sorted(rows, key=lambda each: (each.available_at, each.id))
        refused = [row for row in rows if facts[row.id].refusal]
        allowed = [row for row in rows if not facts[row.id].refusal]
        later = _waits(connection, allowed, facts, now, hours, policy, connector)
        early = [(row, later[row.id]) for row in allowed if row.id in later]
        _cancel(connection, [(row.id, facts[row.id].refusal) for row in refused], now)
        _put_off(connection, early)
        entries = _begin(connection, [row for row in allowed if row.id not in later], facts, now)
    return Claim(entries, len(refused), len(early))


def _waits(
    connection: Connection,
    rows: Sequence[Row[Any]],
    facts: Mapping[str, Circumstances],
    now: datetime,
    hours: Hours,
    policy: Policy,
    connector: str | None,
) -> Mapping[str, Wait]:
    """The emails that cannot leave now, by id: by the clock where the recipient is, then by the caps."""

    asked = cache(hours)  # many recipients live in the same place

    def leaves_at(row: Row[Any], instant: datetime) -> datetime:
        here = facts[row.id]
        return asked(instant, (here.contact_timezone, here.timezone), here.country, row.topic)

    emails = {row.id: row for row in rows if row.contact_id is not None}
    times = {key: leaves_at(row, now) for key, row in emails.items()}
    early = {key: Wait(at, HOURS) for key, at in times.items() if at > now}
    in_time = [row for key, row in emails.items() if key not in early]
    if connector is None:
        return early
    bound = waiting(connection, in_time, policy, connector, now)
    return early | {key: Wait(leaves_at(emails[key], each.until), each.why) for key, each in bound.items()}


@lru_cache(maxsize=64)
def _take(connector: str | None, known: tuple[str, ...]) -> Any:
    """One statement that takes and marks: under SQLite's write lock; PostgreSQL skips what others hold."""
    now = bindparam("now", type_=_outbox.c.available_at.type)
    paused = select(_rulebook.c.playbook).where(_rulebook.c.paused.is_(True))
    is_ours = _outbox.c.connector.not_in(known) if connector is None else _outbox.c.connector == connector
    ready = (
        select(_outbox.c.id)
        .where(
            text(f"outbox.{IS_READY}"),
            is_ours,
            _outbox.c.available_at <= now,
            _outbox.c.playbook.not_in(paused),
            ~is_silenced(_outbox.c.account_id, _outbox.c.playbook, now),
        )
        .order_by(_outbox.c.available_at, _outbox.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True, of=_outbox)
        .cte("ready")  # evaluated once; as a plain subquery it may be run again and lock more than its limit
    )
    until = bindparam("until", type_=_outbox.c.lease_until.type)
    return (
        update(_outbox)
        .where(_outbox.c.id.in_(select(ready.c.id)))
        .values(state="executing", lease_owner=bindparam("owner"), lease_until=until)
        .returning(*_outbox.c)
    )


_CANCEL = (
    update(_outbox)
    .where(_outbox.c.id == bindparam("entry"))
    .values(
        state="cancelled",
        error=bindparam("why"),
        waits_for=None,
        finished_at=bindparam("at", type_=_outbox.c.finished_at.type),
        lease_owner=None,
        lease_until=None,
    )
)
_WAIT = (
    update(_outbox)
    .where(_outbox.c.id == bindparam("entry"))
    .values(
        state=bindparam("waits"),
        waits_for=bindparam("why"),
        available_at=bindparam("at", type_=_outbox.c.available_at.type),
        lease_owner=None,
        lease_until=None,
    )
)
_COUNT_TRY = (
    update(_outbox)
    .where(_outbox.c.id == bindparam("entry"))
    .values(
        attempts=_outbox.c.attempts + 1,
        waits_for=None,
        left_at=case(
            (_outbox.c.contact_id.is_not(None), bindparam("at", type_=_outbox.c.left_at.type)), else_=None
        ),
    )
)
_LAST_TRY = (
    select(_attempt.c.outbox_id, func.max(_attempt.c.number))
    .where(_attempt.c.outbox_id.in_(bindparam("ids", expanding=True)))
    .group_by(_attempt.c.outbox_id)
)
_NOTE_TRY = insert(_attempt).returning(_attempt.c.outbox_id, _attempt.c.id)


def _cancel(connection: Connection, refused: Sequence[tuple[str, str | None]], now: datetime) -> None:
    if refused:
        connection.execute(_CANCEL, [{"entry": each, "why": why, "at": now} for each, why in refused])


def _put_off(connection: Connection, early: Sequence[tuple[Row[Any], Wait]]) -> None:
    if early:
        rows = [
            {
                "entry": row.id,
                "waits": "retryable" if row.attempts else "scheduled",
                "at": wait.until,
                "why": wait.why,
            }
            for row, wait in early
        ]
        connection.execute(_WAIT, rows)


def _begin(
    connection: Connection, rows: Sequence[Row[Any]], facts: Mapping[str, Circumstances], now: datetime
) -> tuple[Entry, ...]:
    """Put a try of each on record before any is made."""
    if not rows:
        return ()
    ids = [row.id for row in rows]
    connection.execute(_COUNT_TRY, [{"entry": each, "at": now} for each in ids])
    last: dict[str, int] = {row[0]: row[1] for row in connection.execute(_LAST_TRY, {"ids": ids})}
    tries = [
        {
            "outbox_id": each,
            "number": last.get(each, 0) + 1,
            "started_at": now,
            "answer": "",
            "result": "started",
        }
        for each in ids
    ]
    begun: dict[str, int] = {row[0]: row[1] for row in connection.execute(_NOTE_TRY, tries)}
    return tuple(_entry(row, facts[row.id], begun[row.id]) for row in rows)


def _entry(row: Row[Any], facts: Circumstances, attempt_id: int) -> Entry:
    return Entry(
        id=row.id,
        run_id=row.run_id,
        account_id=row.account_id,
        step=row.step,
        contact_id=row.contact_id,
        connector=row.connector,
        recipient=row.recipient,
        topic=row.topic,
        subject=row.subject,
        payload=row.payload,
        attempts=row.attempts + 1,
        attempt_id=attempt_id,
        lease_owner=row.lease_owner,
        timezone=facts.timezone,
        country=facts.country,
    )
