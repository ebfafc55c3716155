"""One transaction of an intake: lock the accounts, compare with what is known, write what is new."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.conditions.catalogue import Field, Kind, decode, encode
from engine.state import tables
from engine.state.bulk import insert_rows
from engine.state.chain import EVER, Folded, Link, fold
from engine.state.entries import Count, Entry, EventEntry, Rejection
from engine.state.history import chunked

EXISTS = "exists"
"""The field whose change from nothing to `true` is a subject's creation."""

_TABLES: dict[Kind, Any] = {
    Kind.ACCOUNT: tables.Account.__table__,  # type: ignore[attr-defined]
    Kind.CONTACT: tables.Contact.__table__,  # type: ignore[attr-defined]
    Kind.SUBSCRIPTION: tables.Subscription.__table__,  # type: ignore[attr-defined]
    Kind.TICKET: tables.Ticket.__table__,  # type: ignore[attr-defined]
    Kind.METRIC: tables.Metric.__table__,  # type: ignore[attr-defined]
}
_CHANGE = tables.Change.__table__  # type: ignore[attr-defined]
_EVENT = tables.Event.__table__  # type: ignore[attr-defined]
_WATCH = tables.Watch.__table__  # type: ignore[attr-defined]

_Fields = Mapping[Kind, Mapping[str, Field]]


@dataclass(slots=True)
class Intake:
    """What arrived for one account, each with its place in the input."""

    entries: list[tuple[int, Entry]] = field(default_factory=list)
    events: list[tuple[int, EventEntry]] = field(default_factory=list)

    @property
    def has_account(self) -> bool:
        """Whether the account itself is among the entries."""
        return any(entry.kind is Kind.ACCOUNT for _, entry in self.entries)

    @property
    def first_mention(self) -> datetime | None:
        """When the earliest of its parts and events applies: the account exists at least from then on."""
        parts = [entry.applies_at for _, entry in self.entries if entry.kind is not Kind.ACCOUNT]
        return min([*parts, *(event.applies_at for _, event in self.events)], default=None)


@dataclass(frozen=True, slots=True)
class Stored:
    """What one transaction did."""

    kinds: Mapping[Kind, Count]
    changes: int
    events: int
    repeated: int
    accounts: frozenset[str]
    rejected: tuple[Rejection, ...]


@dataclass(slots=True)
class _Subject:
    """One subject in this transaction: its stored row, what is asserted of it, and what that changes."""

    kind: Kind
    id: str
    account_id: str
    row: RowMapping | None
    """As stored; None for a new one."""
    asserted: dict[str, list[Link]] = field(default_factory=lambda: defaultdict(list))
    """By field, in the order given."""
    folded: dict[str, Folded] = field(default_factory=dict)
    is_implied: bool = False
    """An account of which nothing is said but that it has parts and events."""

    @property
    def earliest(self) -> datetime:
        """The earliest effective time of anything asserted."""
        return min(link.effective_at for links in self.asserted.values() for link in links)

    def current(self, name: str, fields: Mapping[str, Field]) -> str | None:
        """The stored value of a field in its text form."""
        if self.row is None:
            return None
        if name == EXISTS:
            return "true"
        if fields[name].is_custom:
            return (self.row["custom"] or {}).get(name)
        return encode(self.row[name])

    @property
    def is_changed(self) -> bool:
        return any(each.written for each in self.folded.values())


def store(
    connection: Connection, fields: _Fields, batch: Sequence[tuple[str, Intake]], source: str
) -> Stored:
    """Write what is new about the accounts of `batch`, all of which exist or are among the entries."""
    watches = _lock(connection, [account_id for account_id, _ in batch])
    subjects, rejected = _subjects(connection, batch)
    _fold_all(connection, fields, subjects)
    fresh_events, repeated = _fresh_events(connection, batch)
    changes = _change_rows(subjects, watches, source)
    applied = [(each["account_id"], each["applies_at"]) for each in [*changes, *fresh_events.values()]]
    for each in fresh_events.values():
        each["revision"] = watches[each["account_id"]]["revision"] + 1
    insert_rows(connection, _CHANGE, changes)
    insert_rows(connection, _EVENT, list(fresh_events.values()))
    _repair(connection, subjects)
    _write_rows(connection, fields, subjects)
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


def _subjects(
    connection: Connection, batch: Sequence[tuple[str, Intake]]
) -> tuple[list[_Subject], list[Rejection]]:
    """Every subject spoken of, the account before its children, with all that is asserted of it."""
    rows = _rows(connection, batch)
    subjects: dict[tuple[Kind, str], _Subject] = {}
    rejected: list[Rejection] = []
    for account_id, intake in batch:
        for index, entry in sorted(intake.entries, key=lambda each: each[1].kind is not Kind.ACCOUNT):
            key = entry.kind, entry.id
            subject = subjects.get(key)
            if subject is None:
                row = rows.get(key)
                owner = account_id if row is None or entry.kind is Kind.ACCOUNT else row["account_id"]
                subject = subjects[key] = _Subject(entry.kind, entry.id, owner, row)
            if subject.account_id != account_id:
                reason = f'{entry.kind} "{entry.id}" belongs to account "{subject.account_id}"'
                rejected.append(Rejection("entry", index, entry.id, reason))
                continue
            subject.asserted[EXISTS].append(Link("true", entry.effective_at, entry.recorded_at))
            for name, value in entry.values.items():
                link = Link(encode(value), entry.effective_at, entry.recorded_at)
                subject.asserted[name].append(link)
        if first := intake.first_mention:
            key = Kind.ACCOUNT, account_id
            account = subjects.setdefault(key, _Subject(*key, account_id, rows.get(key), is_implied=True))
            account.asserted[EXISTS].append(Link("true", first, first))
    return [each for each in subjects.values() if each.asserted], rejected


def _rows(connection: Connection, batch: Sequence[tuple[str, Intake]]) -> dict[tuple[Kind, str], RowMapping]:
    """The stored rows of the subjects spoken of."""
    wanted: dict[Kind, dict[str, None]] = defaultdict(dict)
    for account_id, intake in batch:
        wanted[Kind.ACCOUNT][account_id] = None
        for _, entry in intake.entries:
            wanted[entry.kind][entry.id] = None
    found = {}
    for kind, ids in wanted.items():
        table = _TABLES[kind]
        for chunk in chunked(ids):
            for row in connection.execute(select(table).where(table.c.id.in_(chunk))).mappings():
                found[kind, row["id"]] = row
    return found


def _fold_all(connection: Connection, fields: _Fields, subjects: Iterable[_Subject]) -> None:
    """Fold each field's assertions onto what is stored; read whole chains only where order requires it."""
    stored = [each for each in subjects if each.row is not None]
    newest = _newest(connection, stored)
    needed = [each for each in stored if _reaches_back(each, newest)]
    chains = _chains(connection, needed)
    for subject in subjects:
        for name, links in subject.asserted.items():
            key = subject.kind, subject.id, name
            since = newest.get(key, EVER)
            if key in chains and min(link.effective_at for link in links) < since:
                subject.folded[name] = fold([*chains[key], *links])
            else:
                subject.folded[name] = fold(links, subject.current(name, fields[subject.kind]), since)


_Key = tuple[Kind, str, str]


def _newest(connection: Connection, subjects: Sequence[_Subject]) -> dict[_Key, datetime]:
    """When the newest stored change of each asserted field applies; none is effective later than that."""
    newest: dict[_Key, datetime] = {}
    for kind, part in _by_kind(subjects):
        names = {name for each in part for name in each.asserted}
        for chunk in chunked([each.id for each in part]):
            query = (
                select(_CHANGE.c.subject_id, _CHANGE.c.field, func.max(_CHANGE.c.applies_at))
                .where(_CHANGE.c.kind == kind.value, _CHANGE.c.subject_id.in_(chunk))
                .where(_CHANGE.c.field.in_(names))
                .group_by(_CHANGE.c.subject_id, _CHANGE.c.field)
            )
            for subject_id, name, applies_at in connection.execute(query):
                newest[kind, subject_id, name] = applies_at
    return newest


def _reaches_back(subject: _Subject, newest: Mapping[_Key, datetime]) -> bool:
    earliest = subject.earliest
    return any(earliest < newest.get((subject.kind, subject.id, name), EVER) for name in subject.asserted)


def _chains(connection: Connection, subjects: Sequence[_Subject]) -> dict[_Key, list[Link]]:
    """The stored links of every asserted field of the subjects."""
    chains: dict[_Key, list[Link]] = defaultdict(list)
    columns = [
        _CHANGE.c[name]
        for name in ("subject_id", "field", "new", "effective_at", "recorded_at", "id", "old", "superseded")
    ]
    for kind, part in _by_kind(subjects):
        names = {name for each in part for name in each.asserted}
        for chunk in chunked([each.id for each in part]):
            query = (
                select(*columns)
                .where(_CHANGE.c.kind == kind.value, _CHANGE.c.subject_id.in_(chunk))
                .where(_CHANGE.c.field.in_(names))
            )
            for subject_id, name, *link in connection.execute(query):
                chains[kind, subject_id, name].append(Link(*link))
    return chains


def _by_kind(subjects: Iterable[_Subject]) -> Iterator[tuple[Kind, list[_Subject]]]:
    parts: dict[Kind, list[_Subject]] = defaultdict(list)
    for each in subjects:
        parts[each.kind].append(each)
    yield from parts.items()


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
            fresh[each.id] = _event_row(each)
    return fresh, len(events) - len(fresh)


def _event_row(event: EventEntry) -> dict[str, Any]:
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


def _change_rows(
    subjects: Sequence[_Subject], watches: Mapping[str, RowMapping], source: str
) -> list[dict[str, Any]]:
    """Rows of history, each account's in the order of application, which their ids then keep."""
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
            "revision": watches[subject.account_id]["revision"] + 1,
            "source": source,
        }
        for subject in subjects
        for name, folded in subject.folded.items()
        for link in folded.written
    ]
    rows.sort(key=lambda row: (row["account_id"], row["applies_at"], row["effective_at"]))
    return rows


def _repair(connection: Connection, subjects: Iterable[_Subject]) -> None:
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


def _write_rows(connection: Connection, fields: _Fields, subjects: Iterable[_Subject]) -> None:
    """Bring the current rows up to the folded values."""
    for kind, part in _by_kind(subjects):
        table, known = _TABLES[kind], fields[kind]
        insert_rows(connection, table, [_new_row(table, known, each) for each in part if each.row is None])
        updates: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for each in part:
            if each.row is not None and (moved := _moved(known, each)):
                updates[tuple(sorted(moved))].append({"subject_id": each.id, **moved})
        for names, rows in updates.items():
            values: dict[str, Any] = {
                name[4:]: bindparam(name, type_=table.c[name[4:]].type) for name in names
            }
            statement = update(table).where(table.c.id == bindparam("subject_id")).values(values)
            connection.execute(statement, rows)


def _new_row(table: Any, fields: Mapping[str, Field], subject: _Subject) -> dict[str, Any]:
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


def _moved(fields: Mapping[str, Field], subject: _Subject) -> dict[str, Any]:
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


def _counts(subjects: Iterable[_Subject]) -> dict[Kind, Count]:
    counts: dict[Kind, Count] = {}
    for kind, part in _by_kind(each for each in subjects if not each.is_implied):
        created = sum(each.row is None for each in part)
        changed = sum(each.row is not None and each.is_changed for each in part)
        counts[kind] = Count(created, changed, len(part) - created - changed)
    return counts
