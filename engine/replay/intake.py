"""Taking in what sources say, into memory: the same acceptance and the same chains as in the database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from engine.conditions.catalogue import Catalogue, Kind
from engine.replay.memory import Account, Change, Happening, Memory, Row
from engine.state.accept import fields_of
from engine.state.chain import Link
from engine.state.entries import Entry, EventEntry, Rejection
from engine.state.ingest import accepted_intakes, take_unknown
from engine.state.store import change_rows, event_row, moved_columns, new_row
from engine.state.subjects import TABLES, Fields, Intake, Place, Subject, fold_links, spoken_of


def take_in(
    memory: Memory,
    catalogue: Catalogue,
    entries: Iterable[Entry],
    events: Iterable[EventEntry],
    source: str,
) -> list[Rejection]:
    """Keep what is new in `entries` and `events`; return what cannot be taken in."""
    fields = {kind: fields_of(catalogue, kind) for kind in Kind}
    intakes, rejected = accepted_intakes(catalogue, fields, entries, events)
    known = [each for each in intakes if memory.row(Kind.ACCOUNT, each) is not None]
    rejected += take_unknown(intakes, known)
    batch = sorted(intakes.items(), key=lambda each: each[0])
    _, more = keep(memory, fields, batch, source)
    return sorted([*rejected, *more], key=lambda each: (each.of, each.index))


def keep(
    memory: Memory, fields: Fields, batch: Sequence[tuple[str, Intake]], source: str
) -> tuple[frozenset[str], list[Rejection]]:
    """Keep what is new about the accounts of `batch`; return those that it moved, and what was rejected."""
    for account_id, _ in batch:
        memory.accounts.setdefault(account_id, Account(account_id))
    subjects, rejected = spoken_of(batch, _rows(memory, batch))
    _fold(memory, fields, subjects)
    applied: dict[str, datetime] = {}
    for event in (each for _, intake in batch for _, each in intake.events):
        _happen(memory, event, applied)
    revisions = {account_id: memory.accounts[account_id].revision for account_id, _ in batch}
    for row in change_rows(subjects, revisions, source):
        memory.changes += 1
        memory.accounts[row["account_id"]].changes.append(Change(id=memory.changes, **row))
        _note(applied, row["account_id"], row["applies_at"])
    for subject in subjects:
        _repair(memory.accounts[subject.account_id], subject)
        _write(memory, fields, subject)
    for account_id, at in applied.items():
        memory.accounts[account_id].wake(at)
    return frozenset(applied), rejected


def _rows(memory: Memory, batch: Sequence[tuple[str, Intake]]) -> Mapping[tuple[Kind, str], Row]:
    wanted = {(Kind.ACCOUNT, account_id) for account_id, _ in batch}
    wanted |= {(each.kind, each.id) for _, intake in batch for _, each in intake.entries}
    return {key: row for key in wanted if (row := memory.row(*key)) is not None}


def _fold(memory: Memory, fields: Fields, subjects: Sequence[Subject]) -> None:
    newest: dict[Place, datetime] = {}
    chains: dict[Place, list[Link]] = {}
    stored = {(each.kind, each.id): each for each in subjects if each.row is not None}
    for account_id in {each.account_id for each in stored.values()}:
        for change in memory.accounts[account_id].changes:
            subject = stored.get((Kind(change.kind), change.subject_id))
            if subject is not None and change.field in subject.asserted:
                place = subject.kind, subject.id, change.field
                chains.setdefault(place, []).append(change.link)
                newest[place] = max(change.applies_at, newest.get(place, change.applies_at))
    fold_links(fields, subjects, newest, chains)


def _happen(memory: Memory, event: EventEntry, applied: dict[str, datetime]) -> None:
    if event.id in memory.event_ids:
        return
    memory.event_ids.add(event.id)
    account = memory.accounts[event.account_id]
    account.events.append(Happening(**event_row(event), revision=account.revision + 1))
    _note(applied, account.id, event.applies_at)


def _note(applied: dict[str, datetime], account_id: str, at: datetime) -> None:
    applied[account_id] = min(at, applied.get(account_id, at))


def _repair(account: Account, subject: Subject) -> None:
    """Correct the changes that an insertion before them has moved."""
    repaired = {link.id: link for folded in subject.folded.values() for link in folded.repaired}
    for change in account.changes if repaired else ():
        link = repaired.get(change.id)
        if link is not None:
            change.old, change.superseded = link.old, link.superseded


def _write(memory: Memory, fields: Fields, subject: Subject) -> None:
    """Bring the current row up to the folded values."""
    known = fields[subject.kind]
    rows = memory.accounts[subject.account_id].subjects[subject.kind]
    if subject.row is None:
        rows[subject.id] = new_row(TABLES[subject.kind], known, subject)
        memory.owners[subject.kind, subject.id] = subject.account_id
        return
    moved = moved_columns(known, subject)
    rows[subject.id].update((name.removeprefix("new_"), value) for name, value in moved.items())
