"""Undoing what somebody did with tasks, while nothing has followed from it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table, select, update

from engine.clock.zones import format_instant, parse_instant
from engine.identity import digest
from engine.runs.task_actions import Done, lock_tasks, wake_accounts
from engine.runs.task_errors import NothingToUndoError, TaskActionError, TaskChangedError, TooLateToUndoError
from engine.runs.task_log import Entry, last_words, write_entry
from engine.runs.task_version import task_version
from engine.state.database import writing
from engine.state.places import place_tasks
from engine.state.tables import StepRow, Task, TaskEntry

UNDO_WITHIN = timedelta(minutes=10)
"""For so long a snooze or a reassignment may be undone. A closing may be until it counts."""
LONGEST_UNDO = timedelta(seconds=60)
"""The longest that a closing may be kept from counting."""

_TASK: Table = Task.__table__  # type: ignore[attr-defined]
_STEP: Table = StepRow.__table__  # type: ignore[attr-defined]
_ENTRY: Table = TaskEntry.__table__  # type: ignore[attr-defined]
_INSTANTS = frozenset({"closed_at", "counts_at", "snoozed_until"})


def undo(database: Engine, act: str, *, by: str, now: datetime) -> Done:
    """Undo what `by` did in one go; tasks that have moved on since stay as they are, with the reason.

    Raises NothingToUndoError when `by` has done nothing of that name, or it is undone.
    """
    named = digest("undo", act, format_instant(now))
    done: list[str] = []
    refused: dict[str, TaskActionError] = {}
    with writing(database) as connection:
        entries = _entries(connection, act, by)
        rows = lock_tasks(connection, [each.task_id for each in entries])
        if not entries or not rows:
            raise NothingToUndoError(act)
        accounts: dict[str, datetime] = {}
        for entry in _entries(connection, act, by):
            task = rows[entry.task_id]
            try:
                _check(connection, task, entry, now)
            except TaskActionError as error:
                refused[entry.task_id] = error
                continue
            _restore(connection, task, entry, now)
            told = Entry(named, entry.task_id, entry.account_id, now, by)
            write_entry(connection, told, "undid", entry.did, None)
            done.append(entry.task_id)
            accounts[entry.account_id] = now
        wake_accounts(connection, accounts)
        place_tasks(connection, done)
    return Done(named, tuple(done), refused)


def _entries(connection: Connection, act: str, by: str) -> list[Row[Any]]:
    """What can still be undone of the act."""
    query = select(_ENTRY).where(_ENTRY.c.act == act, _ENTRY.c.by == by)
    query = query.where(_ENTRY.c.undone_at.is_(None), _ENTRY.c.left.is_not(None))
    return list(connection.execute(query.order_by(_ENTRY.c.id)))


def _check(connection: Connection, task: Mapping[str, Any], entry: Row[Any], now: datetime) -> None:
    """Whether the task is still as the act left it, and nothing has followed. Raises TaskActionError."""
    version = task_version(task)
    if version != entry.left:
        raise TaskChangedError(task["id"], last_words(connection, task), version)
    if entry.did not in ("completed", "skipped"):
        if now > entry.at + UNDO_WITHIN:
            raise TooLateToUndoError(task["id"], f"that was {format_instant(entry.at)}")
        return
    if task["counts_at"] is None or now >= task["counts_at"] or not _waits(connection, task):
        raise TooLateToUndoError(task["id"], "its run has gone on from there")


def _waits(connection: Connection, task: Mapping[str, Any]) -> bool:
    """Whether the task's step still waits for it; a step that is not known waits."""
    query = select(_STEP.c.state).where(
        _STEP.c.run_id == task["run_id"],
        _STEP.c.step == task["step"],
        _STEP.c.occurrence == task["occurrence"],
    )
    return connection.scalar(query) in (None, "open")


def _restore(connection: Connection, task: Mapping[str, Any], entry: Row[Any], now: datetime) -> None:
    """Give the task back what it had. An escalation that fell into the time between happens now."""
    values = {
        name: parse_instant(value) if name in _INSTANTS and value else value
        for name, value in entry.before.items()
    }
    escalates_at = task["escalates_at"]
    if entry.did in ("completed", "skipped") and escalates_at and task["closed_at"] <= escalates_at <= now:
        values["escalates_at"] = now
    connection.execute(update(_TASK).where(_TASK.c.id == task["id"]).values(values))
    connection.execute(update(_ENTRY).where(_ENTRY.c.id == entry.id).values(undone_at=now))
