"""Every table of the first release."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Byte order on PostgreSQL too, so that sorted reads agree on both databases.
_NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    _state()
    _playbooks()
    _health()
    _delivery()
    _service()
    _sign_in()


def downgrade() -> None:
    """There is nothing before the first release."""
    raise NotImplementedError("this is the first revision; to go back, restore a backup")


def _state() -> None:
    """What is known about customers, and how it became so."""
    op.create_table(
        "account",
        _name("id", primary_key=True),
        _text("name"),
        _name("segment"),
        _name("effective_segment"),
        _name("stage"),
        _name("plan"),
        _name("industry"),
        _name("country"),
        _name("timezone"),
        _fixed("arr"),
        _fixed("health"),
        _fixed("adoption"),
        _fixed("usage"),
        _fixed("usage_limit"),
        _fixed("seats"),
        _fixed("seats_used"),
        _fixed("csat"),
        _fixed("nps"),
        _fixed("open_tickets"),
        _flag("strategic"),
        _name("csm"),
        _name("ae"),
        _name("exec_sponsor"),
        _date("customer_since"),
        _date("renews_on"),
        _date("churned_on"),
        _instant("first_value_at"),
        _instant("success_plan_at"),
        _instant("last_touch_at"),
        _instant("last_active_at"),
        _json("custom"),
    )
    op.create_index("ix_account_csm", "account", ["csm", "id"])
    op.create_index("ix_account_segment", "account", ["segment", "id"])
    op.create_index("ix_account_stage", "account", ["stage", "id"])
    op.create_table(
        "contact",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _text("name"),
        _text("email"),
        _name("phone"),
        _name("title"),
        _name("role"),
        _name("level"),
        _name("status"),
        _name("consent"),
        _fixed("nps"),
        _name("timezone"),
        _name("locale"),
        _instant("last_touch_at"),
        _json("custom"),
    )
    op.create_index("ix_contact_account_id", "contact", ["account_id"])
    op.create_index("ix_contact_email", "contact", ["email"])
    op.create_table(
        "subscription",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _name("plan"),
        _name("term"),
        _name("status"),
        _date("started_on"),
        _date("renews_on"),
        _date("ended_on"),
        _fixed("seats"),
        _fixed("seats_used"),
        _fixed("usage"),
        _fixed("limit"),
        _fixed("mrr"),
        _fixed("arr"),
        _flag("auto_renew"),
        _flag("signed"),
        _json("custom"),
    )
    op.create_index("ix_subscription_account_id", "subscription", ["account_id"])
    op.create_table(
        "ticket",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _text("subject"),
        _name("priority"),
        _name("status"),
        _flag("escalated"),
        _fixed("csat"),
        _fixed("first_response_minutes"),
        _instant("opened_at"),
        _instant("closed_at"),
        _json("custom"),
    )
    op.create_index("ix_ticket_account_id", "ticket", ["account_id"])
    op.create_table(
        "metric",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _name("name", required=True),
        _fixed("value"),
    )
    op.create_index("ix_metric_account_id", "metric", ["account_id"])
    op.create_table(
        "event",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _name("name", required=True),
        _name("subject_id"),
        _json("properties"),
        _instant("occurred_at", required=True),
        _instant("recorded_at", required=True),
        _instant("applies_at", required=True),
        _count("revision", required=True),
    )
    op.create_index("ix_event_applies", "event", ["account_id", "applies_at"])
    op.create_index("ix_event_revision", "event", ["account_id", "revision"])
    op.create_index("ix_event_latest", "event", ["account_id", "name", "occurred_at", "applies_at"])
    op.create_table(
        "change",
        _serial(),
        _name("account_id", required=True),
        _name("kind", required=True),
        _name("subject_id", required=True),
        _name("field", required=True),
        _text("old"),
        _text("new"),
        _instant("effective_at", required=True),
        _instant("recorded_at", required=True),
        _instant("applies_at", required=True),
        _flag("superseded", required=True),
        _count("revision", required=True),
        _name("source", required=True),
    )
    op.create_index("ix_change_account", "change", ["account_id", "applies_at"])
    op.create_index("ix_change_revision", "change", ["account_id", "revision"])
    op.create_index("ix_change_field", "change", ["kind", "subject_id", "field", "applies_at"])
    op.create_index("ix_change_kind", "change", ["kind", "field", "applies_at"])
    by_playbook = sa.text("substr(source, 1, 9) = 'playbook:'")
    op.create_index(
        "ix_change_by_playbook",
        "change",
        ["subject_id"],
        sqlite_where=by_playbook,
        postgresql_where=by_playbook,
    )
    op.create_table(
        "watch",
        _name("account_id", primary_key=True),
        _count("revision", required=True),
        _count("evaluated_revision", required=True),
        _instant("evaluated_to"),
        _instant("due_at"),
    )
    op.create_index("ix_watch_due_at", "watch", ["due_at"])
    op.create_table(
        "awaited",
        _name("account_id", primary_key=True),
        _name("source", primary_key=True),
        _instant("until", required=True),
    )
    op.create_index("ix_awaited_source", "awaited", ["source", "until"])
    op.create_table(
        "person",
        _name("id", primary_key=True),
        _name("name", required=True),
        _name("email"),
        _name("role", required=True),
        _name("manager"),
        _name("timezone"),
    )
    op.create_table(
        "source",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _text("name"),
        _instant("declared_at"),
        _instant("last_sync_at"),
        _instant("watermark"),
        _fixed("rows"),
        _fixed("rejected"),
        _json("custom"),
    )
    op.create_index("ix_source_account_id", "source", ["account_id"])


def _playbooks() -> None:
    """What the playbooks decided and what is under way."""
    op.create_table(
        "playbookversion",
        _name("version", primary_key=True),
        _name("playbook", required=True),
        _json("files", required=True),
        _instant("first_seen_at", required=True),
    )
    op.create_index("ix_playbookversion_playbook", "playbookversion", ["playbook"])
    op.create_table(
        "rulebook",
        _name("playbook", primary_key=True),
        _name("version", required=True),
        _instant("live_since", required=True),
        _instant("changed_at", required=True),
        _flag("paused", required=True),
    )
    op.create_table(
        "episode",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _name("playbook", required=True),
        _name("kind", required=True),
        _name("subject_id", required=True),
        _name("key", required=True),
        _name("state", required=True),
        _instant("since", required=True),
        _instant("opened_at"),
        _instant("resolved_at"),
        _instant("lapsed_at"),
        _name("owed"),
        _name("hold_id"),
        _name("run_id"),
        _text("reason", required=True),
        _json("evidence"),
    )
    op.create_index("ix_episode_account", "episode", ["account_id", "state"])
    op.create_index("ix_episode_playbook", "episode", ["playbook", "state"])
    op.create_table(
        "run",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _name("playbook", required=True),
        _name("version", required=True),
        _name("kind", required=True),
        _name("subject_id", required=True),
        _name("key", required=True),
        _count("generation", required=True),
        _name("state", required=True),
        _instant("started_at", required=True),
        _date("anchor"),
        _name("outcome"),
        _instant("ended_at"),
        _name("hold_id"),
        _json("exits_since"),
        _text("reason", required=True),
        _json("evidence"),
        sa.UniqueConstraint("playbook", "subject_id", "key", "generation"),
    )
    op.create_index("ix_run_account", "run", ["account_id", "state"])
    op.create_index("ix_run_playbook", "run", ["playbook", "started_at"])
    op.create_index("ix_run_started", "run", ["started_at", "id"])
    op.create_table(
        "step",
        _name("id", primary_key=True),
        _name("run_id", required=True),
        _name("account_id", required=True),
        _name("step", required=True),
        _name("state", required=True),
        _date("due_on"),
        _instant("act_at"),
        _instant("acted_at"),
        _instant("settled_at"),
        _name("outcome"),
        _text("reason"),
        _count("branch"),
        _count("occurrence", required=True),
        _instant("fell_at"),
    )
    op.create_index("ix_step_run", "step", ["run_id"])
    op.create_table(
        "task",
        _name("id", primary_key=True),
        _name("run_id", required=True),
        _name("account_id", required=True),
        _name("kind", required=True),
        _name("subject_id", required=True),
        _name("playbook", required=True),
        _name("step", required=True),
        _text("title", required=True),
        _text("body", required=True),
        _name("role", required=True),
        _name("assignee", required=True),
        _count("priority", required=True),
        _name("state", required=True),
        _json("outcomes"),
        _name("outcome"),
        _text("note"),
        _date("due_on", required=True),
        _instant("due_at", required=True),
        _instant("created_at", required=True),
        _instant("closed_at"),
        _name("closed_by"),
        _instant("counts_at"),
        _instant("snoozed_until"),
        _instant("escalates_at"),
        _name("escalates_to"),
        _instant("escalated_at"),
        _name("escalated_from"),
        _text("reason", required=True),
        _json("evidence"),
        _count("occurrence", required=True),
    )
    op.create_index("ix_task_account", "task", ["account_id", "state"])
    op.create_index("ix_task_queue", "task", ["assignee", "state", "due_at"])
    op.create_index("ix_task_state", "task", ["state", "priority", "due_at"])
    op.create_table(
        "task_entry",
        _serial(),
        _name("act", required=True),
        _name("task_id", required=True),
        _name("account_id", required=True),
        _instant("at", required=True),
        _name("by", required=True),
        _name("did", required=True),
        _text("words", required=True),
        _text("note"),
        _json("before"),
        _name("left"),
        _instant("undone_at"),
    )
    op.create_index("ix_task_entry_task", "task_entry", ["task_id", "at"])
    op.create_index("ix_task_entry_act", "task_entry", ["act"])
    _queue()
    op.create_table(
        "decision",
        _serial(),
        _name("account_id", required=True),
        _name("playbook", required=True),
        _name("kind", required=True),
        _name("subject_id", required=True),
        _instant("at", required=True),
        _name("answer", required=True),
        _text("reason", required=True),
        _json("evidence"),
        _name("run_id"),
        _name("step"),
    )
    op.create_index("ix_decision_account", "decision", ["account_id", "at"])
    op.create_index("ix_decision_subject", "decision", ["playbook", "subject_id", "at"])
    op.create_index("ix_decision_playbook", "decision", ["playbook", "at"])
    op.create_index("ix_decision_at", "decision", ["at"])
    op.create_table(
        "hold",
        _name("id", primary_key=True),
        _name("playbook", required=True),
        _instant("at", required=True),
        _count("size", required=True),
        _text("reason", required=True),
        _name("state", required=True),
        _instant("released_at"),
        _name("released_by"),
    )
    op.create_index("ix_hold_playbook", "hold", ["playbook"])
    op.create_table(
        "silence",
        _name("id", primary_key=True),
        _name("account_id", required=True),
        _name("playbook"),
        _instant("since", required=True),
        _instant("until", required=True),
        _name("by", required=True),
        _text("why", required=True),
        _instant("ended_at"),
        _name("ended_by"),
    )
    op.create_index("ix_silence_account", "silence", ["account_id"])
    op.create_table(
        "pause",
        _name("id", primary_key=True),
        _name("playbook", required=True),
        _instant("since", required=True),
        _name("by", required=True),
        _text("why", required=True),
        _instant("ended_at"),
        _name("ended_by"),
    )


def _queue() -> None:
    """Where open tasks stand in queues, and the words by which they are found."""
    op.create_table(
        "queue_place",
        _name("task_id", primary_key=True),
        _name("account_id", required=True),
        _name("assignee", required=True),
        _name("playbook", required=True),
        _name("kind", required=True),
        _name("segment"),
        _instant("due_at", required=True),
        _instant("rests_until"),
        _count("by_importance", required=True),
        sa.Column("by_arr", sa.BigInteger(), nullable=False),
        sa.Column("by_health", sa.BigInteger(), nullable=False),
        _name("by_account", required=True),
        _text("words", required=True),
    )
    for name, *columns in (
        ("due", "due_at", "task_id", "rests_until"),
        ("assignee", "assignee", "due_at", "task_id", "rests_until"),
        ("playbook", "playbook", "due_at", "task_id"),
        ("account_id", "account_id"),
        ("rests", "rests_until"),
        ("importance", "by_importance", "due_at", "task_id", "rests_until"),
        ("own", "assignee", "by_importance", "due_at", "task_id", "rests_until"),
        ("arr", "by_arr", "due_at", "task_id", "rests_until"),
        ("health", "by_health", "due_at", "task_id", "rests_until"),
        ("account", "by_account", "due_at", "task_id", "rests_until"),
    ):
        op.create_index(f"ix_place_{name}", "queue_place", columns)
    op.create_table(
        "queue_word",
        _name("word", primary_key=True),
        _name("task_id", primary_key=True),
        sqlite_with_rowid=False,
    )


def _health() -> None:
    """What rests on which source; how health is computed, and what it came to."""
    op.create_table(
        "feeding",
        _instant("live_since", required=True),
        _name("version", required=True),
        _json("content", required=True),
        sa.PrimaryKeyConstraint("live_since"),
    )
    op.create_table(
        "health_model",
        _instant("live_since", required=True),
        _name("version", required=True),
        _json("content", required=True),
        sa.PrimaryKeyConstraint("live_since"),
    )
    op.create_table(
        "health_score",
        _name("account_id", required=True),
        _instant("at", required=True),
        _fixed("score"),
        _json("parts"),
        sa.PrimaryKeyConstraint("account_id", "at"),
    )


def _delivery() -> None:
    """What leaves, and every try at it."""
    op.create_table(
        "outbox",
        _name("id", primary_key=True),
        _name("run_id", required=True),
        _name("account_id", required=True),
        _name("playbook", required=True),
        _name("step", required=True),
        _name("contact_id"),
        _name("connector", required=True),
        _name("recipient", required=True),
        _name("topic"),
        _text("subject", required=True),
        _json("payload", required=True),
        _name("state", required=True),
        _instant("available_at", required=True),
        _name("lease_owner"),
        _instant("lease_until"),
        _count("attempts", required=True),
        _instant("created_at", required=True),
        _instant("finished_at"),
        _text("error"),
        _text("receipt"),
        _count("priority", required=True),
        _name("address"),
        _instant("left_at"),
        _text("waits_for"),
    )
    op.create_index("ix_outbox_account", "outbox", ["account_id", "created_at"])
    op.create_index("ix_outbox_run", "outbox", ["run_id"])
    ready = sa.text("state IN ('scheduled', 'available', 'retryable')")
    claimed_in = ["connector", "available_at", "id"]
    _index_where("ix_outbox_ready", "outbox", [*claimed_in, "playbook", "account_id"], ready)
    executing = sa.text("state = 'executing'")
    _index_where("ix_outbox_lease", "outbox", ["lease_until"], executing)
    is_open = sa.text("finished_at IS NULL")
    _index_where("ix_outbox_open_address", "outbox", ["address", "connector", "available_at"], is_open)
    _index_where("ix_outbox_open_account", "outbox", ["account_id", "connector", "available_at"], is_open)
    left = sa.text("left_at IS NOT NULL")
    _index_where("ix_outbox_left_address", "outbox", ["address", "left_at"], left)
    _index_where("ix_outbox_left_account", "outbox", ["account_id", "left_at"], left)
    op.create_index("ix_outbox_state", "outbox", ["state", "created_at"])
    op.create_table(
        "attempt",
        _serial(),
        _name("outbox_id", required=True),
        _count("number", required=True),
        _instant("started_at", required=True),
        _instant("ended_at"),
        _text("answer", required=True),
        _name("result", required=True),
    )
    op.create_index("ix_attempt_outbox_id", "attempt", ["outbox_id"])
    op.create_table(
        "outbox_act",
        _serial(),
        _name("outbox_id", required=True),
        _instant("at", required=True),
        _name("act", required=True),
        _name("by", required=True),
        _name("was", required=True),
        _text("note", required=True),
    )
    op.create_index("ix_outbox_act_outbox_id", "outbox_act", ["outbox_id"])
    op.create_table(
        "suppression",
        _name("email", primary_key=True),
        _name("reason", required=True),
        _instant("since", required=True),
        _name("by"),
        _text("note", required=True),
    )
    op.create_index("ix_suppression_since", "suppression", ["since", "email"])
    _consent()


def _consent() -> None:
    """What people do not want, how that came about, and where it stopped a sequence."""
    op.create_table(
        "opt_out",
        _name("key", primary_key=True),
        _name("topic", primary_key=True),
        _instant("since", required=True),
    )
    op.create_table(
        "consent_change",
        _serial(),
        _instant("at", required=True),
        _name("address", required=True),
        _name("contact_id"),
        _name("account_id"),
        _name("change", required=True),
        _name("topic", required=True),
        _name("how", required=True),
        _name("by"),
        _text("note", required=True),
    )
    op.create_index("ix_consent_change_address", "consent_change", ["address", "at"])
    op.create_index("ix_consent_change_contact", "consent_change", ["contact_id", "at"])
    op.create_table(
        "stopped_sequence",
        _name("run_id", primary_key=True),
        _name("contact_id", primary_key=True),
        _instant("at", required=True),
        _text("why", required=True),
    )
    op.create_table(
        "mail_return",
        _name("id", primary_key=True),
        _name("outbox_id", required=True),
        _name("run_id", required=True),
        _name("contact_id", required=True),
        _name("email", required=True),
        _name("kind", required=True),
        _text("reason", required=True),
        _instant("at", required=True),
    )
    op.create_index("ix_mail_return_outbox_id", "mail_return", ["outbox_id"])
    op.create_index("ix_mail_return_run", "mail_return", ["run_id", "contact_id"])
    op.create_index("ix_mail_return_email", "mail_return", ["email", "kind"])
    op.create_table(
        "inbox_position",
        _name("id", primary_key=True),
        sa.Column("validity", sa.BigInteger, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        _instant("read_at", required=True),
    )


def _service() -> None:
    """What the service needs for itself."""
    op.create_table(
        "tick",
        _serial(),
        _name("schedule", required=True),
        _instant("at", required=True),
        _instant("finished_at"),
        _count("accounts", required=True),
        _count("starts", required=True),
        _count("held", required=True),
        _count("tasks", required=True),
        _count("messages", required=True),
        _count("ended", required=True),
        _float("seconds", required=True),
        sa.UniqueConstraint("schedule", "at"),
    )
    op.create_index("ix_tick_at", "tick", ["at"])
    op.create_table(
        "incident",
        _serial(),
        _instant("at", required=True),
        _name("category", required=True),
        _text("message", required=True),
    )
    op.create_index("ix_incident_at", "incident", ["at"])
    op.create_table(
        "repeatable",
        _name("id", primary_key=True),
        _name("request", required=True),
        _instant("at", required=True),
        sa.Column("status", sa.Integer(), nullable=True),
        _name("content_type", required=True),
        _text("body", required=True),
    )
    op.create_index("ix_repeatable_at", "repeatable", ["at"])
    op.create_table(
        "secret",
        _name("name", primary_key=True),
        _name("value", required=True),
    )


def _sign_in() -> None:
    """Who may use the console and the API."""
    op.create_table(
        "console_user",
        _name("person_id", primary_key=True),
        _name("email", required=True),
        _name("access", required=True),
        _text("password"),
        _instant("password_at"),
        _name("subject"),
        _instant("created_at", required=True),
        _instant("signed_in_at"),
        _instant("disabled_at"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("subject"),
    )
    op.create_table(
        "console_session",
        _name("digest", primary_key=True),
        _name("person_id"),
        _name("token"),
        _name("how", required=True),
        _instant("begun_at", required=True),
        _instant("seen_at", required=True),
        _text("agent", required=True),
    )
    op.create_index("ix_console_session_person_id", "console_session", ["person_id"])
    op.create_index("ix_console_session_token", "console_session", ["token"])
    op.create_table(
        "sign_in_link",
        _name("digest", primary_key=True),
        _name("person_id", required=True),
        _instant("made_at", required=True),
        _instant("ends_at", required=True),
        _instant("used_at"),
    )
    op.create_index("ix_sign_in_link_person_id", "sign_in_link", ["person_id"])
    op.create_table(
        "sign_in_tries",
        _name("key", primary_key=True),
        _count("tries", required=True),
        _instant("since", required=True),
        _instant("locked_until"),
    )
    op.create_table(
        "openid_flow",
        _name("digest", primary_key=True),
        _name("browser", required=True),
        _name("nonce", required=True),
        _name("verifier", required=True),
        _text("leads_to", required=True),
        _instant("begun_at", required=True),
    )
    op.create_table(
        "apitoken",
        _name("digest", primary_key=True),
        _name("name", required=True),
        _name("scopes", required=True),
        _instant("created_at", required=True),
        _name("created_by"),
        _instant("expires_at"),
        _instant("used_at"),
        _instant("revoked_at"),
    )


def _index_where(name: str, table: str, columns: list[str], condition: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _name(name: str, *, required: bool = False, primary_key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, _NAME, nullable=not (required or primary_key), primary_key=primary_key)


def _text(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=not required)


def _fixed(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=not required)


def _instant(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def _flag(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=not required)


def _date(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Date(), nullable=not required)


def _count(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=not required)


def _json(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=not required)


def _float(name: str, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(), nullable=not required)


def _serial() -> sa.Column[Any]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)
