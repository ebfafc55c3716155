"""Takes what is ready, under a lease, with a try on record for each. One write transaction a claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Integer, Row, Table, bindparam, func, insert, select, text, update

from engine.admit.silences import is_silenced
from engine.outbox.admission import Circumstances, circumstances
from engine.outbox.entry import Entry
from engine.state.database import writing
from engine.state.tables import IS_READY, Attempt, Outbox, Rulebook

LEASE = timedelta(minutes=5)
"""For how long a claim holds without a sign of life; renewed long before while its deliverer lives."""

READY = ("scheduled", "available", "retryable")

Hours: TypeAlias = Callable[[datetime, str | None, str | None], datetime]
"""The earliest instant from a given one, at an account's time zone and country, to write to a customer."""

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
) -> Claim:
    """Lease up to `limit` entries of a connector that are ready at `now`, the longest waiting first.

    Without a connector, those of none that is `known`. Each claim has an `owner` of its own: it is the
    proof that the lease is still held. Entries of paused playbooks and of silenced accounts are left alone.
    What may no longer be sent is cancelled with its reason; an email outside working hours goes back until
    they begin.
    """
    values = {"now": now, "until": now + LEASE, "owner": owner, "most": limit}
    with writing(database) as connection:
        rows = connection.execute(_take(connector, tuple(sorted(known))), values).all()
        if not rows:
            return Claim(())
        facts = circumstances(connection, [row.id for row in rows])
        rows = sorted(rows, key=lambda each: (each.available_at, each.id))
        refused = [row for row in rows if facts[row.id].refusal]
        later = {row.id: _leaves_at(row, facts[row.id], now, hours) for row in rows}
        early = [row for row in rows if not facts[row.id].refusal and later[row.id] > now]
        _cancel(connection, [(row.id, facts[row.id].refusal) for row in refused], now)
        _put_off(connection, [(row, later[row.id]) for row in early])
        kept = [row for row in rows if not facts[row.id].refusal and later[row.id] <= now]
        entries = _begin(connection, kept, facts, now)
    return Claim(entries, len(refused), len(early))


def _leaves_at(row: Row[Any], facts: Circumstances, now: datetime, hours: Hours) -> datetime:
    return now if row.contact_id is None else hours(now, facts.timezone, facts.country)


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
        available_at=bindparam("at", type_=_outbox.c.available_at.type),
        lease_owner=None,
        lease_until=None,
    )
)
_COUNT_TRY = update(_outbox).where(_outbox.c.id == bindparam("entry")).values(attempts=_outbox.c.attempts + 1)
_LAST_TRY = (
    select(_attempt.c.outbox_id, func.max(_attempt.c.number))
    .where(_attempt.c.outbox_id.in_(bindparam("ids", expanding=True)))
    .group_by(_attempt.c.outbox_id)
)
_NOTE_TRY = insert(_attempt).returning(_attempt.c.outbox_id, _attempt.c.id)


def _cancel(connection: Connection, refused: Sequence[tuple[str, str | None]], now: datetime) -> None:
    if refused:
        connection.execute(_CANCEL, [{"entry": each, "why": why, "at": now} for each, why in refused])


def _put_off(connection: Connection, early: Sequence[tuple[Row[Any], datetime]]) -> None:
    if early:
        rows = [
            {"entry": row.id, "waits": "retryable" if row.attempts else "scheduled", "at": at}
            for row, at in early
        ]
        connection.execute(_WAIT, rows)


def _begin(
    connection: Connection, rows: Sequence[Row[Any]], facts: Mapping[str, Circumstances], now: datetime
) -> tuple[Entry, ...]:
    """Put a try of each on record before any is made."""
    if not rows:
        return ()
    ids = [row.id for row in rows]
    connection.execute(_COUNT_TRY, [{"entry": each} for each in ids])
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
