"""The shapes of requests and answers, as the OpenAPI document shows them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.conditions.catalogue import Catalogue, FieldType, Kind
from engine.explanation.judgement import Answer
from engine.outbox.browse import EntryState


class ItemFault(BaseModel):
    """One thing wrong with one item of a post."""

    pointer: str = Field(description="Where, as a JSON pointer into the body.")
    detail: str
    mend: str = Field(description="What to do about it.")


class RejectedItem(BaseModel):
    """An item that was not taken."""

    index: int
    id: str | None
    errors: list[ItemFault]


class Intake(BaseModel):
    """What became of a post. `accepted` counts items, whether or not they changed anything."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "accepted": 1,
                "rejected": [
                    {
                        "index": 1,
                        "id": "globex",
                        "errors": [
                            {
                                "pointer": "/accounts/1/helth",
                                "detail": 'unknown account field "helth"',
                                "mend": 'did you mean "health"?',
                            }
                        ],
                    }
                ],
            }
        }
    )
    accepted: int
    rejected: list[RejectedItem]


class TaskItem(BaseModel):
    """A task in somebody's queue."""

    id: str
    version: str = Field(description="Changes with anything done to the task; it is its ETag as well.")
    playbook: str
    step: str
    occurrence: int = Field(description="Of a step that repeats, which time in its run; else 1.")
    run_id: str
    account_id: str
    account: str = Field(description="The account's name.")
    subject: str = Field(description="account, contact, subscription, ticket or source")
    subject_id: str
    title: str
    body: str = Field(description="Guidance, as Markdown.")
    role: str
    assignee: str = Field(description="A person's id, or `team:ROLE` for a shared queue.")
    assignee_name: str
    due: str = Field(description="The date it is due in the account's time zone.", examples=["2026-01-31"])
    due_at: str = Field(description="The instant it becomes overdue.", examples=["2026-01-31T17:00:00Z"])
    priority: int
    state: Literal["open", "done", "skipped", "cancelled"]
    outcomes: list[str] = Field(description="What it may end with; completing needs one where there are any.")
    outcome: str | None
    note: str | None
    created_at: str
    closed_at: str | None
    closed_by: str | None
    counts_at: str | None = Field(
        description="When its closing counts for its run, where it may be undone until then."
    )
    snoozed_until: str | None
    escalated_from: str | None
    reason: str = Field(description="Why the task exists.")


class TaskList(BaseModel):
    """A page of tasks, by priority and then by due time."""

    items: list[TaskItem]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


class TaskDone(TaskItem):
    """A task as something that was done has left it."""

    act: str = Field(description="What was done, to undo it by.")


class TaskLogEntry(BaseModel):
    """One thing that was done with a task, or said of it."""

    act: str
    at: str
    by: str
    did: Literal["completed", "skipped", "snoozed", "reassigned", "commented", "undid"]
    words: str = Field(description="The outcome, until when, to whom; of what was undone, what it was.")
    note: str | None
    undone_at: str | None


class TaskLog(BaseModel):
    """The newest entries of a task's log, oldest first."""

    items: list[TaskLogEntry]


class TaskRefusal(BaseModel):
    """A task to which something was not done."""

    id: str
    status: int = Field(description="What the answer for this task alone would be: 404, 409, 412 or 422.")
    detail: str


class TasksDone(BaseModel):
    """What became of something done to several tasks."""

    act: str = Field(description="What was done, to undo it by.")
    done: list[str]
    refused: list[TaskRefusal]


class OutboxEntry(BaseModel):
    """A message on its way out, sent or given up."""

    id: str
    run_id: str
    account_id: str
    account: str | None = Field(description="The account's name.")
    playbook: str
    step: str
    contact_id: str | None
    connector: str
    recipient: str
    topic: str | None
    subject: str
    state: EntryState
    attempts: int = Field(description="Tries since it was made or last retried by hand.")
    available_at: str = Field(description="When it may be tried, while it waits.")
    created_at: str
    finished_at: str | None
    error: str | None = Field(description="Why it was not delivered, or not yet.")
    receipt: str | None = Field(description="What the other side said as it took it.")
    waits_for: str | None = Field(description="Why it was put off to `available_at`: hours, or a cap.")


class OutboxList(BaseModel):
    """A page of entries, newest first."""

    items: list[OutboxEntry]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


class OutboxTry(BaseModel):
    """One try at delivering an entry."""

    number: int
    started_at: str
    ended_at: str | None
    seconds: float | None = Field(description="How long it took; null while it is under way.")
    result: Literal["started", "delivered", "retry", "unknown", "failed", "lost"]
    answer: str = Field(description="What was answered, without secrets.")


class OutboxDeed(BaseModel):
    """What a person did with an entry."""

    at: str
    act: Literal["retried", "cancelled"]
    by: str
    was: EntryState = Field(description="The state it was in.")
    note: str = Field(description="The error it had.")


class OutboxWhole(OutboxEntry):
    """An entry with what was rendered, with its tries, and with what people did."""

    text: str
    html: str | None
    tries: list[OutboxTry]
    acts: list[OutboxDeed]


class OutboxRetried(BaseModel):
    """What a retry of many came to."""

    retried: int
    more: bool = Field(description="Whether there may be more that fit.")


class ConditionNode(BaseModel):
    """A part of a condition: a group with its members, or a question with what was found."""

    path: str = Field(description="Its place in the rule file.", examples=["when.all[0]"])
    words: str = Field(examples=["health is below 40", "all of"])
    verdict: bool | None = Field(description="Null where it is unknown.")
    actual: str | None = Field(None, description="What was found; null when nothing was.")
    wanted: str | None = Field(None, examples=["below 40"])
    children: list["ConditionNode"] = []


class Remark(BaseModel):
    """One line of the reasoning after the condition."""

    topic: str = Field(examples=["cooldown"])
    words: str
    stops: bool = Field(description="Whether it keeps a run from starting.")


class NextChange(BaseModel):
    """When time alone could next change the answer."""

    at: str
    words: str


class PastEpisode(BaseModel):
    """A stretch of the state, or a moment, as it stood then."""

    key: str
    since: str
    opened_at: str | None
    resolved_at: str | None
    lapsed_at: str | None
    run_id: str | None
    reason: str


class PastRun(BaseModel):
    """A run as it stood then."""

    id: str
    key: str
    started_at: str
    ended_at: str | None
    outcome: str | None
    reason: str


class WaitingMessage(BaseModel):
    """A message that is not to leave yet."""

    id: str
    step: str
    connector: str
    recipient: str
    available_at: str
    waits_for: str | None = Field(description="Hours or a cap; null where it is to be tried again.")


class PastDecision(BaseModel):
    """A decision recorded until then."""

    at: str
    answer: str
    reason: str
    step: str | None


class HealthPart(BaseModel):
    """What one component adds to a computed health. Numbers are text, so that they stay exact."""

    component: str
    value: str | None = Field(description="What it was found from; null when missing.")
    points: str | None = Field(description="0 to 100; null when it does not count.")
    share: str = Field(description="Its share of the health in percent: the most it can add.")
    adds: str = Field(description="Points of the health that come from it.")


class HealthThen(BaseModel):
    """An account's health at an instant."""

    health: str | None
    band: str | None
    colour: Literal["green", "amber", "red"] | None
    parts: list[HealthPart] = Field(description="Empty where a source gave it.")
    stale: list[str] = Field(description="What it is made of and counts as missing: since when, and why.")


class ExplanationItem(BaseModel):
    """What a playbook makes of a subject at an instant, and why."""

    playbook: str
    kind: str = Field(description="account, contact, subscription, ticket or source")
    subject: str
    account_id: str
    at: str
    answer: Answer
    owed: str | None = Field(description="Of an owed start, what it waits for: cooldown, paused, held …")
    conclusion: str = Field(description="The answer as a sentence.")
    verdict: bool | None = Field(description="Of audience and `when` together; null where it is unknown.")
    audience: ConditionNode | None
    when: ConditionNode | None
    moments: list[str] = Field(description="What else starts it, in words.")
    reasoning: list[Remark]
    next: NextChange | None
    episodes: list[PastEpisode]
    runs: list[PastRun]
    waiting: list[WaitingMessage] = Field(description="Messages of its runs, made by then, that wait still.")
    decisions: list[PastDecision]
    health: HealthThen | None = Field(description="Where the playbook asks about it.")


class ExplanationList(BaseModel):
    """One explanation for each subject."""

    items: list[ExplanationItem]


class SilenceItem(BaseModel):
    """An account that is left alone from `since` until `until`, unless somebody ends that before."""

    id: str
    account_id: str
    playbook: str | None = Field(description="Null for every playbook.")
    since: str
    until: str
    by: str
    why: str
    ended_at: str | None
    ended_by: str | None


class SilenceList(BaseModel):
    """Silences in the order of their beginnings."""

    items: list[SilenceItem]


class ProblemDetails(BaseModel):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] | None = None


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether the service does its work."""

    status: Literal["ready", "not ready"]
    reason: Annotated[str | None, Field(description="What is missing, where something is.")]
    last_tick_at: str | None


_TYPES: dict[FieldType, dict[str, Any]] = {
    FieldType.TEXT: {"type": ["string", "null"]},
    FieldType.ENUM: {"type": ["string", "null"]},
    FieldType.FLAG: {"type": ["boolean", "null"]},
    FieldType.DATE: {"type": ["string", "null"], "format": "date"},
    FieldType.INSTANT: {"type": ["string", "null"], "format": "date-time"},
}
_NUMBER = {"type": ["number", "string", "null"], "description": "A number, or its digits as text."}
_NAME = {"type": "string", "minLength": 1, "maxLength": 200}
_WHEN = {"type": "string", "format": "date-time", "description": "When it was so; now, if left out."}


def accounts_body(catalogue: Catalogue, most: int) -> dict[str, Any]:
    """The request body of the account upsert, written from the catalogue, custom fields included."""
    parts = {
        f"{kind.value}s": {"type": "array", "items": _object(catalogue, kind, {})}
        for kind in (Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET)
    }
    metrics = {"type": "object", "additionalProperties": _NUMBER}
    account = _object(catalogue, Kind.ACCOUNT, {**parts, "metrics": metrics})
    example = {
        "accounts": [
            {
                "id": "acme",
                "name": "Acme Ltd",
                "segment": "high_touch",
                "arr": 120000,
                "health": 38,
                "contacts": [{"id": "acme-1", "name": "Ada Ng", "role": "champion", "status": "active"}],
                "metrics": {"logins_30d": 12},
            }
        ]
    }
    return _body("accounts", account, most, example)


def events_body(most: int) -> dict[str, Any]:
    """The request body of the event intake."""
    event = {
        "type": "object",
        "required": ["id", "account_id", "name"],
        "additionalProperties": False,
        "properties": {
            "id": {
                **_NAME,
                "description": "The sender's id; a second event of the same id is the same event.",
            },
            "account_id": _NAME,
            "name": _NAME,
            "occurred_at": {**_WHEN, "description": "When it happened, 1990 to tomorrow; now, if left out."},
            "subject_id": {**_NAME, "description": "The contact, subscription or ticket it is about."},
            "properties": {"type": "object"},
        },
    }
    example = {"events": [{"id": "evt-1", "account_id": "acme", "name": "cancel_requested"}]}
    return _body("events", event, most, example)


def _object(catalogue: Catalogue, kind: Kind, extra: dict[str, Any]) -> dict[str, Any]:
    fields = {
        name: {
            **_TYPES.get(field.type, _NUMBER),
            **({"enum": [*field.choices, None]} if field.choices else {}),
        }
        for name, field in catalogue.of_kind(kind).items()
    }
    properties = {"id": _NAME, "effective_at": _WHEN, **fields, **extra}
    return {"type": "object", "required": ["id"], "additionalProperties": False, "properties": properties}


def _body(key: str, item: dict[str, Any], most: int, example: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": [key],
        "additionalProperties": False,
        "properties": {key: {"type": "array", "maxItems": most, "items": item}},
    }
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}
