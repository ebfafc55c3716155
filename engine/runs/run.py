"""Runs, steps and tasks while a fold works on them; each mirrors the columns of its table."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class StepState(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to the step."""
        return self not in (StepState.WAITING, StepState.OPEN)


@dataclass(slots=True)
class Step:
    """One step of one run; of a step that repeats, one occurrence."""

    id: str
    run_id: str
    account_id: str
    step: str
    state: str
    due_on: date | None = None
    act_at: datetime | None = None
    acted_at: datetime | None = None
    settled_at: datetime | None = None
    outcome: str | None = None
    reason: str | None = None
    branch: int | None = None
    """Which of its branches was taken, counted from 1."""
    occurrence: int = 1
    """Which time it is that the step's moment has come within the run; 1 as long as it has not."""
    fell_at: datetime | None = None
    """Of the latest occurrence of a step that repeats: when the state that caused it no longer held."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it."""
        return StepState(self.state).is_settled

    @property
    def is_untriggered(self) -> bool:
        """Whether nothing has given it a time yet."""
        return self.state == StepState.WAITING and self.act_at is None

    def settle(self, state: StepState, at: datetime, reason: str | None = None) -> None:
        """Bring the step to its end; without a reason of its own it keeps the one it acted for."""
        self.state, self.settled_at, self.reason = state, at, reason or self.reason


@dataclass(slots=True)
class Run:
    """One playbook under way for one subject."""

    id: str
    account_id: str
    playbook: str
    version: str
    kind: str
    subject_id: str
    key: str
    generation: int
    state: str
    started_at: datetime
    anchor: date | None = None
    outcome: str | None = None
    ended_at: datetime | None = None
    hold_id: str | None = None
    exits_since: dict[str, str] | None = None
    reason: str = ""
    evidence: list[Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether steps may still act."""
        return self.state == "open"


@dataclass(slots=True)
class Task:
    """Work in somebody's queue."""

    id: str
    run_id: str
    account_id: str
    kind: str
    subject_id: str
    playbook: str
    step: str
    title: str
    body: str
    role: str
    assignee: str
    priority: int
    due_on: date
    due_at: datetime
    created_at: datetime
    state: str = "open"
    outcomes: list[str] | None = None
    outcome: str | None = None
    note: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    counts_at: datetime | None = None
    snoozed_until: datetime | None = None
    escalates_at: datetime | None = None
    escalates_to: str | None = None
    escalated_at: datetime | None = None
    escalated_from: str | None = None
    reason: str = ""
    evidence: list[Any] | None = None
    occurrence: int = 1
    """Which occurrence of its step it is of."""

    @property
    def closing_at(self) -> datetime | None:
        """When a person's having finished or skipped it counts for its run."""
        return (self.counts_at or self.closed_at) if self.state in BY_HAND else None

    def is_closed_at(self, instant: datetime) -> bool:
        """Whether a person had finished or skipped it by then, whether or not it counted yet."""
        return self.state in BY_HAND and self.closed_at is not None and self.closed_at <= instant


BY_HAND = ("done", "skipped")
"""States into which only a person brings a task."""


HOURS = "the hours in which emails leave, where the recipient is"
"""What an email waits for outside them."""


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered message for the outbox."""

    id: str
    run_id: str
    account_id: str
    playbook: str
    step: str
    contact_id: str | None
    connector: str
    recipient: str
    topic: str | None
    subject: str
    payload: dict[str, Any]
    available_at: datetime
    created_at: datetime
    priority: int = 50
    """Of its playbook: who goes first where not all may go."""
    waits_for: str | None = None
    """Why it cannot leave yet."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A yes or no that matters, with its reason."""

    account_id: str
    playbook: str
    kind: str
    subject_id: str
    at: datetime
    answer: str
    reason: str
    evidence: list[Any] | None = None
    run_id: str | None = None
    step: str | None = None


def naming(step: str, occurrence: int) -> tuple[str, ...]:
    """What stands for an occurrence of a step in a digest; the first goes by the step alone."""
    return (step,) if occurrence == 1 else (step, str(occurrence))


@dataclass(slots=True)
class OpenRun:
    """A run with its steps and its open tasks."""

    run: Run
    steps: dict[str, Step] = field(default_factory=dict)
    """By the id of the step; of one that repeats, the latest occurrence."""
    earlier: list[Step] = field(default_factory=list)
    """The occurrences before the latest, of steps that repeat."""
    tasks: dict[str, Task] = field(default_factory=dict)
    """By the id of the task."""

    def add(self, step: Step) -> None:
        """Take up an occurrence of a step."""
        known = self.steps.get(step.step)
        if known is not None and known.occurrence > step.occurrence:
            self.earlier.append(step)
            return
        if known is not None:
            self.earlier.append(known)
        self.steps[step.step] = step

    def occurrences(self) -> Iterator[Step]:
        """Every occurrence of every step."""
        yield from self.earlier
        yield from self.steps.values()

    def step_of(self, task: Task) -> Step | None:
        """The occurrence of a step that made the task."""
        named = (task.step, task.occurrence)
        return next((each for each in self.occurrences() if (each.step, each.occurrence) == named), None)
