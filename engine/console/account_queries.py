"""What the account pages read, by column."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, Table, func, or_, select

from engine.people import queue, runs
from engine.people.queue import QueueTask, TaskFilter
from engine.people.runs import RunFilter
from engine.permit.consent_record import Entry, entries
from engine.permit.objections import Objections, objections, person_keys
from engine.state import tables
from engine.users.scope import EVERYTHING, Scope

Rows: TypeAlias = tuple[Row[Any], ...]

_ACCOUNT: Table = tables.Account.__table__  # type: ignore[attr-defined]
_CONTACT: Table = tables.Contact.__table__  # type: ignore[attr-defined]
_SUBSCRIPTION: Table = tables.Subscription.__table__  # type: ignore[attr-defined]
_TICKET: Table = tables.Ticket.__table__  # type: ignore[attr-defined]
_METRIC: Table = tables.Metric.__table__  # type: ignore[attr-defined]
_CHANGE: Table = tables.Change.__table__  # type: ignore[attr-defined]
_EVENT: Table = tables.Event.__table__  # type: ignore[attr-defined]
_DECISION: Table = tables.Decision.__table__  # type: ignore[attr-defined]
_PERSON: Table = tables.Person.__table__  # type: ignore[attr-defined]

MOST_LISTED = 100
"""Contacts, subscriptions, tickets, metrics, tasks or runs on a page."""
RECENT = 40
"""Changes, events or decisions on a page."""


@dataclass(frozen=True, slots=True)
class Happening:
    """A line of the timeline: a change of a field, or an event."""

    at: datetime
    kind: str
    subject_id: str
    what: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Everything an account's page shows."""

    account: Row[Any]
    csm: str | None
    contacts: Rows
    subscriptions: Rows
    tickets: Rows
    metrics: Rows
    tasks: tuple[QueueTask, ...]
    runs: Rows
    steps: Mapping[str, list[Row[Any]]]
    timeline: tuple[Happening, ...]
    decisions: Rows
    consent: tuple[Entry, ...]
    """What became of the leave to write to its contacts, the newest first."""
    objections: Objections
    """What its contacts opted out of, and which addresses are suppressed."""


def find(connection: Connection, text: str, after: str, limit: int, scope: Scope = EVERYTHING) -> Rows:
    """Accounts whose name contains the text, or whose id begins with it, by id, beyond the id `after`."""
    columns = [
        _ACCOUNT.c[name] for name in ("id", "name", "segment", "stage", "arr", "health", "renews_on", "csm")
    ]
    person = _PERSON.c.name.label("csm_name")
    query = select(*columns, person).outerjoin(_PERSON, _PERSON.c.id == _ACCOUNT.c.csm)
    if text:
        named = func.lower(_ACCOUNT.c.name).contains(text.lower(), autoescape=True)
        query = query.where(or_(named, _ACCOUNT.c.id.startswith(text, autoescape=True)))
    if after:
        query = query.where(_ACCOUNT.c.id > after)
    if not scope.is_everything:
        query = query.where(scope.sees(_ACCOUNT.c.id))
    return tuple(connection.execute(query.order_by(_ACCOUNT.c.id).limit(limit)))


def named(connection: Connection, account_id: str) -> Any:
    """The account's id, name and time zone; None when there is none."""
    query = select(_ACCOUNT.c.id, _ACCOUNT.c.name, _ACCOUNT.c.timezone)
    return connection.execute(query.where(_ACCOUNT.c.id == account_id)).one_or_none()


def load(connection: Connection, account_id: str) -> AccountPage | None:
    """The account's page, or None when there is no such account."""
    query = select(_ACCOUNT, _PERSON.c.name.label("csm_name")).outerjoin(
        _PERSON, _PERSON.c.id == _ACCOUNT.c.csm
    )
    account = connection.execute(query.where(_ACCOUNT.c.id == account_id)).one_or_none()
    if account is None:
        return None
    found = runs.page(connection, RunFilter(account_id=account_id), limit=MOST_LISTED).items
    contacts = _of(connection, _CONTACT, account_id)
    keys = {key for each in contacts for key in person_keys(each.id, each.email)}
    return AccountPage(
        account=account,
        csm=account.csm_name or account.csm,
        contacts=contacts,
        subscriptions=_of(connection, _SUBSCRIPTION, account_id),
        tickets=_of(connection, _TICKET, account_id),
        metrics=_of(connection, _METRIC, account_id),
        tasks=queue.page(connection, TaskFilter(account_id=account_id), limit=MOST_LISTED).tasks,
        runs=found,
        steps=runs.steps(connection, [run.id for run in found]),
        timeline=_timeline(connection, account_id),
        decisions=_decisions(connection, account_id),
        consent=entries(connection, keys, [each.id for each in contacts], RECENT)[::-1],
        objections=objections(connection, keys),
    )


def _of(connection: Connection, table: Table, account_id: str) -> Rows:
    query = select(table).where(table.c.account_id == account_id).order_by(table.c.id).limit(MOST_LISTED)
    return tuple(connection.execute(query))


def _timeline(connection: Connection, account_id: str) -> tuple[Happening, ...]:
    """The newest changes and events together, by when a decision could know them."""
    names = ("applies_at", "kind", "subject_id", "field", "old", "new")
    changes = (
        select(*(_CHANGE.c[name] for name in names))
        .where(_CHANGE.c.account_id == account_id)
        .order_by(_CHANGE.c.applies_at.desc(), _CHANGE.c.id.desc())
        .limit(RECENT)
    )
    events = (
        select(_EVENT.c.applies_at, _EVENT.c.name, _EVENT.c.subject_id)
        .where(_EVENT.c.account_id == account_id)
        .order_by(_EVENT.c.applies_at.desc(), _EVENT.c.id)
        .limit(RECENT)
    )
    found = [
        Happening(row.applies_at, row.kind, row.subject_id, row.field, row.old, row.new)
        for row in connection.execute(changes)
    ]
    found += [
        Happening(row.applies_at, "event", row.subject_id or "", row.name, None, None)
        for row in connection.execute(events)
    ]
    return tuple(sorted(found, key=lambda each: each.at, reverse=True)[:RECENT])


def _decisions(connection: Connection, account_id: str) -> Rows:
    names = ("at", "playbook", "step", "subject_id", "answer", "reason")
    query = select(*(_DECISION.c[name] for name in names)).where(_DECISION.c.account_id == account_id)
    return tuple(
        connection.execute(query.order_by(_DECISION.c.at.desc(), _DECISION.c.id.desc()).limit(RECENT))
    )
