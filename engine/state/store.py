"""One transaction of an intake: lock the accounts, compare with what is known, write what is new."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.conditions.catalogue import Field, Kind, decode
from engine.state import tables
from engine.state.book import EXISTS
from engine.state.bulk import insert_rows
from engine.state.entries import Count, EventEntry, Rejection
from engine.state.history import chunked
from engine.state.places import PLACED_BY, place_accounts
from engine.state.subjects import (
    TABLES,
    Fields,
    Intake,
    Subject,
    by_kind,
    fold_subjects,
    read_subjects,
)

_CHANGE = tables.Change.__table__  # type: ignore[attr-defined]
_EVENT = tables.Event.__table__  # type: ignore[attr-defined]
_WATCH = tables.Watch.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Stored:
    """What one transaction did."""

    kinds: Mapping[Kind, Count]
    changes: int
    events: int
    repeated: int
    accounts: frozenset[str]
    rejected: tuple[Rejection, ...]


def store(connection: Connection, fields: Fields, batch: Sequence[tuple[str, Intake]], source: str) -> Stored:
    """Write what is new about the accounts of `batch`, all of which exist or are among the entries."""
    watches = _lock(connection, [account_id for account_id, _ in batch])
    subjects, rejected = read_subjects(connection, batch)
    fold_subjects(connection, fields, subjects)
    fresh_events, repeated = _fresh_events(connection, batch)
    changes = change_rows(subjects, {name: each["revision"] for name, each in watches.items()}, source)
    applied = [(each["account_id"], each["applies_at"]) for each in [*changes, *fresh_events.values()]]
    for each in fresh_events.values():
        each["revision"] = watches[each["account_id"]]["revision"] + 1
    insert_rows(connection, _CHANGE, changes)
    insert_rows(connection, _EVENT, list(fresh_events.values()))
    _repair(connection, subjects)
    _write_rows(connection, fields, subjects)
    place_accounts(connection, [each.account_id for each in subjects if _moves_places(each)])
    touched = _touch(connection, watches, applied)
    return Stored(_counts(subjects), len(changes), len(fresh_events), repeated, touched, tuple(rejected))


def _lock(connection: Connection, account_ids: Sequence[str]) -> dict[str, RowMapping]:
    """The watch rows by account, created where missing and locked until the transaction ends."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    rows = [{"account_id": each, "revision": 0, "evaluated_revision": 0} for each in account_ids]
    connection.execute(dialect.insert(_WATCH).on_conflict_do_nothing(), rows)
    locked: dict[str, RowMapping] = {}
    for chunk in chunked(account_ids):
        query = select(_WATCH).where(_WATCH.c.account_id.in_(chunk)).order_by(_WATCH.c.account_id)
        for row in connection.execute(query.with_for_update()).mappings():
            locked[row["account_id"]] = row
    return locked


def _fresh_events(
    connection: Connection, batch: Sequence[tuple[str, Intake]]
) -> tuple[dict[str, dict[str, Any]], int]:
    """Rows of the events not known yet, by id, and how many were known."""
    events = [event for _, intake in batch for _, event in intake.events]
    known: set[str] = set()
    for chunk in chunked([each.id for each in events]):
        known.update(connection.scalars(select(_EVENT.c.id).where(_EVENT.c.id.in_(chunk))))
    fresh: dict[str, dict[str, Any]] = {}
    for each in events:
        if each.id not in known and each.id not in fresh:
            fresh[each.id] = event_row(each)
    return fresh, len(events) - len(fresh)


def event_row(event: EventEntry) -> dict[str, Any]:
    """What is stored of an event, but for the revision."""
    return {
        "id": event.id,
        "account_id": event.account_id,
        "name": event.name,
        "subject_id": event.subject_id,
        "properties": None if event.properties is None else dict(event.properties),
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "applies_at": event.applies_at,
    }


def change_rows(
    subjects: Sequence[Subject], revisions: Mapping[str, int], source: str
) -> list[dict[str, Any]]:
    """Rows of history, each account's in the order of application, which their ids then keep.

    `revisions` has the accounts' until now; these changes belong to the next one.
    """
    rows = [
        {
            "account_id": subject.account_id,
            "kind": subject.kind.value,
            "subject_id": subject.id,
            "field": name,
            "old": link.old,
            "new": link.value,
            "effective_at": link.effective_at,
            "recorded_at": link.recorded_at,
            "applies_at": link.applies_at,
            "superseded": link.superseded,
            "revision": revisions[subject.account_id] + 1,
            "source": link.source or source,
        }
        for subject in subjects
        for name, folded in subject.folded.items()
        for link in folded.written
    ]
    rows.sort(key=lambda row: (row["account_id"], row["applies_at"], row["effective_at"]))
    return rows


def _repair(connection: Connection, subjects: Iterable[Subject]) -> None:
    """Write the links that an insertion before them has moved."""
    rows = [
        {"link_id": link.id, "new_old": link.old, "moves_nothing": link.superseded}
        for subject in subjects
        for folded in subject.folded.values()
        for link in folded.repaired
    ]
    if rows:
        statement = update(_CHANGE).where(_CHANGE.c.id == bindparam("link_id"))
        values: dict[str, Any] = {"old": bindparam("new_old"), "superseded": bindparam("moves_nothing")}
        connection.execute(statement.values(values), rows)


def _write_rows(connection: Connection, fields: Fields, subjects: Iterable[Subject]) -> None:
    """Bring the current rows up to the folded values."""
    for kind, part in by_kind(subjects):
        table, known = TABLES[kind], fields[kind]
        insert_rows(connection, table, [new_row(table, known, each) for each in part if each.row is None])
        updates: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for each in part:
            if each.row is not None and (moved := moved_columns(known, each)):
                updates[tuple(sorted(moved))].append({"subject_id": each.id, **moved})
        for names, rows in updates.items():
            values: dict[str, Any] = {
                name[4:]: bindparam(name, type_=table.c[name[4:]].type) for name in names
            }
            statement = update(table).where(table.c.id == bindparam("subject_id")).values(values)
            connection.execute(statement, rows)


def _moves_places(subject: Subject) -> bool:
    """Whether queues show the tasks of an account elsewhere than before."""
    is_known = subject.kind is Kind.ACCOUNT and subject.row is not None
    return is_known and any(subject.folded[name].written for name in PLACED_BY.intersection(subject.folded))


def new_row(table: Any, fields: Mapping[str, Field], subject: Subject) -> dict[str, Any]:
    """A whole row, so that all rows of an insert have the same columns."""
    row: dict[str, Any] = dict.fromkeys(table.c.keys())
    row["id"] = subject.id
    if "account_id" in row:
        row["account_id"] = subject.account_id
    if subject.kind is Kind.METRIC:
        row["name"] = subject.id.removeprefix(f"{subject.account_id}:")
    custom = {}
    for name, folded in subject.folded.items():
        if name == EXISTS or folded.value is None:
            continue
        if fields[name].is_custom:
            custom[name] = folded.value
        else:
            row[name] = decode(fields[name].type, folded.value)
    if custom:
        row["custom"] = custom
    return row


def moved_columns(fields: Mapping[str, Field], subject: Subject) -> dict[str, Any]:
    """The columns that change, as parameters named `new_COLUMN`."""
    moved: dict[str, Any] = {}
    custom = dict(subject.row["custom"] or {}) if subject.row is not None and "custom" in subject.row else {}
    for name, folded in subject.folded.items():
        if name == EXISTS or folded.value == subject.current(name, fields):
            continue
        if not fields[name].is_custom:
            moved[f"new_{name}"] = decode(fields[name].type, folded.value)
            continue
        custom.pop(name, None)
        if folded.value is not None:
            custom[name] = folded.value
        moved["new_custom"] = custom or None
    return moved


def _touch(
    connection: Connection, watches: Mapping[str, RowMapping], applied: Iterable[tuple[str, datetime]]
) -> frozenset[str]:
    """Count the intake on the accounts it changed, and have them looked at from when it first applies."""
    earliest: dict[str, datetime] = {}
    for account_id, applies_at in applied:
        earliest[account_id] = min(applies_at, earliest.get(account_id, applies_at))
    rows = [
        {
            "watched": account_id,
            "counted": watches[account_id]["revision"] + 1,
            "due": min(applies_at, watches[account_id]["due_at"] or applies_at),
        }
        for account_id, applies_at in earliest.items()
    ]
    if rows:
        statement = update(_WATCH).where(_WATCH.c.account_id == bindparam("watched"))
        values = {"revision": bindparam("counted"), "due_at": bindparam("due", type_=_WATCH.c.due_at.type)}
        connection.execute(statement.values(values), rows)
    return frozenset(earliest)


def _counts(subjects: Iterable[Subject]) -> dict[Kind, Count]:
    counts: dict[Kind, Count] = {}
    for kind, part in by_kind(each for each in subjects if not each.is_implied):
        created = sum(each.row is None for each in part)
        changed = sum(each.row is not None and each.is_changed for each in part)
        counts[kind] = Count(created, changed, len(part) - created - changed)
    return counts
