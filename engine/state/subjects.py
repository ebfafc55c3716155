"""The subjects of an intake: what is asserted of each, what is stored of it, and what that makes new."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, RowMapping, func, select, text

from engine.conditions.catalogue import Field, Kind, encode
from engine.health.model import GIVEN, HEALTH
from engine.state import tables
from engine.state.book import EXISTS
from engine.state.chain import EVER, NOTHING_NEW, Folded, Link, fold
from engine.state.entries import Entry, EventEntry, Rejection
from engine.state.given import news
from engine.state.history import chunked
from engine.state.said import new_words

Fields: TypeAlias = Mapping[Kind, Mapping[str, Field]]
"""The fields an entry may give, by kind and bare name."""

TABLES: dict[Kind, Any] = {
    Kind.ACCOUNT: tables.Account.__table__,  # type: ignore[attr-defined]
    Kind.CONTACT: tables.Contact.__table__,  # type: ignore[attr-defined]
    Kind.SUBSCRIPTION: tables.Subscription.__table__,  # type: ignore[attr-defined]
    Kind.TICKET: tables.Ticket.__table__,  # type: ignore[attr-defined]
    Kind.METRIC: tables.Metric.__table__,  # type: ignore[attr-defined]
    Kind.SOURCE: tables.Source.__table__,  # type: ignore[attr-defined]
}
"""Where the current rows of each kind are."""
_CHANGE = tables.Change.__table__  # type: ignore[attr-defined]

Place = tuple[Kind, str, str]
"""Kind, subject and field."""


@dataclass(slots=True)
class Intake:
    """What arrived for one account, each with its place in the input."""

    entries: list[tuple[int, Entry]] = field(default_factory=list)
    events: list[tuple[int, EventEntry]] = field(default_factory=list)

    @property
    def has_account(self) -> bool:
        """Whether the account itself is among the entries, or a source, which needs none."""
        return any(entry.kind in (Kind.ACCOUNT, Kind.SOURCE) for _, entry in self.entries)

    @property
    def first_mention(self) -> datetime | None:
        """When the earliest of its parts and events applies: the account exists at least from then on."""
        outside = (Kind.ACCOUNT, Kind.SOURCE)
        parts = [entry.applies_at for _, entry in self.entries if entry.kind not in outside]
        return min([*parts, *(event.applies_at for _, event in self.events)], default=None)


@dataclass(slots=True)
class Subject:
    """One subject in this transaction: its stored row, what is asserted of it, and what that changes."""

    kind: Kind
    id: str
    account_id: str
    row: Mapping[str, Any] | None
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
        """Whether the intake says something new of it."""
        return any(each.written for each in self.folded.values())


def read_subjects(
    connection: Connection, batch: Sequence[tuple[str, Intake]]
) -> tuple[list[Subject], list[Rejection]]:
    """Every subject spoken of, with its stored row."""
    return spoken_of(batch, _rows(connection, batch))


def spoken_of(
    batch: Sequence[tuple[str, Intake]], rows: Mapping[tuple[Kind, str], Any]
) -> tuple[list[Subject], list[Rejection]]:
    """Every subject spoken of, the account before its children, with all that is asserted of it.

    `rows` has what is stored of them until now.
    """
    subjects: dict[tuple[Kind, str], Subject] = {}
    rejected: list[Rejection] = []
    for account_id, intake in batch:
        for index, entry in sorted(intake.entries, key=lambda each: each[1].kind is not Kind.ACCOUNT):
            key = entry.kind, entry.id
            subject = subjects.get(key)
            if subject is None:
                row = rows.get(key)
                owner = account_id if row is None or entry.kind is Kind.ACCOUNT else row["account_id"]
                subject = subjects[key] = Subject(entry.kind, entry.id, owner, row)
            if subject.account_id != account_id:
                reason = f'{entry.kind} "{entry.id}" belongs to account "{subject.account_id}"'
                rejected.append(Rejection("entry", index, entry.id, reason))
                continue
            times = entry.effective_at, entry.recorded_at
            subject.asserted[EXISTS].append(Link("true", *times, source=entry.source))
            for name, value in entry.values.items():
                is_born = entry.source is not None
                link = Link(encode(value), *times, in_turn=is_born, source=entry.source)
                subject.asserted[name].append(link)
        if first := intake.first_mention:
            key = Kind.ACCOUNT, account_id
            account = subjects.setdefault(key, Subject(*key, account_id, rows.get(key), is_implied=True))
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
        table = TABLES[kind]
        for chunk in chunked(ids):
            for row in connection.execute(select(table).where(table.c.id.in_(chunk))).mappings():
                found[kind, row["id"]] = row
    return found


def fold_subjects(connection: Connection, fields: Fields, subjects: Iterable[Subject]) -> None:
    """Fold each field's assertions onto what is stored; read whole chains only where order requires it."""
    stored = [each for each in subjects if each.row is not None]
    newest = _newest(connection, stored)
    moved = _moved_by_playbooks(connection, stored)
    needed = [each for each in stored if _reaches_back(each, newest) or (each.kind, each.id) in moved]
    fold_links(fields, subjects, newest, _chains(connection, needed))


def fold_links(
    fields: Fields,
    subjects: Iterable[Subject],
    newest: Mapping[Place, datetime],
    chains: Mapping[Place, Sequence[Link]],
) -> None:
    """Fold each field's assertions onto what is stored.

    `newest` has when the newest stored change of a field applies, `chains` all of them, where one of the
    assertions lies before that or a playbook has changed a field of the subject.
    """
    for subject in subjects:
        for name, links in _health_last(subject):
            key = subject.kind, subject.id, name
            if name == HEALTH.name and GIVEN.name in subject.asserted:
                links = news(links, subject.asserted[GIVEN.name], subject.folded.get(GIVEN.name, NOTHING_NEW))
            elif key in chains:
                links = new_words(chains[key], links)
            if not links:
                continue
            since = newest.get(key, EVER)
            if key in chains and min(link.effective_at for link in links) < since:
                subject.folded[name] = fold([*chains[key], *links])
            else:
                subject.folded[name] = fold(links, subject.current(name, fields[subject.kind]), since)


def _health_last(subject: Subject) -> list[tuple[str, list[Link]]]:
    """What is asserted by field; what a source says of health comes before what health becomes by it."""
    found = list(subject.asserted.items())
    return (
        found
        if GIVEN.name not in subject.asserted
        else sorted(found, key=lambda each: each[0] == HEALTH.name)
    )


def _newest(connection: Connection, subjects: Sequence[Subject]) -> dict[Place, datetime]:
    """When the newest stored change of each asserted field applies; none is effective later than that."""
    newest: dict[Place, datetime] = {}
    for kind, part in by_kind(subjects):
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


def _moved_by_playbooks(connection: Connection, subjects: Sequence[Subject]) -> frozenset[tuple[Kind, str]]:
    """The subjects of which a playbook has ever changed a field."""
    found: set[tuple[Kind, str]] = set()
    for kind, part in by_kind(subjects):
        for chunk in chunked([each.id for each in part]):
            query = select(_CHANGE.c.subject_id).distinct().where(_CHANGE.c.subject_id.in_(chunk))
            query = query.where(_CHANGE.c.kind == kind.value, text(tables.IS_BY_PLAYBOOK))
            found.update((kind, subject_id) for subject_id in connection.scalars(query))
    return frozenset(found)


def _reaches_back(subject: Subject, newest: Mapping[Place, datetime]) -> bool:
    earliest = subject.earliest
    return any(earliest < newest.get((subject.kind, subject.id, name), EVER) for name in subject.asserted)


def _chains(connection: Connection, subjects: Sequence[Subject]) -> dict[Place, list[Link]]:
    """The stored links of every asserted field of the subjects."""
    chains: dict[Place, list[Link]] = defaultdict(list)
    columns = [
        _CHANGE.c[name]
        for name in (
            *("subject_id", "field", "new", "effective_at", "recorded_at", "id", "old", "superseded"),
            "source",
        )
    ]
    for kind, part in by_kind(subjects):
        names = {name for each in part for name in each.asserted}
        for chunk in chunked([each.id for each in part]):
            query = (
                select(*columns)
                .where(_CHANGE.c.kind == kind.value, _CHANGE.c.subject_id.in_(chunk))
                .where(_CHANGE.c.field.in_(names))
            )
            for row in connection.execute(query):
                subject_id, name, value, effective_at, recorded_at, identity, old, superseded, source = row
                link = Link(value, effective_at, recorded_at, identity, old, superseded, source=source)
                chains[kind, subject_id, name].append(link)
    return chains


def by_kind(subjects: Iterable[Subject]) -> Iterator[tuple[Kind, list[Subject]]]:
    """The subjects of each kind together."""
    parts: dict[Kind, list[Subject]] = defaultdict(list)
    for each in subjects:
        parts[each.kind].append(each)
    yield from parts.items()
