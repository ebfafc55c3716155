"""The shapes in which accounts, playbooks, runs, decisions and holds are read."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.api.lists import NEXT_CURSOR


class AccountSummary(BaseModel):
    """An account: its id and every field of the catalogue. Numbers are text, so that they stay exact."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"example": {"id": "acme", "name": "Acme Ltd", "health": "38"}}
    )
    id: str


class AccountItem(AccountSummary):
    """An account with its parts, in the shape in which it is posted."""

    contacts: list[dict[str, Any]]
    subscriptions: list[dict[str, Any]]
    tickets: list[dict[str, Any]]
    metrics: dict[str, str | None]
    revision: int = Field(description="Counts what has been taken in of it; the `ETag` is made of it.")


class AccountList(BaseModel):
    """A page of accounts, by id."""

    items: list[AccountSummary]
    next_cursor: str | None = Field(description=NEXT_CURSOR)


class StepWords(BaseModel):
    """A step in words."""

    id: str
    timing: str
    action: str
    subject: str = Field(description="Its title or template.")
    condition: str
    escalation: str


class ExitWords(BaseModel):
    """How a run ends before its last step."""

    outcome: str
    when: str


class RunTally(BaseModel):
    """A playbook's runs, counted."""

    started: int
    open: int
    outcomes: dict[str, int]


class PlaybookItem(BaseModel):
    """A live playbook in words, with what became of it."""

    name: str
    title: str
    owner: str
    subject: Literal["account", "contact", "subscription", "ticket", "source"]
    priority: int
    review_every: str | None
    file: str
    version: str
    live_since: str | None
    changed_at: str | None = Field(description="When the present version took over.")
    review_due: str | None = Field(description="When somebody should look it over again.")
    paused: bool
    audience: str | None
    triggers: list[str]
    steps: list[StepWords]
    exits: list[ExitWords]
    runs: RunTally


class PlaybookList(BaseModel):
    """Every live playbook, those of the highest priority first."""

    items: list[PlaybookItem]


class RunItem(BaseModel):
    """One playbook under way for one subject, or what became of it."""

    id: str
    playbook: str
    version: str
    account_id: str
    account: str | None = Field(description="The account's name.")
    kind: str
    subject_id: str
    key: str
    generation: int
    state: Literal["open", "ended"]
    started_at: str
    anchor: str | None
    outcome: str | None
    ended_at: str | None
    reason: str = Field(description="Why it started.")


class RunStep(BaseModel):
    """What became of one step of a run."""

    step: str
    occurrence: int = Field(description="Of a step that repeats, which time it is.")
    state: Literal["waiting", "open", "done", "skipped", "cancelled"]
    due_on: str | None
    act_at: str | None
    acted_at: str | None
    settled_at: str | None
    outcome: str | None
    reason: str | None
    branch: int | None = Field(description="Which branch of `choose` was taken, counted from 1.")


class RunWhole(RunItem):
    """A run with its steps."""

    steps: list[RunStep]


class RunList(BaseModel):
    """A page of runs, newest first."""

    items: list[RunItem]
    next_cursor: str | None = Field(description=NEXT_CURSOR)


class DecisionItem(BaseModel):
    """A yes or no that matters."""

    id: int
    at: str
    playbook: str
    account_id: str
    account: str | None = Field(description="The account's name.")
    kind: str
    subject_id: str
    step: str | None
    answer: str
    reason: str
    evidence: list[Any] | None = Field(description="The values compared.")
    run_id: str | None


class DecisionList(BaseModel):
    """A page of decisions, newest first."""

    items: list[DecisionItem]
    next_cursor: str | None = Field(description=NEXT_CURSOR)


class HoldItem(BaseModel):
    """A batch of starts that the guard stopped."""

    id: str
    playbook: str
    at: str
    size: int
    reason: str
    state: Literal["held", "released"]
    released_at: str | None
    released_by: str | None


class HoldList(BaseModel):
    """A page of holds, newest first."""

    items: list[HoldItem]
    next_cursor: str | None = Field(description=NEXT_CURSOR)
