"""Runs, steps and tasks while a fold works on them; each mirrors the columns of its table."""

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
    """One step of one run."""

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

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen to it."""
        return StepState(self.state).is_settled

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
    snoozed_until: datetime | None = None
    escalates_at: datetime | None = None
    escalates_to: str | None = None
    escalated_at: datetime | None = None
    escalated_from: str | None = None
    reason: str = ""
    evidence: list[Any] | None = None


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


@dataclass(slots=True)
class OpenRun:
    """A run with its steps by id and its open tasks by step."""

    run: Run
    steps: dict[str, Step] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
