"""The log of a task: what was done with it, when and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from engine.clock.zones import format_instant
from engine.state.tables import TaskEntry

_ENTRY: Table = TaskEntry.__table__  # type: ignore[attr-defined]

MOST_SHOWN = 100
"""Entries of one task that are read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Which task it is of, when it was written, and by whom; `act` is what was done in one go."""

    act: str
    task_id: str
    account_id: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One thing that was done with a task, or said of it."""

    act: str
    at: datetime
    by: str
    did: str
    """completed, skipped, snoozed, reassigned, commented, undid"""
    words: str
    """The outcome, until when, to whom; of what was undone, what it was."""
    note: str | None
    undone_at: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The one JSON form of an entry."""
        return {
            "act": self.act,
            "at": format_instant(self.at),
            "by": self.by,
            "did": self.did,
            "words": self.words,
            "note": self.note,
            "undone_at": format_instant(self.undone_at) if self.undone_at else None,
        }


def write_entry(
    connection: Connection,
    entry: Entry,
    did: str,
    words: str,
    note: str | None,
    *,
    before: Mapping[str, Any] | None = None,
    left: str | None = None,
) -> None:
    """Add to a task's log."""
    values = {
        "act": entry.act,
        "task_id": entry.task_id,
        "account_id": entry.account_id,
        "at": entry.at,
        "by": entry.by,
        "did": did,
        "words": words,
        "note": note,
        "before": before,
        "left": left,
    }
    connection.execute(insert(_ENTRY).values(values))


def read_log(connection: Connection, task_id: str) -> Sequence[LogEntry]:
    """The newest entries of a task, oldest first."""
    names = ("act", "at", "by", "did", "words", "note", "undone_at")
    query = select(*(_ENTRY.c[name] for name in names)).where(_ENTRY.c.task_id == task_id)
    query = query.order_by(_ENTRY.c.at.desc(), _ENTRY.c.id.desc()).limit(MOST_SHOWN)
    return [LogEntry(*row) for row in reversed(connection.execute(query).all())]


def last_words(connection: Connection, task: Mapping[str, Any]) -> str:
    """What last became of a task, for somebody who read it before."""
    told = [(each.at, f"{each.by} {_told(each)}") for each in read_log(connection, task["id"])]
    if task["escalated_at"] is not None:
        words = f"it was escalated from {task['escalated_from']} to {task['assignee']}"
        told.append((task["escalated_at"], words))
    if task["state"] == "cancelled" and task["closed_at"] is not None:
        told.append((task["closed_at"], "its run ended and it was cancelled"))
    if not told:
        return f"it is {task['state']} now"
    at, words = max(told)
    return f"{words} at {format_instant(at)}"


def _told(entry: LogEntry) -> str:
    forms = {
        "completed": "completed it" + (f" with the outcome {entry.words}" if entry.words else ""),
        "skipped": f"skipped it ({entry.note})",
        "snoozed": f"snoozed it until {entry.words}",
        "reassigned": f"gave it to {entry.words}",
        "commented": "commented on it",
        "undid": f"undid what was {entry.words}",
    }
    return forms[entry.did]
