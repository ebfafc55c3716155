"""A small book for tests of the API and the console: accounts, tasks of every urgency, mail and history."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, insert
from sqlmodel import SQLModel

from engine.state import tables
from engine.state.database import writing
from engine.state.places import place_accounts, place_tasks

NOW = datetime(2026, 1, 28, 10, 0, tzinfo=UTC)
"""A Wednesday."""

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'{{7*7}} ${x} \u202eevil"
"""An account's name that must be shown and never obeyed."""


def put(database: Engine, *rows: SQLModel) -> None:
    """Insert rows as they are."""
    alike: dict[tuple[type[SQLModel], frozenset[str]], list[dict[str, Any]]] = {}
    for row in rows:
        values = row.model_dump(exclude_none=True)
        alike.setdefault((type(row), frozenset(values)), []).append(values)
    with writing(database) as connection:
        for (table, _), found in alike.items():
            connection.execute(insert(table), found)
        place_tasks(connection, [row.id for row in rows if isinstance(row, tables.Task)])
        place_accounts(connection, [row.id for row in rows if isinstance(row, tables.Account)])


def account(account_id: str, name: str, **values: Any) -> list[SQLModel]:
    """An account and its watch row."""
    return [
        tables.Account(id=account_id, name=name, **values),
        tables.Watch(account_id=account_id, revision=1, evaluated_revision=1, due_at=NOW + timedelta(days=9)),
    ]


def task(task_id: str, **values: Any) -> tables.Task:
    """An open task of Acme's at-risk run, due tomorrow, with defaults for everything."""
    defaults: dict[str, Any] = {
        "run_id": "run-1",
        "account_id": "acme",
        "kind": "account",
        "subject_id": "acme",
        "playbook": "at-risk",
        "step": "outreach",
        "title": f"Task {task_id}",
        "body": "",
        "role": "csm",
        "assignee": "dana",
        "priority": 90,
        "state": "open",
        "outcomes": None,
        "due_on": date(2026, 1, 29),
        "due_at": NOW + timedelta(days=1),
        "created_at": NOW - timedelta(hours=2),
        "reason": "health is 35 (dropped below 40)",
    }
    return tables.Task(id=task_id, **{**defaults, **values})


def seed(database: Engine) -> None:
    """Two people, four accounts, a run with steps, tasks of every urgency, mail, a hold and history."""
    put(
        database,
        tables.Person(id="dana", name="Dana Whitfield", role="csm", timezone="Europe/Berlin"),
        tables.Person(id="omar", name="Omar Haddad", role="csm_manager", timezone="America/New_York"),
        *account(
            "acme",
            "Acme Manufacturing",
            segment="high_touch",
            stage="active",
            arr=Decimal(124000),
            health=Decimal(35),
            usage=Decimal(812),
            usage_limit=Decimal(1000),
            plan="enterprise",
            csm="dana",
            renews_on=date(2026, 4, 28),
            timezone="Europe/Berlin",
            last_active_at=NOW - timedelta(days=3),
        ),
        *account(
            "globex", "Globex Freight", segment="low_touch", stage="active", health=Decimal(72), csm="omar"
        ),
        *account("hostile", HOSTILE, segment="tech_touch"),
        *account("a/b c?d", "Slash & Query"),
    )
    put(database, *_work(), *_past())


def _work() -> list[SQLModel]:
    call = ["reached", "no_response"]
    return [
        task(
            "t-late",
            title="Call Priya about the health drop at Acme",
            outcomes=call,
            due_on=date(2026, 1, 27),
            due_at=NOW - timedelta(hours=17),
            body="Before the call:\n- read the tickets\n- check https://status.example\n\nAsk what changed.",
        ),
        task(
            "t-today",
            title="Send the recovery plan",
            step="plan",
            due_on=date(2026, 1, 28),
            due_at=NOW + timedelta(hours=6),
        ),
        task(
            "t-week",
            title="Review adoption with the technical owner",
            step="review",
            priority=50,
            due_on=date(2026, 1, 30),
            due_at=NOW + timedelta(days=2),
        ),
        task(
            "t-later",
            title="Health review and forecast",
            playbook="renewal-high-touch",
            step="review",
            account_id="globex",
            subject_id="globex",
            priority=60,
            due_on=date(2026, 2, 12),
            due_at=NOW + timedelta(days=15),
            reason="renewal is 120 days away (at most 120)",
        ),
        task(
            "t-resting",
            title="Ask for a reference",
            step="reference",
            priority=20,
            snoozed_until=NOW + timedelta(days=5),
        ),
        task(
            "t-hostile",
            account_id="hostile",
            subject_id="hostile",
            title=f"Call {HOSTILE}",
            reason=f"name is {HOSTILE}",
            body=HOSTILE,
            outcomes=["<b>bold</b>", "no"],
            assignee="omar",
        ),
        task(
            "t-team",
            assignee="team:cs_pool",
            role="cs_pool",
            account_id="globex",
            subject_id="globex",
            title="Welcome the new admin",
        ),
        task("t-done", state="done", outcome="reached", closed_at=NOW - timedelta(hours=1), closed_by="dana"),
    ]


def _past() -> list[SQLModel]:
    week_ago = NOW - timedelta(days=7)
    html = '<p style="color:#123456">Hello <b>Priya</b></p><script>document.title="owned"</script>'
    return [
        tables.Contact(
            id="c1",
            account_id="acme",
            name="Priya Raman",
            email="priya@acme.example",
            role="champion",
            status="active",
            title="Head of Operations",
        ),
        tables.Subscription(
            id="s1",
            account_id="acme",
            plan="enterprise",
            status="active",
            started_on=date(2025, 4, 28),
            renews_on=date(2026, 4, 28),
            seats=Decimal(80),
            seats_used=Decimal(61),
            arr=Decimal(124000),
        ),
        tables.Ticket(
            id="k1",
            account_id="acme",
            subject="Export fails for large files",
            priority="high",
            status="open",
            escalated=True,
            opened_at=week_ago,
        ),
        tables.Metric(id="acme:logins_30d", account_id="acme", name="logins_30d", value=Decimal(12)),
        tables.Run(
            id="run-1",
            account_id="acme",
            playbook="at-risk",
            version="v1",
            kind="account",
            subject_id="acme",
            started_at=NOW - timedelta(days=2),
            reason="health is 35 (dropped below 40)",
        ),
        tables.Run(
            id="run-0",
            account_id="acme",
            playbook="at-risk",
            version="v1",
            kind="account",
            subject_id="acme",
            state="ended",
            outcome="recovered",
            started_at=NOW - timedelta(days=90),
            ended_at=NOW - timedelta(days=70),
            generation=2,
        ),
        tables.StepRow(
            id="st-1",
            run_id="run-1",
            account_id="acme",
            step="outreach",
            state="open",
            due_on=date(2026, 1, 27),
            acted_at=NOW - timedelta(days=1),
        ),
        tables.StepRow(
            id="st-2",
            run_id="run-1",
            account_id="acme",
            step="executive",
            state="waiting",
            due_on=date(2026, 1, 30),
        ),
        tables.Change(
            account_id="acme",
            kind="account",
            subject_id="acme",
            field="exists",
            new="true",
            effective_at=week_ago,
            recorded_at=week_ago,
            applies_at=week_ago,
            revision=1,
        ),
        tables.Change(
            account_id="acme",
            kind="account",
            subject_id="acme",
            field="health",
            old="45",
            new="35",
            effective_at=NOW - timedelta(days=2),
            recorded_at=NOW - timedelta(days=2),
            applies_at=NOW - timedelta(days=2),
            revision=1,
        ),
        tables.Event(
            id="e1",
            account_id="acme",
            name="cancel_requested",
            occurred_at=NOW - timedelta(days=1),
            recorded_at=NOW - timedelta(days=1),
            applies_at=NOW - timedelta(days=1),
            revision=1,
        ),
        tables.Decision(
            account_id="acme",
            playbook="at-risk",
            kind="account",
            subject_id="acme",
            at=NOW - timedelta(days=2),
            answer="fired",
            reason="health is 35 (dropped below 40)",
            run_id="run-1",
        ),
        tables.Outbox(
            id="o1",
            run_id="run-1",
            account_id="acme",
            playbook="at-risk",
            step="note",
            contact_id="c1",
            connector="email",
            recipient="priya@acme.example",
            subject=f"Hello {HOSTILE}",
            payload={"html": html, "text": "Hello Priya"},
            state="completed",
            available_at=week_ago,
            created_at=week_ago,
            finished_at=week_ago,
            attempts=1,
            receipt="250 ok",
        ),
        tables.Outbox(
            id="o2",
            run_id="run-1",
            account_id="acme",
            playbook="at-risk",
            step="wins",
            connector="slack",
            recipient="#cs-wins",
            payload={"text": "Recovered"},
            state="discarded",
            available_at=NOW,
            created_at=NOW,
            attempts=8,
            error="the hook answered 404",
        ),
        tables.Attempt(
            outbox_id="o1",
            number=1,
            started_at=week_ago,
            ended_at=week_ago,
            answer="250 ok",
            result="delivered",
        ),
        tables.Hold(
            id="h1",
            playbook="at-risk",
            at=NOW - timedelta(hours=3),
            size=41,
            reason="41 starts within an hour; the guard allows 25",
        ),
        tables.Rulebook(playbook="at-risk", version="v1", live_since=week_ago, changed_at=week_ago),
    ]
