"""Takes what is ready, under a lease, and begins tries. Each function is one write transaction."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, Engine, Row, Table, func, insert, select, update

from engine.admit.silences import is_silenced
from engine.outbox.admission import circumstances
from engine.outbox.entry import Entry
from engine.state.database import writing
from engine.state.tables import Attempt, Outbox, Rulebook

LEASE = timedelta(minutes=15)
"""Longer than any one try can take; renewed as each try begins."""

READY = ("available", "retryable")

Hours: TypeAlias = Callable[[datetime, str | None, str | None], datetime]
"""The earliest instant from a given one, at an account's time zone and country, to write to a customer."""

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_attempt: Table = Attempt.__table__  # type: ignore[attr-defined]
_rulebook: Table = Rulebook.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim took, and what it did not let through."""

    entries: tuple[Entry, ...]
    cancelled: int
    deferred: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ready."""
        return not self.entries and not self.cancelled and not self.deferred


@dataclass(frozen=True, slots=True)
class Begun:
    """A try that is on record as begun."""

    attempt_id: int
    attempts: int


@dataclass(frozen=True, slots=True)
class NotBegun:
    """A try that must not begin."""

    is_cancelled: bool
    """False when the lease was lost: then another deliverer has the entry; or when a silence has begun."""


def claim(
    database: Engine,
    *,
    now: datetime,
    owner: str,
    limit: int,
    hours: Hours,
    without: Collection[str] = (),
) -> Claim:
    """Lease up to `limit` entries ready at `now` to `owner`, the longest waiting first.

    Entries of paused playbooks, of silenced accounts and of the connectors in `without` are left alone. What
    may no longer be sent is cancelled with its reason; an email outside working hours goes back until they
    begin.
    """
    with writing(database) as connection:
        rows = connection.execute(_take(now, owner, limit, without)).all()
        known = circumstances(connection, [row.id for row in rows])
        entries, cancelled, deferred = [], 0, 0
        for row in sorted(rows, key=lambda each: (each.available_at, each.id)):
            facts = known[row.id]
            leaves_at = hours(now, facts.timezone, facts.country) if row.contact_id else now
            if facts.refusal:
                _cancel(connection, row.id, facts.refusal, now)
                cancelled += 1
            elif leaves_at > now:
                _hand_back(connection, row.id, row.attempts, leaves_at)
                deferred += 1
            else:
                entries.append(_entry(row, facts.timezone, facts.country))
    return Claim(tuple(entries), cancelled, deferred)


def begin(database: Engine, entry: Entry, now: datetime) -> Begun | NotBegun:
    """Put a try on record before it is made, after asking once more whether the entry may still go out."""
    with writing(database) as connection:
        if _is_silenced(connection, entry.id, now):
            _give_up(connection, entry)
            return NotBegun(is_cancelled=False)
        held = update(_outbox).where(
            _outbox.c.id == entry.id,
            _outbox.c.state == "executing",
            _outbox.c.lease_owner == entry.lease_owner,
            _outbox.c.lease_until == entry.lease_until,
        )
        renewed = held.values(lease_until=now + LEASE, attempts=_outbox.c.attempts + 1)
        attempts = connection.scalar(renewed.returning(_outbox.c.attempts))
        if attempts is None:
            return NotBegun(is_cancelled=False)
        refusal = circumstances(connection, [entry.id])[entry.id].refusal
        if refusal:
            _cancel(connection, entry.id, refusal, now)
            return NotBegun(is_cancelled=True)
        return Begun(_note_begun(connection, entry.id, now), attempts)


def hand_back(database: Engine, entry: Entry) -> None:
    """Give up the lease of an entry whose try has not begun."""
    with writing(database) as connection:
        _give_up(connection, entry)


def _give_up(connection: Connection, entry: Entry) -> None:
    connection.execute(
        update(_outbox)
        .where(
            _outbox.c.id == entry.id,
            _outbox.c.state == "executing",
            _outbox.c.lease_owner == entry.lease_owner,
            _outbox.c.lease_until == entry.lease_until,
        )
        .values(state=_waiting_state(entry.attempts), lease_owner=None, lease_until=None)
    )


def _take(now: datetime, owner: str, limit: int, without: Collection[str]) -> Any:
    """One statement that takes and marks: under SQLite's write lock; PostgreSQL skips what others hold."""
    paused = select(_rulebook.c.playbook).where(_rulebook.c.paused.is_(True))
    ready = (
        select(_outbox.c.id)
        .where(
            _outbox.c.state.in_(READY),
            _outbox.c.available_at <= now,
            _outbox.c.playbook.not_in(paused),
            _outbox.c.connector.not_in(sorted(without)),
            ~is_silenced(_outbox.c.account_id, _outbox.c.playbook, now),
        )
        .order_by(_outbox.c.available_at, _outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=_outbox)
        .cte("ready")  # evaluated once; as a plain subquery it may be run again and lock more than its limit
    )
    return (
        update(_outbox)
        .where(_outbox.c.id.in_(select(ready.c.id)))
        .values(state="executing", lease_owner=owner, lease_until=now + LEASE)
        .returning(*_outbox.c)
    )


def _is_silenced(connection: Connection, outbox_id: str, now: datetime) -> bool:
    covered = is_silenced(_outbox.c.account_id, _outbox.c.playbook, now)
    found = connection.scalar(select(_outbox.c.id).where(_outbox.c.id == outbox_id, covered))
    return found is not None


def _note_begun(connection: Connection, outbox_id: str, now: datetime) -> int:
    last = connection.scalar(select(func.max(_attempt.c.number)).where(_attempt.c.outbox_id == outbox_id))
    begun = insert(_attempt).values(
        outbox_id=outbox_id, number=(last or 0) + 1, started_at=now, answer="", result="started"
    )
    return int(connection.execute(begun.returning(_attempt.c.id)).scalar_one())


def _cancel(connection: Connection, outbox_id: str, reason: str, now: datetime) -> None:
    connection.execute(
        update(_outbox)
        .where(_outbox.c.id == outbox_id)
        .values(state="cancelled", error=reason, finished_at=now, lease_owner=None, lease_until=None)
    )


def _hand_back(connection: Connection, outbox_id: str, attempts: int, available_at: datetime) -> None:
    connection.execute(
        update(_outbox)
        .where(_outbox.c.id == outbox_id)
        .values(state=_waiting_state(attempts), available_at=available_at, lease_owner=None, lease_until=None)
    )


def _waiting_state(attempts: int) -> str:
    return "retryable" if attempts else "available"


def _entry(row: Row[Any], timezone: str | None, country: str | None) -> Entry:
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
        attempts=row.attempts,
        lease_owner=row.lease_owner,
        lease_until=row.lease_until,
        timezone=timezone,
        country=country,
    )
