"""The things a person can do with a task: what each changes in its row, and how the log tells it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from engine.clock.zones import format_instant
from engine.runs.task_errors import (
    LONGEST_NOTE,
    LONGEST_SNOOZE,
    BadNoteError,
    BadSnoozeError,
    NoWordsError,
    SameAssigneeError,
    TaskClosedError,
    UnknownAssigneeError,
    UnknownOutcomeError,
)

Told: TypeAlias = tuple[str, str, str | None]
"""What was done, in one word; its outcome, time or person; and the note."""


@dataclass(frozen=True, slots=True)
class Doing:
    """Who does something, and when; `people` are the ids of everybody on our side."""

    by: str
    now: datetime
    people: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Complete:
    """Close it as done. It counts for its run after `undo_for`."""

    outcome: str | None = None
    note: str | None = None
    undo_for: timedelta = timedelta(0)

    def values(self, task: Mapping[str, Any], doing: Doing) -> dict[str, Any]:
        """The columns that change. Raises TaskActionError."""
        _check_open(task)
        outcome = valid_outcome(self.outcome, tuple(task["outcomes"] or ()))
        note = readable_note(self.note)
        return {**_closed("done", doing, self.undo_for), "outcome": outcome, "note": note}

    def told(self, values: Mapping[str, Any]) -> Told:
        """How the log tells it."""
        return "completed", values["outcome"] or "", values["note"]


@dataclass(frozen=True, slots=True)
class Skip:
    """Close it because it need not be done, and say why. It counts for its run after `undo_for`."""

    reason: str
    undo_for: timedelta = timedelta(0)

    def values(self, task: Mapping[str, Any], doing: Doing) -> dict[str, Any]:
        """The columns that change. Raises TaskActionError."""
        _check_open(task)
        return {**_closed("skipped", doing, self.undo_for), "note": _needed(self.reason, "reason")}

    def told(self, values: Mapping[str, Any]) -> Told:
        """How the log tells it."""
        return "skipped", "", values["note"]


@dataclass(frozen=True, slots=True)
class Snooze:
    """Let it rest until an instant."""

    until: datetime

    def values(self, task: Mapping[str, Any], doing: Doing) -> dict[str, Any]:
        """The columns that change. Raises TaskActionError."""
        if not doing.now < self.until <= doing.now + LONGEST_SNOOZE:
            raise BadSnoozeError(self.until)
        _check_open(task)
        return {"snoozed_until": self.until}

    def told(self, values: Mapping[str, Any]) -> Told:
        """How the log tells it."""
        return "snoozed", format_instant(self.until), None


@dataclass(frozen=True, slots=True)
class Reassign:
    """Give it to a person, or to one of the shared queues, which are named `team:ROLE`."""

    to: str
    note: str | None
    shared: frozenset[str]

    def values(self, task: Mapping[str, Any], doing: Doing) -> dict[str, Any]:
        """The columns that change. Raises TaskActionError."""
        if self.to not in doing.people and self.to not in self.shared:
            raise UnknownAssigneeError(self.to)
        _check_open(task)
        if task["assignee"] == self.to:
            raise SameAssigneeError(task["id"], self.to)
        readable_note(self.note)
        return {"assignee": self.to}

    def told(self, values: Mapping[str, Any]) -> Told:
        """How the log tells it."""
        return "reassigned", self.to, readable_note(self.note)


@dataclass(frozen=True, slots=True)
class Comment:
    """Say something of it; it changes nothing."""

    text: str

    def values(self, task: Mapping[str, Any], doing: Doing) -> dict[str, Any]:
        """No column changes. Raises TaskActionError."""
        _needed(self.text, "comment")
        return {}

    def told(self, values: Mapping[str, Any]) -> Told:
        """How the log tells it."""
        return "commented", "", readable_note(self.text)


Deed: TypeAlias = Complete | Skip | Snooze | Reassign | Comment


def valid_outcome(outcome: str | None, choices: tuple[str, ...]) -> str | None:
    """The outcome by which a task with these choices is finished. Raises UnknownOutcomeError."""
    chosen = outcome or None
    if choices and chosen not in choices:
        raise UnknownOutcomeError(chosen, choices)
    if chosen and not choices:
        raise UnknownOutcomeError(chosen, ())
    return chosen


def readable_note(note: str | None) -> str | None:
    """The note as it is kept. Raises BadNoteError."""
    kept = (note or "").strip()
    if len(kept) > LONGEST_NOTE:
        raise BadNoteError(f"is longer than {LONGEST_NOTE:,} characters")
    if "\x00" in kept or not _is_encodable(kept):
        raise BadNoteError("contains a character that cannot be stored")
    return kept or None


def _needed(text: str, what: str) -> str:
    kept = readable_note(text)
    if kept is None:
        raise NoWordsError(what)
    return kept


def _check_open(task: Mapping[str, Any]) -> None:
    if task["state"] != "open":
        raise TaskClosedError(task["id"], task["state"], task["closed_by"], task["closed_at"])


def _closed(state: str, doing: Doing, undo_for: timedelta) -> dict[str, Any]:
    counts_at = doing.now + undo_for if undo_for else None
    return {"state": state, "closed_at": doing.now, "closed_by": doing.by, "counts_at": counts_at}


def _is_encodable(text: str) -> bool:
    """Whether the text has no half of a surrogate pair, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
