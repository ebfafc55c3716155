"""Writing what folds came to: state, decisions, runs, steps, tasks and messages in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from engine.admit.guard import Batch
from engine.conditions.catalogue import Catalogue, Kind
from engine.episodes.episode import Episode
from engine.fold.case import Folded
from engine.permit.suppression import address_key
from engine.runs.run import Decision, Message, Run, Step, Task
from engine.state import tables
from engine.state.accept import fields_of
from engine.state.book import Standing
from engine.state.bulk import insert_rows
from engine.state.entries import Entry
from engine.state.healths import write_scores
from engine.state.places import place_tasks
from engine.state.store import store
from engine.state.subjects import Intake
from engine.state.upsert import upsert

_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]
_AWAITED: Any = tables.Awaited.__table__  # type: ignore[attr-defined]
_OUTBOX: Any = tables.Outbox.__table__  # type: ignore[attr-defined]
_TABLES: Mapping[type, Any] = {
    Episode: tables.Episode.__table__,  # type: ignore[attr-defined]
    Run: tables.Run.__table__,  # type: ignore[attr-defined]
    Step: tables.StepRow.__table__,  # type: ignore[attr-defined]
    Task: tables.Task.__table__,  # type: ignore[attr-defined]
}


UNSENT = ("scheduled", "available", "retryable")
"""States in which a message may still be cancelled."""
ENDED = {"state": "cancelled", "error": "the run ended before it was sent"}
"""What becomes of it where its run has left by an exit."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What one transaction wrote."""

    accounts: int
    conflicts: frozenset[str]
    """Accounts that took something in since they were read; they are to be folded again."""


def commit_shard(
    connection: Connection,
    folds: Sequence[Folded],
    seen: Mapping[str, Standing],
    at: datetime,
    catalogue: Catalogue,
    holds: Iterable[Batch] = (),
) -> Committed:
    """Write up to about 1,000 folds. Those whose account has moved on since it was read are left out."""
    current = _lock(connection, [each.account_id for each in folds])
    conflicts = frozenset(
        each.account_id for each in folds if current.get(each.account_id) != seen[each.account_id]
    )
    kept = [each for each in folds if each.account_id not in conflicts]
    _write_holds(connection, holds)
    for cls, name in ((Episode, "episodes"), (Run, "runs"), (Step, "steps"), (Task, "tasks")):
        _write(connection, cls, [row for each in kept for row in getattr(each, name)])
    place_tasks(connection, [task.id for each in kept for task in each.tasks])
    _write_messages(connection, kept, at)
    _write_decisions(connection, kept)
    write_scores(connection, [score for each in kept for score in each.scores])
    _write_waits(connection, kept)
    moved = _write_born(connection, kept, catalogue)
    _advance(connection, kept, seen, at, moved)
    return Committed(len(kept), conflicts)


def _lock(connection: Connection, account_ids: list[str]) -> dict[str, Standing]:
    """Lock the accounts' watch rows, in one order for everybody; SQLite holds its one write lock already."""
    query = select(_WATCH.c.account_id, _WATCH.c.revision, _WATCH.c.evaluated_to)
    query = query.where(_WATCH.c.account_id.in_(account_ids)).order_by(_WATCH.c.account_id)
    rows = connection.execute(query.with_for_update()).all()
    return {row.account_id: Standing(row.revision, row.evaluated_to) for row in rows}


def _write(connection: Connection, cls: type, rows: Sequence[Any]) -> None:
    names = [each.name for each in fields(cls)]
    upsert(connection, _TABLES[cls], [{name: getattr(row, name) for name in names} for row in rows])


def _write_holds(connection: Connection, holds: Iterable[Batch]) -> None:
    rows = [hold_row(each) for each in holds]
    upsert(connection, tables.Hold.__table__, rows, keep=True)  # type: ignore[attr-defined]


def hold_row(batch: Batch) -> dict[str, Any]:
    """What is first stored of a hold."""
    return {
        "id": batch.id,
        "playbook": batch.playbook,
        "at": batch.at,
        "size": batch.size,
        "reason": batch.reason,
        "state": "held",
    }


def _write_messages(connection: Connection, folds: Sequence[Folded], at: datetime) -> None:
    rows = [message_row(each) for fold in folds for each in fold.messages]
    upsert(connection, _OUTBOX, rows, keep=True)
    silenced = sorted(run_id for each in folds for run_id in each.silenced_runs)
    if silenced:
        connection.execute(
            update(_OUTBOX)
            .where(
                _OUTBOX.c.run_id.in_(silenced),
                _OUTBOX.c.state.in_(UNSENT),
                _OUTBOX.c.step.not_like("exit:%"),
            )
            .values(**ENDED, finished_at=at)
        )


def message_row(message: Message) -> dict[str, Any]:
    """What is first stored of a message in the outbox."""
    return {
        "id": message.id,
        "run_id": message.run_id,
        "account_id": message.account_id,
        "playbook": message.playbook,
        "step": message.step,
        "contact_id": message.contact_id,
        "connector": message.connector,
        "recipient": message.recipient,
        "topic": message.topic,
        "subject": message.subject,
        "payload": message.payload,
        "state": "scheduled" if message.available_at > message.created_at else "available",
        "available_at": message.available_at,
        "attempts": 0,
        "created_at": message.created_at,
        "priority": message.priority,
        "waits_for": message.waits_for,
        "address": address_key(message.recipient) if message.contact_id else None,
    }


def _write_waits(connection: Connection, folds: Sequence[Folded]) -> None:
    changed = [each for each in folds if each.waits is not None]
    if not changed:
        return
    gone = _AWAITED.c.account_id.in_([each.account_id for each in changed])
    connection.execute(_AWAITED.delete().where(gone))
    rows = [
        {"account_id": each.account_id, "source": source, "until": until}
        for each in changed
        for source, until in (each.waits or {}).items()
    ]
    insert_rows(connection, _AWAITED, rows)


def _write_decisions(connection: Connection, folds: Sequence[Folded]) -> None:
    rows = [decision_row(each) for fold in folds for each in fold.decisions]
    insert_rows(connection, tables.Decision.__table__, rows)  # type: ignore[attr-defined]


def decision_row(decision: Decision) -> dict[str, Any]:
    """What is stored of a decision."""
    return {
        "account_id": decision.account_id,
        "playbook": decision.playbook,
        "kind": decision.kind,
        "subject_id": decision.subject_id,
        "at": decision.at,
        "answer": decision.answer,
        "reason": decision.reason,
        "evidence": decision.evidence,
        "run_id": decision.run_id,
        "step": decision.step,
    }


def _write_born(connection: Connection, folds: Sequence[Folded], catalogue: Catalogue) -> frozenset[str]:
    """Take in what playbooks brought about, and return the accounts that this counts as an intake of."""
    batch = [(each.account_id, born_intake(each)) for each in folds if each.born]
    if not batch:
        return frozenset()
    fields = {kind: fields_of(catalogue, kind) for kind in Kind}
    stored = store(connection, fields, sorted(batch, key=lambda each: each[0]), "tminus")
    return stored.accounts


def born_intake(fold: Folded) -> Intake:
    """What the fold itself brought about, to be taken in."""
    intake = Intake()
    for index, each in enumerate(fold.born):
        if isinstance(each, Entry):
            intake.entries.append((index, each))
        else:
            intake.events.append((index, each))
    return intake


def _advance(
    connection: Connection,
    folds: Sequence[Folded],
    seen: Mapping[str, Standing],
    at: datetime,
    moved: frozenset[str],
) -> None:
    """Mark the accounts as judged up to `at`, and with what they brought about themselves."""
    if not folds:
        return
    statement = (
        update(_WATCH)
        .where(_WATCH.c.account_id == bindparam("account"))
        .values(evaluated_to=at, evaluated_revision=bindparam("seen"), due_at=bindparam("due"))
    )
    rows = [
        {
            "account": each.account_id,
            "seen": seen[each.account_id].revision + (each.account_id in moved),
            "due": each.due_at,
        }
        for each in folds
    ]
    connection.execute(statement, rows)
