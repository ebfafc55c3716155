"""Reading accounts out of memory for a fold, with the meaning of `state.book_reader` and `ledger.record`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind, Value, decode
from engine.conditions.feed import Feeds
from engine.fold.case import Record
from engine.health.model import GIVEN, HEALTH, SOURCE
from engine.judging import Before
from engine.replay.memory import Account, Change, Happening, Memory, Row
from engine.runs.run import BY_HAND
from engine.settings import Settings
from engine.state.book import EXISTS, Book, DataInput, Dossier, EventInput, Needs, Past, Start
from engine.state.census import Census
from engine.state.feedings import Edition
from engine.state.feeds import feeds_of
from engine.state.flow import Flow
from engine.state.unfolded import input_order, timed, unwind


@dataclass(frozen=True)
class MemoryReading:
    """Implements `judging.Reading`."""

    memory: Memory
    catalogue: Catalogue
    settings: Settings
    needs: Needs
    since: datetime
    """No account starts before."""

    def dossiers(self, starts: Mapping[str, Start], late_at: datetime) -> dict[str, Dossier]:
        """Each account as it stood at its start, with the inputs since."""
        return self.early(self.needs, self.since, starts, late_at)

    def early(
        self, needs: Needs, since: datetime, starts: Mapping[str, Start], late_at: datetime
    ) -> dict[str, Dossier]:
        """The same for other needs, with the sources as far as they were seen at `since`."""
        feeding = [Edition(self.settings.sources)]
        feeds = feeds_of(feeding, lambda source: self.memory.advances(source, since))
        return {
            each: _dossier(self.memory.accounts[each], start, needs, feeds, self.catalogue, late_at)
            for each, start in starts.items()
        }

    def records(self, account_ids: Sequence[str]) -> dict[str, Record]:
        """Open episodes, all runs, and the steps and tasks of open runs, for the fold to change."""
        return {each: _record(self.memory, self.memory.accounts[each]) for each in account_ids}

    def given_health(self, account_ids: Sequence[str], at: datetime) -> Mapping[str, Decimal]:
        """What sources last said of health."""
        found = {each: _given_health(self.memory.accounts[each], at) for each in account_ids}
        return {each: given for each, given in found.items() if given is not None}

    def census(self, kind: Kind, instants: Sequence[datetime]) -> Census:
        """When each subject of the kind came to be known."""
        born = (
            each.applies_at
            for account in self.memory.accounts.values()
            for each in account.changes
            if (each.kind, each.field, each.superseded) == (kind, EXISTS, False)
        )
        return Census(0, tuple(sorted(born)))

    def before(self, playbooks: Sequence[str], since: datetime) -> Before:
        """Runs the guard let start, and what it held."""
        found: dict[str, list[datetime]] = {}
        for account in self.memory.accounts.values():
            for run in account.runs.values():
                if run.playbook in playbooks and run.started_at > since and run.hold_id is None:
                    found.setdefault(run.playbook, []).append(run.started_at)
        holds = [each for each in self.memory.holds.values() if each.at > since]
        for each in holds:
            found.setdefault(each.playbook, []).extend([each.at] * each.size)
        return Before(found, {(each.playbook, each.at): each.state == "held" for each in holds})


def _dossier(
    account: Account, start: Start, needs: Needs, feeds: Feeds, catalogue: Catalogue, late_at: datetime
) -> Dossier:
    fields = {kind: catalogue.of_kind(kind) for kind in Kind}
    subjects = {
        kind: {each: values_of(row, kind, catalogue) for each, row in account.subjects[kind].items()}
        if kind in needs.kinds
        else {}
        for kind in Kind
    }
    book = Book(account.id, subjects, feeds=feeds)
    fresh = [each for each in account.changes if each.kind in needs.kinds and not _seen(account, each, start)]
    inputs: list[DataInput] = list(unwind(book, fresh, fields))
    events = [each for each in account.events if each.name in needs.events]
    inputs += [
        EventInput(
            each.applies_at,
            each.occurred_at,
            each.id,
            each.name,
            each.subject_id,
            each.properties if each.name in needs.carried else None,
        )
        for each in events
        if not _seen(account, each, start)
    ]
    dated = sorted((timed(each, start.since, late_at) for each in inputs), key=input_order)
    book.flows = {stream: Flow(stream) for stream in needs.flows}
    for happening in sorted(events, key=lambda each: each.occurred_at):
        if _seen(account, happening, start):
            book.happen(happening.name, happening.occurred_at, happening.properties)
    _keep_past(book, [each for each in account.changes if _seen(account, each, start)], needs, fields)
    if not needs.events.isdisjoint(feeds.events):
        book.known_since = _known_since(account, start.since)
    return Dossier(book, start.since, dated)


def _seen(account: Account, item: Change | Happening, start: Start) -> bool:
    """Whether an earlier fold has been moved by it; what is late has not."""
    if item.applies_at > start.since:
        return False
    return not start.takes_late or item.revision <= account.evaluated_revision


def values_of(row: Row, kind: Kind, catalogue: Catalogue) -> dict[str, Value]:
    """The fields of a current row that have a value."""
    if kind is Kind.METRIC:
        return {} if row["value"] is None else {"value": row["value"]}
    found: dict[str, Value] = {}
    for name, field in catalogue.of_kind(kind).items():
        value = row.get(name)
        if field.is_custom:
            value = decode(field.type, (row["custom"] or {}).get(name))
        if value is not None:
            found[name] = value
    return found


def _keep_past(
    book: Book, changes: Sequence[Change], needs: Needs, fields: Mapping[Kind, Mapping[str, Field]]
) -> None:
    """What fields were, in effective order, as far as conditions ask."""
    for each in sorted(changes, key=lambda each: (each.effective_at, each.applies_at, each.id)):
        kind = Kind(each.kind)
        if (kind, each.field) in needs.latched and each.new is not None:
            history = book.histories.setdefault((each.subject_id, each.field), [])
            history.append((each.effective_at, Decimal(each.new)))
        if (kind, each.field) in needs.courses or (kind, each.field) in needs.lives:
            read_as = FieldType.NUMBER if kind is Kind.METRIC else fields[kind][each.field].type
            value = decode(read_as, each.new)
            past = Past(each.effective_at, each.applies_at, each.id, value)
            book.courses.setdefault((kind, each.subject_id, each.field), []).append(past)


def _known_since(account: Account, since: datetime) -> datetime | None:
    born = (Kind.ACCOUNT, account.id, EXISTS)
    known = (
        each.effective_at
        for each in account.changes
        if (each.kind, each.subject_id, each.field) == born and each.applies_at <= since
    )
    return min(known, default=None)


def _given_health(account: Account, at: datetime) -> Decimal | None:
    said = [each for each in account.changes if _says_health(each) and each.applies_at <= at]
    newest = max(said, key=lambda each: (each.effective_at, each.applies_at, each.id), default=None)
    return None if newest is None or newest.new is None else Decimal(newest.new)


def _says_health(change: Change) -> bool:
    if change.kind != Kind.ACCOUNT:
        return False
    return change.field == GIVEN.name or (change.field == HEALTH.name and change.source != SOURCE)


def _record(memory: Memory, account: Account) -> Record:
    open_runs = {each.id for each in account.runs.values() if each.is_open}
    episodes = list(_copies(account.episodes, lambda each: each.is_open))
    released = ((each, memory.holds.get(each.hold_id or "")) for each in episodes if each.owed is not None)
    return Record(
        episodes,
        list(_copies(account.runs)),
        list(_copies(account.steps, lambda each: each.run_id in open_runs)),
        list(
            _copies(account.tasks, lambda each: each.run_id in open_runs and each.state in ("open", *BY_HAND))
        ),
        {hold.id: hold.released_at for _, hold in released if hold is not None and hold.released_at},
        sorted(account.silences.values(), key=lambda each: (each.since, each.id)),
        waits=dict(account.waits),
    )


def _copies(rows: Mapping[str, Any], wanted: Any = lambda each: True) -> Iterator[Any]:
    """The rows by id, as copies: a fold changes what it works on, and the guard may want it anew."""
    return (replace(rows[name]) for name in sorted(rows) if wanted(rows[name]))
