"""Taking in what sources say: current rows, their history, events, and what is due to be looked at.

The current row of a subject holds the value after every stored change in the order of application, those
that apply in the future included; a reader undoes what applies after its instant.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError

from engine.conditions.catalogue import Catalogue, Kind
from engine.state.accept import (
    Refused,
    accepted_id,
    accepted_instant,
    accepted_properties,
    accepted_values,
    fields_of,
)
from engine.state.database import reading, writing
from engine.state.entries import (
    SOURCE_BOOK,
    Count,
    Entry,
    EventEntry,
    IngestReport,
    Rejection,
    source_book,
)
from engine.state.given import also_given
from engine.state.history import chunked
from engine.state.store import Stored, store
from engine.state.subjects import Fields, Intake
from engine.state.tables import Account

__all__ = ["Count", "Entry", "EventEntry", "IngestReport", "Rejection", "ingest"]

BATCH = 1_000
"""Accounts in one write transaction."""
TRIES = 4
"""Of a transaction that collides with another."""

_CONFLICTS = ("23505", "40001", "40P01")
"""PostgreSQL's codes for a row somebody else has just inserted, a serialization failure and a deadlock."""

_Input = TypeVar("_Input", Entry, EventEntry)


def ingest(
    database: Engine,
    catalogue: Catalogue,
    entries: Iterable[Entry],
    events: Iterable[EventEntry] = (),
    *,
    source: str,
) -> IngestReport:
    """Store what is new in `entries` and `events`, a thousand accounts to a transaction.

    Taking in the same twice writes once. Of two entries for one subject and field with the same times
    the later one in the order given counts. What cannot be taken in is returned in `rejected`, and
    stops nothing else.
    """
    fields = {kind: fields_of(catalogue, kind) for kind in Kind}
    intakes, rejected = accepted_intakes(catalogue, fields, entries, events)
    rejected.extend(_take_unknown_accounts(database, intakes))
    stored = [_stored(database, fields, batch, source) for batch in _batches(intakes)]
    return _report(stored, rejected)


def accepted_intakes(
    catalogue: Catalogue, fields: Fields, entries: Iterable[Entry], events: Iterable[EventEntry]
) -> tuple[dict[str, Intake], list[Rejection]]:
    """What can be taken in, by account, and what cannot."""
    intakes: dict[str, Intake] = defaultdict(Intake)
    rejected: list[Rejection] = []
    for index, entry in _accepted("entry", entries, lambda each: _entry(catalogue, fields, each), rejected):
        intakes[entry.account_id].entries.append((index, entry))
    for index, event in _accepted("event", events, _event, rejected):
        intakes[event.account_id].events.append((index, event))
    return intakes, rejected


def _stored(database: Engine, fields: Fields, batch: Sequence[tuple[str, Intake]], source: str) -> Stored:
    """One batch in a transaction of its own, again where another writer got in the way."""
    for attempt in range(1, TRIES + 1):
        try:
            with writing(database) as connection:
                return store(connection, fields, batch, source)
        except DBAPIError as error:
            if attempt == TRIES or getattr(error.orig, "sqlstate", None) not in _CONFLICTS:
                raise
    raise AssertionError("the last try returns or raises")


def _accepted(
    of: str, inputs: Iterable[_Input], check: Callable[[_Input], _Input], rejected: list[Rejection]
) -> Iterator[tuple[int, _Input]]:
    """The inputs that pass, with their places; the others join `rejected`."""
    for index, each in enumerate(inputs):
        try:
            yield index, check(each)
        except Refused as error:
            rejected.append(Rejection(of, index, str(each.id), str(error)))


def _entry(catalogue: Catalogue, fields: Fields, entry: Entry) -> Entry:
    """The entry with values and instants as they will be stored. Raises Refused."""
    if entry.kind is Kind.SOURCE:
        account_id = accepted_id(source_book(entry.id))
    else:
        account_id = _account_id(entry.account_id)
    accepted_id(entry.id)
    if entry.kind is Kind.ACCOUNT and entry.id != account_id:
        raise Refused(f'the id of an account is its account id, "{account_id}"')
    if entry.kind is Kind.METRIC and not entry.id.startswith(f"{account_id}:"):
        raise Refused(f'the id of a metric is "{account_id}:" and its name')
    return Entry(
        entry.kind,
        entry.id,
        account_id,
        also_given(
            entry.kind,
            fields[entry.kind],
            accepted_values(catalogue, entry.kind, fields[entry.kind], entry.values),
        ),
        accepted_instant(entry.effective_at, "the effective time"),
        accepted_instant(entry.recorded_at, "the recorded time"),
    )


def _account_id(name: str) -> str:
    """The account's id. Raises Refused for one under which a source is kept."""
    found = accepted_id(name, "account id")
    if found.startswith(SOURCE_BOOK):
        raise Refused(f'the account id "{found}" begins with "{SOURCE_BOOK}", which stands for sources')
    return found


def _event(event: EventEntry) -> EventEntry:
    """The event with its instants in UTC. Raises Refused."""
    return EventEntry(
        accepted_id(event.id),
        _account_id(event.account_id),
        accepted_id(event.name, "event name"),
        accepted_instant(event.occurred_at, "the time of the event"),
        accepted_instant(event.recorded_at, "the recorded time"),
        None if event.subject_id is None else accepted_id(event.subject_id, "subject id"),
        accepted_properties(event.properties),
    )


def _take_unknown_accounts(database: Engine, intakes: dict[str, Intake]) -> list[Rejection]:
    """Remove and report what concerns accounts that neither exist nor come with this intake."""
    doubtful = [each for each, intake in intakes.items() if not intake.has_account]
    with reading(database) as connection:
        known: set[str] = set()
        for chunk in chunked(doubtful):
            known.update(connection.scalars(select(_account.c.id).where(_account.c.id.in_(chunk))))
    return take_unknown(intakes, known)


def take_unknown(intakes: dict[str, Intake], known: Collection[str]) -> list[Rejection]:
    """Remove and report what concerns accounts that neither come with the intake nor are among `known`."""
    rejected: list[Rejection] = []
    for account_id in [each for each, intake in intakes.items() if not intake.has_account]:
        if account_id not in known:
            rejected.extend(_unknown_account(account_id, intakes.pop(account_id)))
    return rejected


def _unknown_account(account_id: str, intake: Intake) -> Iterator[Rejection]:
    reason = f'there is no account "{account_id}"'
    for index, entry in intake.entries:
        yield Rejection("entry", index, entry.id, reason)
    for index, event in intake.events:
        yield Rejection("event", index, event.id, reason)


def _batches(intakes: Mapping[str, Intake]) -> Iterator[Sequence[tuple[str, Intake]]]:
    """In the order of ids, so that two writers lock in the same order."""
    remaining = iter(sorted(intakes.items(), key=lambda each: each[0]))
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _report(stored: Sequence[Stored], rejected: Sequence[Rejection]) -> IngestReport:
    kinds: dict[Kind, Count] = {}
    for part in stored:
        for kind, count in part.kinds.items():
            kinds[kind] = kinds.get(kind, Count()).plus(count)
    refused = [*rejected, *(each for part in stored for each in part.rejected)]
    return IngestReport(
        created=sum(each.created for each in kinds.values()),
        changed=sum(each.changed for each in kinds.values()),
        unchanged=sum(each.unchanged for each in kinds.values()),
        changes=sum(part.changes for part in stored),
        events=sum(part.events for part in stored),
        repeated=sum(part.repeated for part in stored),
        accounts=frozenset(each for part in stored for each in part.accounts),
        kinds=kinds,
        rejected=tuple(sorted(refused, key=lambda each: (each.of, each.index))),
    )


_account = Account.__table__  # type: ignore[attr-defined]
