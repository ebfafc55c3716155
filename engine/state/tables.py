"""Every table. One row type per noun of the glossary; the migrations follow these definitions."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from engine.state.columns import Fixed, Instant

_Serial = BigInteger().with_variant(Integer(), "sqlite")


def _instant(*, index: bool = False) -> Any:
    return Field(default=None, sa_type=Instant, index=index)


def _required_instant(*, index: bool = False) -> Any:
    return Field(sa_type=Instant, index=index)


def _number() -> Any:
    return Field(default=None, sa_type=Fixed)


def _text() -> Any:
    return Field(default=None, sa_type=Text)


def _serial() -> Any:
    return Field(default=None, sa_column=Column(_Serial, primary_key=True, autoincrement=True))


class Account(SQLModel, table=True):
    """A customer. Its current values; the past is in `change`."""

    __table_args__ = (
        Index("ix_account_csm", "csm", "id"),
        Index("ix_account_segment", "segment", "id"),
        Index("ix_account_stage", "stage", "id"),
    )

    id: str = Field(primary_key=True)
    name: str | None = _text()
    segment: str | None = None
    effective_segment: str | None = None
    stage: str | None = None
    plan: str | None = None
    industry: str | None = None
    country: str | None = None
    timezone: str | None = None
    arr: Decimal | None = _number()
    health: Decimal | None = _number()
    adoption: Decimal | None = _number()
    usage: Decimal | None = _number()
    usage_limit: Decimal | None = _number()
    seats: Decimal | None = _number()
    seats_used: Decimal | None = _number()
    csat: Decimal | None = _number()
    nps: Decimal | None = _number()
    open_tickets: Decimal | None = _number()
    strategic: bool | None = None
    csm: str | None = None
    ae: str | None = None
    exec_sponsor: str | None = None
    customer_since: date | None = None
    renews_on: date | None = None
    churned_on: date | None = None
    first_value_at: datetime | None = _instant()
    success_plan_at: datetime | None = _instant()
    last_touch_at: datetime | None = _instant()
    last_active_at: datetime | None = _instant()
    custom: dict[str, str] | None = Field(default=None, sa_type=JSON)
    """Custom fields by name, in the text form of the catalogue."""


class Contact(SQLModel, table=True):
    """A person at a customer."""

    __table_args__ = (Index("ix_contact_email", "email"),)

    id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    name: str | None = _text()
    email: str | None = _text()
    phone: str | None = None
    title: str | None = None
    role: str | None = None
    level: str | None = None
    status: str | None = None
    consent: str | None = None
    nps: Decimal | None = _number()
    timezone: str | None = None
    locale: str | None = None
    last_touch_at: datetime | None = _instant()
    custom: dict[str, str] | None = Field(default=None, sa_type=JSON)


class Subscription(SQLModel, table=True):
    """A contract term."""

    id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    plan: str | None = None
    term: str | None = None
    status: str | None = None
    started_on: date | None = None
    renews_on: date | None = None
    ended_on: date | None = None
    seats: Decimal | None = _number()
    seats_used: Decimal | None = _number()
    usage: Decimal | None = _number()
    limit: Decimal | None = _number()
    mrr: Decimal | None = _number()
    arr: Decimal | None = _number()
    auto_renew: bool | None = None
    signed: bool | None = None
    custom: dict[str, str] | None = Field(default=None, sa_type=JSON)


class Ticket(SQLModel, table=True):
    """A support case."""

    id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    subject: str | None = _text()
    priority: str | None = None
    status: str | None = None
    escalated: bool | None = None
    csat: Decimal | None = _number()
    first_response_minutes: Decimal | None = _number()
    opened_at: datetime | None = _instant()
    closed_at: datetime | None = _instant()
    custom: dict[str, str] | None = Field(default=None, sa_type=JSON)


class Metric(SQLModel, table=True):
    """A measured number of an account. Its id is `ACCOUNT:NAME`; its history is in `change` under `value`."""

    id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    name: str
    value: Decimal | None = _number()


class Event(SQLModel, table=True):
    """Something that happened, once; idempotent by the source's id."""

    __table_args__ = (
        Index("ix_event_latest", "account_id", "name", "occurred_at", "applies_at"),
        Index("ix_event_applies", "account_id", "applies_at"),
        Index("ix_event_revision", "account_id", "revision"),
    )

    id: str = Field(primary_key=True)
    account_id: str
    name: str
    subject_id: str | None = None
    """The contact, subscription or ticket it is about, where it is about one."""
    properties: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    occurred_at: datetime = _required_instant()
    """Effective time: when it happened."""
    recorded_at: datetime = _required_instant()
    applies_at: datetime = _required_instant()
    """The later of the two: from then on a decision may know it."""
    revision: int
    """The account's `watch.revision` when it was taken in."""


IS_BY_PLAYBOOK = "substr(source, 1, 9) = 'playbook:'"
"""What a playbook has brought about. A query uses the index only where it says so in these words."""


class Change(SQLModel, table=True):
    """One change of one field, with both its times. Creation changes `exists` from nothing to `true`."""

    __table_args__ = (
        Index("ix_change_account", "account_id", "applies_at"),
        Index("ix_change_revision", "account_id", "revision"),
        Index("ix_change_field", "kind", "subject_id", "field", "applies_at"),
        Index("ix_change_kind", "kind", "field", "applies_at"),
        Index(
            "ix_change_by_playbook",
            "subject_id",
            sqlite_where=text(IS_BY_PLAYBOOK),
            postgresql_where=text(IS_BY_PLAYBOOK),
        ),
    )

    id: int | None = _serial()
    account_id: str
    kind: str
    subject_id: str
    field: str
    old: str | None = _text()
    new: str | None = _text()
    effective_at: datetime = _required_instant()
    recorded_at: datetime = _required_instant()
    applies_at: datetime = _required_instant()
    """The later of the two times: changes are folded by (applies_at, effective_at, id)."""
    superseded: bool = False
    """Late: a newer value was already known when it arrived, so the current value did not move."""
    revision: int
    """The account's `watch.revision` when it was taken in."""
    source: str = ""


class Watch(SQLModel, table=True):
    """Where evaluation of an account stands. Locking this row serialises everything about the account."""

    account_id: str = Field(primary_key=True)
    revision: int = 0
    """Counts what was taken in: imports, posts, finished tasks, released holds."""
    evaluated_revision: int = 0
    evaluated_to: datetime | None = _instant()
    due_at: datetime | None = _instant(index=True)
    """The earliest unfolded input or boundary; None when neither data nor time asks for a look."""


class Awaited(SQLModel, table=True):
    """A source without which an answer is unknown, and the watermark that would settle it."""

    __table_args__ = (Index("ix_awaited_source", "source", "until"),)

    account_id: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    until: datetime = _required_instant()


class Person(SQLModel, table=True):
    """Somebody on our side."""

    id: str = Field(primary_key=True)
    name: str
    email: str | None = None
    role: str = "csm"
    manager: str | None = None
    timezone: str | None = None


class Source(SQLModel, table=True):
    """Where data comes from, and how fresh it is. It is a subject of its own, outside every account."""

    id: str = Field(primary_key=True)
    account_id: str = Field(index=True)
    """`source:NAME`: what is folded for it is kept under this in place of an account."""
    name: str | None = _text()
    declared_at: datetime | None = _instant()
    """Since when the settings say that something rests on it; None while they do not."""
    last_sync_at: datetime | None = _instant()
    watermark: datetime | None = _instant()
    """Up to when it has said everything."""
    rows: Decimal | None = _number()
    """Of its last sync; of which so many were rejected."""
    rejected: Decimal | None = _number()
    custom: dict[str, str] | None = Field(default=None, sa_type=JSON)


class PlaybookVersion(SQLModel, table=True):
    """A playbook's content by hash; open runs keep the one they started with."""

    version: str = Field(primary_key=True)
    playbook: str = Field(index=True)
    files: dict[str, str] = Field(sa_type=JSON)
    """The rule file under its path, and every template it names."""
    first_seen_at: datetime = _required_instant()


class Rulebook(SQLModel, table=True):
    """The live set: which version of each playbook decides, and since when."""

    playbook: str = Field(primary_key=True)
    version: str
    live_since: datetime = _required_instant()
    changed_at: datetime = _required_instant()
    """When the present version took over."""
    paused: bool = False


class HealthModelRow(SQLModel, table=True):
    """How health was computed, and since when. The newest one decides."""

    __tablename__ = "health_model"

    live_since: datetime = Field(sa_type=Instant, primary_key=True)
    version: str
    content: dict[str, Any] = Field(sa_type=JSON)
    """The `health` settings."""


class Feeding(SQLModel, table=True):
    """What rested on which source, and since when. The newest one decides."""

    live_since: datetime = Field(sa_type=Instant, primary_key=True)
    version: str
    content: dict[str, Any] = Field(sa_type=JSON)
    """The `sources` settings."""


class HealthScoreRow(SQLModel, table=True):
    """A computed score with its parts, written when either changes."""

    __tablename__ = "health_score"

    account_id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant, primary_key=True)
    score: Decimal | None = _number()
    parts: list[Any] | None = Field(default=None, sa_type=JSON)
    """None from when on a source gives the account's health."""


class Episode(SQLModel, table=True):
    """One stretch of a state, or one moment, for one subject."""

    __table_args__ = (
        Index("ix_episode_account", "account_id", "state"),
        Index("ix_episode_playbook", "playbook", "state"),
    )

    id: str = Field(primary_key=True)
    account_id: str
    playbook: str
    kind: str
    subject_id: str
    key: str = ""
    """The `run_per` value, or the moment's own key; empty otherwise."""
    state: str
    """pending, active, resolved"""
    since: datetime = _required_instant()
    opened_at: datetime | None = _instant()
    resolved_at: datetime | None = _instant()
    lapsed_at: datetime | None = _instant()
    """Since when it has not held and counts as holding all the same."""
    owed: str | None = None
    """Why an opening has not started yet: cooldown, open_run, paused, silenced, muted, held."""
    hold_id: str | None = None
    run_id: str | None = None
    reason: str = Field(default="", sa_type=Text)
    evidence: list[Any] | None = Field(default=None, sa_type=JSON)


class Run(SQLModel, table=True):
    """One playbook under way for one subject."""

    __table_args__ = (
        UniqueConstraint("playbook", "subject_id", "key", "generation"),
        Index("ix_run_account", "account_id", "state"),
        Index("ix_run_playbook", "playbook", "started_at"),
        Index("ix_run_started", "started_at", "id"),
    )

    id: str = Field(primary_key=True)
    account_id: str
    playbook: str
    version: str
    kind: str
    subject_id: str
    key: str = ""
    generation: int = 1
    state: str = "open"
    """open, ended"""
    started_at: datetime = _required_instant()
    anchor: date | None = None
    outcome: str | None = None
    ended_at: datetime | None = _instant()
    hold_id: str | None = None
    """The released hold it comes from; such a start no longer counts against the guard."""
    exits_since: dict[str, str] | None = Field(default=None, sa_type=JSON)
    """Since when each exit with a `for` has held, by its place in the file."""
    reason: str = Field(default="", sa_type=Text)
    evidence: list[Any] | None = Field(default=None, sa_type=JSON)


class StepRow(SQLModel, table=True):
    """One step of one run."""

    __tablename__ = "step"
    __table_args__ = (Index("ix_step_run", "run_id"),)

    id: str = Field(primary_key=True)
    run_id: str
    account_id: str
    step: str
    state: str
    """waiting, open, done, skipped, cancelled"""
    due_on: date | None = None
    act_at: datetime | None = _instant()
    acted_at: datetime | None = _instant()
    settled_at: datetime | None = _instant()
    outcome: str | None = None
    reason: str | None = _text()
    branch: int | None = None
    """Which branch of `choose:` was taken, counted from 1."""
    occurrence: int = 1
    """Of a step that repeats, which time it is."""
    fell_at: datetime | None = _instant()
    """When the state that caused the latest occurrence of a step that repeats no longer held."""


class Task(SQLModel, table=True):
    """Work in somebody's queue."""

    __table_args__ = (
        Index("ix_task_queue", "assignee", "state", "due_at"),
        Index("ix_task_account", "account_id", "state"),
        Index("ix_task_state", "state", "priority", "due_at"),
    )

    id: str = Field(primary_key=True)
    run_id: str
    account_id: str
    kind: str
    subject_id: str
    playbook: str
    step: str
    title: str = Field(sa_type=Text)
    body: str = Field(default="", sa_type=Text)
    role: str
    assignee: str
    """A person's id, or `team:ROLE` for a shared queue."""
    priority: int
    state: str = "open"
    """open, done, skipped, cancelled"""
    outcomes: list[str] | None = Field(default=None, sa_type=JSON)
    outcome: str | None = None
    note: str | None = _text()
    due_on: date
    due_at: datetime = _required_instant()
    created_at: datetime = _required_instant()
    closed_at: datetime | None = _instant()
    closed_by: str | None = None
    counts_at: datetime | None = _instant()
    """When what a person did counts for the run: until then it may be undone. None for `closed_at`."""
    snoozed_until: datetime | None = _instant()
    escalates_at: datetime | None = _instant()
    escalates_to: str | None = None
    """The role to escalate to while `escalates_at` is set."""
    escalated_at: datetime | None = _instant()
    escalated_from: str | None = None
    reason: str = Field(default="", sa_type=Text)
    evidence: list[Any] | None = Field(default=None, sa_type=JSON)
    occurrence: int = 1
    """Of a step that repeats, which time it is."""


class TaskEntry(SQLModel, table=True):
    """What somebody did with a task, or said of it. Only ever added to, but for being marked as undone."""

    __tablename__ = "task_entry"
    __table_args__ = (Index("ix_task_entry_task", "task_id", "at"), Index("ix_task_entry_act", "act"))

    id: int | None = _serial()
    act: str
    """What was done in one go: one entry for each of its tasks."""
    task_id: str
    account_id: str
    at: datetime = _required_instant()
    by: str
    did: str
    """completed, skipped, snoozed, reassigned, commented, undid"""
    words: str = Field(default="", sa_type=Text)
    """The outcome, until when, to whom; of what was undone, what it was."""
    note: str | None = _text()
    before: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """What an undoing gives back."""
    left: str | None = None
    """The version of the task that it left behind; only from that one may it be undone."""
    undone_at: datetime | None = _instant()


class QueuePlace(SQLModel, table=True):
    """Where an open task stands in queues: what they are filtered by and sorted by, ascending."""

    __tablename__ = "queue_place"
    __table_args__ = (
        Index("ix_place_due", "due_at", "task_id", "rests_until"),
        Index("ix_place_assignee", "assignee", "due_at", "task_id", "rests_until"),
        Index("ix_place_playbook", "playbook", "due_at", "task_id"),
        Index("ix_place_account_id", "account_id"),
        Index("ix_place_rests", "rests_until"),
        Index("ix_place_importance", "by_importance", "due_at", "task_id", "rests_until"),
        Index("ix_place_own", "assignee", "by_importance", "due_at", "task_id", "rests_until"),
        Index("ix_place_arr", "by_arr", "due_at", "task_id", "rests_until"),
        Index("ix_place_health", "by_health", "due_at", "task_id", "rests_until"),
        Index("ix_place_account", "by_account", "due_at", "task_id", "rests_until"),
    )

    task_id: str = Field(primary_key=True)
    account_id: str
    assignee: str
    playbook: str
    kind: str
    segment: str | None = None
    due_at: datetime = _required_instant()
    rests_until: datetime | None = _instant()
    by_importance: int
    """The importance, negative."""
    by_arr: int = Field(sa_type=BigInteger)
    """The ARR in millionths, negative; 1 where it is not known."""
    by_health: int = Field(sa_type=BigInteger)
    """The health in millionths; the largest number where it is not known."""
    by_account: str
    """The account's name in lower case."""
    words: str = Field(sa_type=Text)
    """Of its title and its account's name, for `queue_word`."""


class QueueWord(SQLModel, table=True):
    """A word by which an open task is found."""

    __tablename__ = "queue_word"
    __table_args__ = ({"sqlite_with_rowid": False},)

    word: str = Field(primary_key=True)
    task_id: str = Field(primary_key=True)


_WAITING = "('scheduled', 'available', 'retryable')"
IS_READY = f"state IN {_WAITING}"
"""Outbox entries that wait for a deliverer. A query uses their index only where it says so in these words."""
IS_OPEN = "finished_at IS NULL"
"""Outbox entries that are not over."""
IS_READY_FOR = f"{IS_OPEN} AND outbox.state || '' IN {_WAITING}"
"""As `IS_READY`, for queries about some people or accounts. It keeps SQLite from the index of states, which
SQLite takes to be the shortest way and which leads through everything that waits."""
IS_EXECUTING = "state = 'executing'"
HAS_LEFT = "left_at IS NOT NULL"
"""Emails that left or may have left, while they are being sent as well."""


_CLAIMED_IN = ("connector", "available_at", "id")


def _index_where(name: str, condition: str, *columns: str) -> Index:
    return Index(name, *columns, sqlite_where=text(condition), postgresql_where=text(condition))


class Outbox(SQLModel, table=True):
    """A rendered message on its way out. `id` is the idempotency key run:step:occurrence:contact."""

    __table_args__ = (
        Index("ix_outbox_run", "run_id"),
        # The last two let a claim pass by what is paused or silenced without looking at its rows.
        _index_where("ix_outbox_ready", IS_READY, *_CLAIMED_IN, "playbook", "account_id"),
        _index_where("ix_outbox_open_address", IS_OPEN, "address", "connector", "available_at"),
        _index_where("ix_outbox_open_account", IS_OPEN, "account_id", "connector", "available_at"),
        _index_where("ix_outbox_left_address", HAS_LEFT, "address", "left_at"),
        _index_where("ix_outbox_left_account", HAS_LEFT, "account_id", "left_at"),
        _index_where("ix_outbox_lease", IS_EXECUTING, "lease_until"),
        Index("ix_outbox_state", "state", "created_at"),
        Index("ix_outbox_account", "account_id", "created_at"),
    )

    id: str = Field(primary_key=True)
    run_id: str
    account_id: str
    playbook: str
    step: str
    contact_id: str | None = None
    connector: str
    """`email`, `slack`: a name from `connectors:` in config.yaml."""
    recipient: str
    topic: str | None = None
    subject: str = Field(default="", sa_type=Text)
    payload: dict[str, Any] = Field(sa_type=JSON)
    """email: {"html": …, "text": …}; message: {"text": …}"""
    state: str = "available"
    """scheduled, available, executing, retryable, completed, unknown, cancelled, discarded"""
    available_at: datetime = _required_instant()
    lease_owner: str | None = None
    lease_until: datetime | None = _instant()
    attempts: int = 0
    created_at: datetime = _required_instant()
    finished_at: datetime | None = _instant()
    error: str | None = _text()
    receipt: str | None = _text()
    priority: int = 50
    """Its playbook's, when it was written."""
    address: str | None = None
    """Of an email, the recipient's address in the form in which people are counted and suppressed."""
    left_at: datetime | None = _instant()
    """Of an email, when it left or may have left for the last time; while it is being sent, since when."""
    waits_for: str | None = _text()
    """Why it was put off to `available_at`."""


class Attempt(SQLModel, table=True):
    """One try at delivering one outbox entry."""

    id: int | None = _serial()
    outbox_id: str = Field(index=True)
    number: int
    started_at: datetime = _required_instant()
    ended_at: datetime | None = _instant()
    answer: str = Field(default="", sa_type=Text)
    result: str
    """started, delivered, retry, unknown, failed, lost"""


class OutboxAct(SQLModel, table=True):
    """What a person did with an entry of the outbox. Only ever added to."""

    __tablename__ = "outbox_act"

    id: int | None = _serial()
    outbox_id: str = Field(index=True)
    at: datetime = _required_instant()
    act: str
    """retried, cancelled"""
    by: str
    was: str
    """The state it was in."""
    note: str = Field(default="", sa_type=Text)
    """The error it had."""


class Suppression(SQLModel, table=True):
    """An address nothing may be sent to."""

    __table_args__ = (Index("ix_suppression_since", "since", "email"),)

    email: str = Field(primary_key=True)
    reason: str
    """bounced, complained, manual"""
    since: datetime = _required_instant()
    by: str | None = None
    """Who, where it was one of ours."""
    note: str = Field(default="", sa_type=Text)
    """Why, in their words."""


class OptOut(SQLModel, table=True):
    """What a person does not want to be written about."""

    __tablename__ = "opt_out"

    key: str = Field(primary_key=True)
    """An address as it is suppressed, or `contact:` and a contact's id."""
    topic: str = Field(primary_key=True)
    """Empty for everything."""
    since: datetime = _required_instant()


class ConsentChange(SQLModel, table=True):
    """What became of a person's leave to be written to, by whom and how. Only ever added to."""

    __tablename__ = "consent_change"
    __table_args__ = (
        Index("ix_consent_change_address", "address", "at"),
        Index("ix_consent_change_contact", "contact_id", "at"),
    )

    id: int | None = _serial()
    at: datetime = _required_instant()
    address: str
    contact_id: str | None = None
    account_id: str | None = None
    change: str
    """opted_out, opted_in, suppressed, released"""
    topic: str = ""
    """Empty for everything."""
    how: str
    """one_click, link, preference_page, command, api, console, bounce, complaint"""
    by: str | None = None
    """Who, where it was one of ours."""
    note: str = Field(default="", sa_type=Text)


class StoppedSequence(SQLModel, table=True):
    """A run that sends a contact no more emails."""

    __tablename__ = "stopped_sequence"

    run_id: str = Field(primary_key=True)
    contact_id: str = Field(primary_key=True)
    at: datetime = _required_instant()
    why: str = Field(sa_type=Text)


class MailReturn(SQLModel, table=True):
    """What came back for an email: a bounce, a complaint, a reply, or the word that it arrived."""

    __tablename__ = "mail_return"
    __table_args__ = (
        Index("ix_mail_return_run", "run_id", "contact_id"),
        Index("ix_mail_return_email", "email", "kind"),
    )

    id: str = Field(primary_key=True)
    outbox_id: str = Field(index=True)
    run_id: str
    contact_id: str
    email: str
    kind: str
    """bounced, soft_bounced, complained, replied, delivered"""
    reason: str = Field(default="", sa_type=Text)
    at: datetime = _required_instant()


class InboxPosition(SQLModel, table=True):
    """How far a mailbox has been read."""

    __tablename__ = "inbox_position"

    id: str = Field(primary_key=True)
    validity: int = Field(sa_type=BigInteger)
    uid: int = Field(sa_type=BigInteger)
    read_at: datetime = _required_instant()


class Decision(SQLModel, table=True):
    """A yes or no that matters, written when the answer or its reason changes."""

    __table_args__ = (
        Index("ix_decision_account", "account_id", "at"),
        Index("ix_decision_subject", "playbook", "subject_id", "at"),
        Index("ix_decision_playbook", "playbook", "at"),
        Index("ix_decision_at", "at"),
    )

    id: int | None = _serial()
    account_id: str
    playbook: str
    kind: str
    subject_id: str
    at: datetime = _required_instant()
    answer: str
    reason: str = Field(default="", sa_type=Text)
    evidence: list[Any] | None = Field(default=None, sa_type=JSON)
    run_id: str | None = None
    step: str | None = None


class Hold(SQLModel, table=True):
    """A batch of openings the guard stopped."""

    id: str = Field(primary_key=True)
    playbook: str = Field(index=True)
    at: datetime = _required_instant()
    size: int
    reason: str = Field(sa_type=Text)
    state: str = "held"
    """held, released"""
    released_at: datetime | None = _instant()
    released_by: str | None = None


class Silence(SQLModel, table=True):
    """An account to be left alone for a while."""

    __table_args__ = (Index("ix_silence_account", "account_id"),)

    id: str = Field(primary_key=True)
    account_id: str
    playbook: str | None = None
    """Only this one; every playbook when empty."""
    since: datetime = _required_instant()
    until: datetime = _required_instant()
    by: str
    why: str = Field(sa_type=Text)
    ended_at: datetime | None = _instant()
    """When somebody ended it before its time."""
    ended_by: str | None = None


class Pause(SQLModel, table=True):
    """A playbook that rests for everybody. One that lasts is marked in `rulebook` too, for delivery."""

    id: str = Field(primary_key=True)
    playbook: str
    since: datetime = _required_instant()
    by: str
    why: str = Field(sa_type=Text)
    ended_at: datetime | None = _instant()
    """When somebody resumed it."""
    ended_by: str | None = None


class Tick(SQLModel, table=True):
    """One pass, unique by (schedule, at). `finished_at` is empty while it is under way or was cut short."""

    __table_args__ = (UniqueConstraint("schedule", "at"),)

    id: int | None = _serial()
    schedule: str = "main"
    at: datetime = _required_instant(index=True)
    finished_at: datetime | None = _instant()
    accounts: int = 0
    starts: int = 0
    held: int = 0
    tasks: int = 0
    messages: int = 0
    ended: int = 0
    seconds: float = 0.0


class Incident(SQLModel, table=True):
    """Something the service survived and somebody should know: a crashed matcher, a disagreement."""

    id: int | None = _serial()
    at: datetime = _required_instant(index=True)
    category: str
    message: str = Field(sa_type=Text)


class User(SQLModel, table=True):
    """A person of ours who may sign in."""

    __tablename__ = "console_user"

    person_id: str = Field(primary_key=True)
    email: str = Field(unique=True)
    """What they sign in with, in lower case."""
    access: str
    """viewer, csm, ops, admin"""
    password: str | None = _text()
    """Its argon2 hash; None for those who sign in another way."""
    password_at: datetime | None = _instant()
    subject: str | None = Field(default=None, unique=True)
    """Who they are to the company's sign-in."""
    created_at: datetime = _required_instant()
    signed_in_at: datetime | None = _instant()
    disabled_at: datetime | None = _instant()


class Session(SQLModel, table=True):
    """A browser that is signed in. Of its cookie only the SHA-256 is kept."""

    __tablename__ = "console_session"

    digest: str = Field(primary_key=True)
    person_id: str | None = Field(default=None, index=True)
    token: str | None = Field(default=None, index=True)
    """The digest of the API token it was begun with, in place of a person."""
    how: str
    """password, link, token, openid"""
    begun_at: datetime = _required_instant()
    seen_at: datetime = _required_instant()
    agent: str = Field(default="", sa_type=Text)
    """What the browser calls itself."""


class SignInLink(SQLModel, table=True):
    """A link that signs in once. Of its code only the SHA-256 is kept."""

    __tablename__ = "sign_in_link"

    digest: str = Field(primary_key=True)
    person_id: str = Field(index=True)
    made_at: datetime = _required_instant()
    ends_at: datetime = _required_instant()
    used_at: datetime | None = _instant()


class SignInTries(SQLModel, table=True):
    """Tries to sign in that failed, or are under way, as one user or from one address."""

    __tablename__ = "sign_in_tries"

    key: str = Field(primary_key=True)
    """`user:` and a digest, or `address:` and where it came from."""
    tries: int
    since: datetime = _required_instant()
    locked_until: datetime | None = _instant()


class OpenIdFlow(SQLModel, table=True):
    """A sign-in that has been sent to the company's provider and is expected back."""

    __tablename__ = "openid_flow"

    digest: str = Field(primary_key=True)
    """The SHA-256 of its state."""
    browser: str
    """The SHA-256 of the cookie of the browser that began it."""
    nonce: str
    verifier: str
    leads_to: str = Field(sa_type=Text)
    begun_at: datetime = _required_instant()


class ApiToken(SQLModel, table=True):
    """A bearer token, kept only as its SHA-256."""

    digest: str = Field(primary_key=True)
    name: str
    scopes: str
    """What it allows, by name with blanks between."""
    created_at: datetime = _required_instant()
    created_by: str | None = None
    expires_at: datetime | None = _instant()
    used_at: datetime | None = _instant()
    """About when it was last used, to the minute."""
    revoked_at: datetime | None = _instant()


class Repeatable(SQLModel, table=True):
    """What was answered to a request that named itself by a key, for when it is sent again."""

    id: str = Field(primary_key=True)
    """The SHA-256 of the token and the key."""
    request: str
    """The SHA-256 of method, address and body."""
    at: datetime = _required_instant(index=True)
    status: int | None = None
    """None while it is under way."""
    content_type: str = ""
    body: str = Field(default="", sa_type=Text)


class Secret(SQLModel, table=True):
    """A key generated once for this installation, such as that which signs unsubscribe links."""

    name: str = Field(primary_key=True)
    value: str
