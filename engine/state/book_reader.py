"""Reading accounts by column, many at a time, as they were known at an instant."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from engine.conditions.catalogue import Catalogue, FieldType, Kind, Value, decode
from engine.conditions.feed import NO_FEEDS, Feeds
from engine.conditions.tree import Stream
from engine.state import tables
from engine.state.book import Book, ChangeInput, DataInput, Dossier, EventInput, Needs, Past, Start, Subjects
from engine.state.feeds import known_since
from engine.state.flow import Reach
from engine.state.past import read_courses, read_event_times, read_flows
from engine.state.unfolded import by_start, input_order, timed, unfolded, unwind

TABLES = {
    Kind.ACCOUNT: tables.Account,
    Kind.CONTACT: tables.Contact,
    Kind.SUBSCRIPTION: tables.Subscription,
    Kind.TICKET: tables.Ticket,
    Kind.METRIC: tables.Metric,
    Kind.SOURCE: tables.Source,
}


_NONE = timedelta(0)


class BookReader:
    """Loads accounts by column, many at a time. Wants at most about 1,000 ids a call."""

    def __init__(self, catalogue: Catalogue, needs: Needs, feeds: Feeds = NO_FEEDS) -> None:
        """`feeds` has the sources that lag; how far they were seen when the earliest account starts."""
        self._catalogue = catalogue
        self._needs = needs
        self._feeds = feeds
        self._fields = {kind: catalogue.of_kind(kind) for kind in Kind}

    def read(
        self, connection: Connection, starts: Mapping[str, Start], *, late_at: datetime
    ) -> dict[str, Dossier]:
        """The dossier of each account in `starts`. Late inputs are judged at `late_at`."""
        current = self._current(connection, starts)
        changes = self._changes(connection, starts)
        events = self._events(connection, starts)
        found: dict[str, Dossier] = {}
        for account_id, start in starts.items():
            subjects = {kind: current[kind].get(account_id, {}) for kind in Kind}
            book = Book(account_id, subjects, feeds=self._feeds)
            inputs: list[DataInput] = list(unwind(book, changes.get(account_id, []), self._fields))
            inputs += events.get(account_id, [])
            dated = [timed(each, start.since, late_at) for each in inputs]
            dated.sort(key=input_order)
            found[account_id] = Dossier(book, start.since, dated)
        self._last_events(connection, starts, found)
        self._histories(connection, starts, found)
        for start, ids in by_start(starts):
            self._past(connection, start, {each: found[each] for each in ids})
        return found

    def _past(self, connection: Connection, start: Start, found: Mapping[str, Dossier]) -> None:
        """What fields were and when events happened, as far as conditions ask."""
        since, late = start.since, start.takes_late
        if not self._needs.events.isdisjoint(self._feeds.events):
            for account_id, instant in known_since(connection, found, since).items():
                found[account_id].book.known_since = instant
        counted, in_runs = self._needs.counted, self._needs.counted_in_runs
        for name in sorted({*counted, *in_runs}):
            span = counted.get(name, _NONE) + self._behind(name, since)
            times = read_event_times(
                connection, name, found, since, span, only_folded=late, in_runs=name in in_runs
            )
            for account_id, known in times.items():
                found[account_id].book.event_times[name] = known
        self._flows(connection, start, found)
        for place, span in sorted(self._needs.courses.items()):
            books = _books(found.values(), place[0])
            courses = read_courses(
                connection,
                place,
                books,
                since,
                only_folded=late,
                floor=since - span,
                read_as=self._type_of(*place),
            )
            _keep(place, books, courses)
        for place in sorted(self._needs.lives):
            is_moved = place in self._needs.moved
            books = (
                _books(found.values(), place[0]) if is_moved else _books_of_changed(found.values(), *place)
            )
            _keep(place, books, read_courses(connection, place, books, since, only_folded=late))

    def _flows(self, connection: Connection, start: Start, found: Mapping[str, Dossier]) -> None:
        """Events of which it matters what they carry."""
        by_name: dict[str, dict[Stream, Reach]] = defaultdict(dict)
        for stream, reach in self._needs.flows.items():
            by_name[stream.name][stream] = reach
        for name, reaches in by_name.items():
            behind = self._behind(name, start.since)
            for account_id, flow in read_flows(
                connection, reaches, found, start.since, behind, only_folded=start.takes_late
            ):
                found[account_id].book.flows[flow.stream] = flow

    def _type_of(self, kind: Kind, name: str) -> FieldType:
        """How the values are kept that a field had."""
        return FieldType.NUMBER if kind is Kind.METRIC else self._fields[kind][name].type

    def _behind(self, event: str, since: datetime) -> timedelta:
        """How much further back an event counts because a source that feeds it lags."""
        reached = [each.reached(since) for each in self._feeds.events.get(event, ())]
        return max((since - each for each in reached if each is not None and each < since), default=_NONE)

    def _current(
        self, connection: Connection, starts: Mapping[str, Start]
    ) -> dict[Kind, dict[str, Subjects]]:
        found: dict[Kind, dict[str, Subjects]] = {}
        for kind in Kind:
            grouped: dict[str, Subjects] = defaultdict(dict)
            if kind in self._needs.kinds:
                for account_id, subject_id, values in self._rows(connection, kind, starts):
                    grouped[account_id][subject_id] = values
            found[kind] = grouped
        return found

    def _rows(
        self, connection: Connection, kind: Kind, ids: Collection[str]
    ) -> Iterator[tuple[str, str, dict[str, Value]]]:
        table = TABLES[kind].__table__  # type: ignore[attr-defined]
        owner = table.c.id if kind is Kind.ACCOUNT else table.c.account_id
        if kind is Kind.METRIC:
            yield from self._metric_rows(connection, ids)
            return
        names = [each.name for each in self._fields[kind].values() if not each.is_custom]
        customs = {each.name: each.type for each in self._fields[kind].values() if each.is_custom}
        query = select(table.c.id, owner, table.c.custom, *(table.c[name] for name in names))
        for row in connection.execute(query.where(owner.in_(ids))):
            values = {name: value for name, value in zip(names, row[3:], strict=True) if value is not None}
            for name, text in (row[2] or {}).items():
                if name in customs and (value := decode(customs[name], text)) is not None:
                    values[name] = value
            yield row[1], row[0], values

    def _metric_rows(
        self, connection: Connection, ids: Collection[str]
    ) -> Iterator[tuple[str, str, dict[str, Value]]]:
        metric = tables.Metric.__table__  # type: ignore[attr-defined]
        query = select(metric.c.id, metric.c.account_id, metric.c.value).where(metric.c.account_id.in_(ids))
        for subject_id, account_id, value in connection.execute(query):
            yield account_id, subject_id, {} if value is None else {"value": value}

    def _changes(self, connection: Connection, starts: Mapping[str, Start]) -> dict[str, list[Any]]:
        change = tables.Change.__table__  # type: ignore[attr-defined]
        columns = (
            change.c.id,
            change.c.account_id,
            change.c.kind,
            change.c.subject_id,
            change.c.field,
            change.c.old,
            change.c.new,
            change.c.effective_at,
            change.c.applies_at,
            change.c.superseded,
        )
        found: dict[str, list[Any]] = defaultdict(list)
        for row in unfolded(connection, change, columns, starts):
            if row.kind in self._needs.kinds:
                found[row.account_id].append(row)
        return found

    def _events(self, connection: Connection, starts: Mapping[str, Start]) -> dict[str, list[DataInput]]:
        event = tables.Event.__table__  # type: ignore[attr-defined]
        columns = (
            event.c.id,
            event.c.account_id,
            event.c.name,
            event.c.subject_id,
            event.c.occurred_at,
            event.c.applies_at,
            *([event.c.properties] if self._needs.carried else []),
        )
        found: dict[str, list[DataInput]] = defaultdict(list)
        if not self._needs.events:
            return found
        for row in unfolded(connection, event, columns, starts):
            if row.name in self._needs.events:
                carried = row.properties if row.name in self._needs.carried else None
                found[row.account_id].append(
                    EventInput(row.applies_at, row.occurred_at, row.id, row.name, row.subject_id, carried)
                )
        return found

    def _last_events(
        self, connection: Connection, starts: Mapping[str, Start], found: Mapping[str, Dossier]
    ) -> None:
        """For each event name the newest occurrence already folded, one index seek an account."""
        event = tables.Event.__table__  # type: ignore[attr-defined]
        watch = tables.Watch.__table__  # type: ignore[attr-defined]
        for start, ids in by_start(starts):
            folded = [event.c.revision <= watch.c.evaluated_revision] if start.takes_late else []
            for name in sorted(self._needs.events):
                newest = (
                    select(event.c.occurred_at)
                    .where(
                        event.c.account_id == watch.c.account_id,
                        event.c.name == name,
                        event.c.applies_at <= start.since,
                        *folded,
                    )
                    .order_by(event.c.occurred_at.desc())
                    .limit(1)
                    .scalar_subquery()
                )
                query = select(watch.c.account_id, newest).where(watch.c.account_id.in_(ids))
                for account_id, occurred_at in connection.execute(query):
                    if occurred_at is not None:
                        found[account_id].book.last_events[name] = occurred_at

    def _histories(
        self, connection: Connection, starts: Mapping[str, Start], found: Mapping[str, Dossier]
    ) -> None:
        """Past values under thresholds with recovery, for the subjects whose answer depends on them."""
        change = tables.Change.__table__  # type: ignore[attr-defined]
        waiting = {
            each.order
            for dossier in found.values()
            for each in dossier.inputs
            if isinstance(each, ChangeInput)
        }
        for (kind, name), band in sorted(self._needs.latched.items()):
            subjects = {
                subject: account_id
                for account_id, dossier in found.items()
                for subject in _undecided(
                    dossier, (kind, name), band, is_moved=(kind, name) in self._needs.moved
                )
            }
            query = (
                select(
                    change.c.id, change.c.subject_id, change.c.new, change.c.effective_at, change.c.applies_at
                )
                .where(change.c.kind == kind, change.c.field == name, change.c.subject_id.in_(list(subjects)))
                .order_by(change.c.effective_at, change.c.id)
            )
            rows = connection.execute(query) if subjects else ()
            for identity, subject, new, effective_at, applies_at in rows:
                account_id = subjects[subject]
                is_folded = applies_at <= starts[account_id].since and identity not in waiting
                if is_folded and new is not None:
                    history = found[account_id].book.histories.setdefault((subject, name), [])
                    history.append((effective_at, Decimal(new)))


def _books(dossiers: Iterable[Dossier], kind: Kind) -> dict[str, Book]:
    """Every subject of a kind, with the book it is in."""
    return {subject: each.book for each in dossiers for subject in each.book.subjects[kind]}


def _books_of_changed(dossiers: Iterable[Dossier], kind: Kind, name: str) -> dict[str, Book]:
    """The subjects whose field is about to change, with the book each is in."""
    return {
        item.subject_id: each.book
        for each in dossiers
        for item in each.inputs
        if isinstance(item, ChangeInput) and item.kind is kind and item.field == name
    }


def _keep(place: tuple[Kind, str], books: Mapping[str, Book], courses: Mapping[str, list[Past]]) -> None:
    kind, name = place
    for subject, course in courses.items():
        books[subject].courses[kind, subject, name] = course


def _undecided(
    dossier: Dossier, place: tuple[Kind, str], band: tuple[Decimal, Decimal], *, is_moved: bool
) -> Iterator[str]:
    """The subjects whose value lies in the band, or was missing or overtaken where it may change."""
    (kind, name), (low, high) = place, band
    inputs = [
        each
        for each in dossier.inputs
        if isinstance(each, ChangeInput) and each.field == name and each.kind is kind
    ]
    changed = {each.subject_id for each in inputs}
    overtaken = {each.subject_id for each in inputs if each.superseded}
    for subject, values in dossier.book.subjects[kind].items():
        value = values.get(name)
        if isinstance(value, Decimal):
            if low <= value <= high or subject in overtaken:
                yield subject
        elif is_moved or subject in changed:
            yield subject
