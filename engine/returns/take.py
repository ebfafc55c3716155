"""What a notice leads to: an event, a suppressed address, and the end of the sequence for that person."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, exists, func, select, update

from engine.conditions.catalogue import BUILT_IN
from engine.identity import digest
from engine.outbox.claim import READY
from engine.permit.suppression import LONGEST_WHY, address_key, suppress
from engine.returns.notice import Notice
from engine.state.database import reading, writing
from engine.state.ingest import EventEntry, ingest
from engine.state.tables import Attempt, MailReturn, Outbox, StoppedSequence
from engine.state.upsert import upsert

log = logging.getLogger(__name__)

SOURCE = "mail"
"""The source of the events."""
_EVENTS = {
    "bounced": "email_bounced",
    "soft_bounced": "email_bounced",
    "complained": "email_complained",
    "replied": "email_replied",
}
_ARRIVED = {
    "delivered": "reported as delivered",
    "complained": "known to have arrived: the person complained",
    "replied": "known to have arrived: the person replied",
}
_ENDINGS = {
    "bounced": "the address bounced",
    "complained": "the person complained",
    "replied": "the person replied",
}
"""What stops a sequence, as the reason of what is cancelled."""

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_attempt: Table = Attempt.__table__  # type: ignore[attr-defined]
_stopped: Table = StoppedSequence.__table__  # type: ignore[attr-defined]
_return: Table = MailReturn.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SoftLimit:
    """How many soft bounces in a row count as a hard one."""

    most: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a notice."""

    result: str
    """Its kind; `known` for one that was there before; `ignored`."""
    reason: str = ""


def take_all(
    database: Engine, notices: Iterable[Notice], soft: SoftLimit, at: datetime, now: datetime
) -> Counter[str]:
    """Take each; counts by result. Those ignored are told in the log."""
    counts: Counter[str] = Counter()
    for notice in notices:
        taken = take(database, notice, soft, at, now)
        counts[taken.result] += 1
        if taken.result == "ignored":
            log.info("A %s notice was ignored: %s.", notice.kind, taken.reason)
    return counts


def take(database: Engine, notice: Notice, soft: SoftLimit, at: datetime, now: datetime) -> Taken:
    """Take a notice that arrived `at`; the same one again changes nothing, however often it comes.

    The event is stored first, under an id that follows from the notice: cut short in between, the next time
    does the rest.
    """
    with reading(database) as connection:
        entry = _entry(connection, notice.message_ids)
        refusal = "it names no message that was sent from here" if entry is None else _refusal(entry, notice)
        if entry is None or refusal:
            return Taken("ignored", refusal or "")
        key = _key(notice, entry.id)
        if connection.scalar(select(_return.c.id).where(_return.c.id == key)) is not None:
            return Taken("known")
    arrived = min(max(at, entry.created_at), now)
    if notice.kind in _EVENTS:
        ingest(database, BUILT_IN, [], [_event(notice, entry, key, arrived, now)], source=SOURCE)
    with writing(database) as connection:
        _note(connection, notice, entry, key, arrived)
        _act(connection, notice, entry, soft, now)
    return Taken(notice.kind)


def _entry(connection: Connection, message_ids: Iterable[str]) -> Row[Any] | None:
    """The email with one of these Message-IDs, whose first part is the entry's id, if it was ever tried."""
    ids = [each.partition("@")[0] for each in message_ids]
    was_tried = exists().where(_attempt.c.outbox_id == _outbox.c.id)
    mine = select(_outbox).where(_outbox.c.id.in_(ids), _outbox.c.contact_id.is_not(None), was_tried)
    rows = connection.execute(mine).all()
    return min(rows, key=lambda each: ids.index(each.id)) if rows else None


def _refusal(entry: Row[Any], notice: Notice) -> str | None:
    """Why a notice about a real message does not count, where it does not."""
    own = address_key(entry.recipient)
    named = {address_key(each) for each in notice.addresses}
    if notice.kind == "replied":
        domain = own.rpartition("@")[2]
        is_theirs = own in named or any(each.rpartition("@")[2] == domain for each in named)
        return None if is_theirs else "somebody else than its recipient wrote it"
    if notice.kind == "complained" and not named:
        return None
    return None if own in named else "it speaks of another recipient"


def _key(notice: Notice, entry_id: str) -> str:
    """The same for the same notice. Of replies each counts; of the others, one for each message."""
    kind = "bounced" if notice.kind == "soft_bounced" else notice.kind
    return digest("mail return", kind, entry_id, notice.own_id if kind == "replied" else "")


def _event(notice: Notice, entry: Row[Any], key: str, at: datetime, now: datetime) -> EventEntry:
    said = {"step": entry.step, "playbook": entry.playbook, "run": entry.run_id, "topic": entry.topic}
    if notice.kind in ("bounced", "soft_bounced"):
        said["permanent"] = notice.kind == "bounced"
    properties = {name: value for name, value in said.items() if value is not None}
    properties["reason"] = notice.reason
    return EventEntry(
        f"mail:{key}",
        entry.account_id,
        _EVENTS[notice.kind],
        occurred_at=at,
        recorded_at=now,
        subject_id=entry.contact_id,
        properties=properties,
    )


def _note(connection: Connection, notice: Notice, entry: Row[Any], key: str, at: datetime) -> None:
    row = {
        "id": key,
        "outbox_id": entry.id,
        "run_id": entry.run_id,
        "contact_id": entry.contact_id,
        "email": address_key(entry.recipient),
        "kind": notice.kind,
        "reason": notice.reason,
        "at": at,
    }
    upsert(connection, _return, [row], keep=True)


def _act(connection: Connection, notice: Notice, entry: Row[Any], soft: SoftLimit, now: datetime) -> None:
    if notice.kind in _ARRIVED:
        _settle(connection, entry.id, _ARRIVED[notice.kind], now)
    if notice.kind == "delivered":
        return
    if notice.kind == "soft_bounced":
        if _soft_in_a_row(connection, address_key(entry.recipient), now - soft.within) < soft.most:
            return
        _stop(connection, entry, _ENDINGS["bounced"], now)
        suppress(connection, entry.recipient, "bounced", now, why=notice.reason[:LONGEST_WHY])
        return
    if notice.kind != "replied":
        suppress(connection, entry.recipient, notice.kind, now, why=notice.reason[:LONGEST_WHY])
    _stop(connection, entry, _ENDINGS[notice.kind], now)


def _settle(connection: Connection, entry_id: str, receipt: str, now: datetime) -> None:
    """What was thought undelivered, or of unknown fate, has arrived after all, and is not sent again."""
    open_states = ("unknown", "discarded", *READY)
    settled = update(_outbox).where(_outbox.c.id == entry_id, _outbox.c.state.in_(open_states))
    connection.execute(settled.values(state="completed", error=None, receipt=receipt, finished_at=now))


def _soft_in_a_row(connection: Connection, email: str, since: datetime) -> int:
    """Soft bounces of an address after `since`, and after the last sign that it takes mail."""
    good = (
        select(func.max(_return.c.at))
        .where(_return.c.email == email, _return.c.kind.in_(("replied", "delivered")))
        .scalar_subquery()
    )
    query = select(func.count()).where(
        _return.c.email == email,
        _return.c.kind == "soft_bounced",
        _return.c.at > since,
        func.coalesce(_return.c.at > good, True),
    )
    return connection.scalar(query) or 0


def _stop(connection: Connection, entry: Row[Any], reason: str, now: datetime) -> None:
    """Cancel what the same run has still waiting for the same person, and let it send them no more."""
    stopped = {"run_id": entry.run_id, "contact_id": entry.contact_id, "at": now, "why": reason}
    upsert(connection, _stopped, [stopped], keep=True)
    waiting = (
        _outbox.c.run_id == entry.run_id,
        _outbox.c.contact_id == entry.contact_id,
        _outbox.c.state.in_(READY),
    )
    connection.execute(
        update(_outbox).where(*waiting).values(state="cancelled", error=reason, finished_at=now)
    )
