"""A test of a playbook as typed values: what its `NAME.test.yaml` says, after every check has passed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from engine.state.ingest import Entry, EventEntry
from engine.state.tables import Person

Category: TypeAlias = Literal[
    "tasks", "emails", "messages", "webhooks", "records", "updates", "chosen", "escalated", "skipped"
]
"""What can be listed under `expect:` item by item."""

KEYS: Mapping[Category, tuple[str, ...]] = {
    "tasks": ("step", "assignee", "title", "due", "role", "body", "reason"),
    "emails": ("step", "to", "subject", "at", "text"),
    "messages": ("step", "to", "via", "text"),
    "webhooks": ("step", "via", "body"),
    "records": ("event", "step", "properties"),
    "updates": ("field", "from", "to", "step"),
    "chosen": ("step", "branch", "reason"),
    "escalated": ("step", "from", "to"),
    "skipped": ("step", "reason"),
}
"""What can be said of each item; only what is said is compared."""

PARTIAL = frozenset({"body", "text", "reason", "properties"})
"""Long texts: here it is enough that what is expected occurs in them."""

ALWAYS: tuple[Category, ...] = ("tasks", "emails", "messages", "webhooks", "records", "updates")
"""Compared even where the expectation does not name them: what is not expected must not happen."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One item that must have happened: the parts of it that count."""

    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must have happened since the one before it, and nothing else."""

    line: int
    column: int
    starts: int | None
    ended: tuple[str, ...] | None
    items: Mapping[Category, tuple[Wanted, ...]] = field(default_factory=dict)
    open_steps: tuple[str, ...] | None = None
    """The steps with an unfinished task at this moment."""
    held: int | None = None
    """How many starts the guard holds at this moment."""
    why: str | None = None
    """What the explanation at this moment must contain, of one of the subjects."""
    is_strict: bool = True
    """Whether starts, ends, tasks, emails and messages that are not named are differences."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A person finishes the task of a step."""

    step: str
    outcome: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Quiet:
    """Somebody silences the account."""

    until: datetime
    playbook: str | None
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Move:
    """The clock moves to `at`; something becomes known, somebody does something, or something is expected."""

    at: datetime
    line: int
    column: int
    entries: tuple[Entry, ...] = ()
    events: tuple[EventEntry, ...] = ()
    completion: Completion | None = None
    releases: bool = False
    silence: Quiet | None = None
    ends_silences: bool = False
    expectation: Expectation | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One test of one playbook."""

    name: str
    file: str
    line: int
    column: int
    at: datetime
    """Where the clock stands when the playbook goes live."""
    people: tuple[Person, ...]
    entries: tuple[Entry, ...]
    """What was so before."""
    events: tuple[EventEntry, ...]
    timeline: tuple[Move, ...]
    others: tuple[str, ...] = ()
    """Files of playbooks that are live beside the one under test, relative to the test file."""
