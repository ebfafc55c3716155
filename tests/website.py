"""A seeded service and a browser without a network, for tests of the API and the console."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine

from engine.api.service import Service
from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.conditions.tree import Group, Predicate
from engine.console.session import COOKIE
from engine.explain import explanations
from engine.explanation.document import Explanation
from engine.rulebook import Library
from engine.rulefile.load import Rules
from engine.rulefile.model import (
    AfterTiming,
    DayTiming,
    EmailAction,
    Escalation,
    Exit,
    Moment,
    Playbook,
    Step,
    TaskAction,
)
from engine.settings import Settings
from engine.state.database import reading
from engine.users.access import Access
from engine.users.sessions import How, Lasting, begin_session
from engine.users.users import add_user, user_of
from tests.website_book import NOW


@dataclass
class Watcher:
    """What the service was asked to do."""

    wakes: int = 0
    released: list[tuple[list[str], str]] = field(default_factory=list)

    def wake(self) -> None:
        """Count."""
        self.wakes += 1

    def release(self, holds: Sequence[str], by: str) -> int:
        """Note."""
        self.released.append((list(holds), by))
        return len(holds)


def make_service(engine: Engine, watcher: Watcher | None = None, **overrides: Any) -> Service:
    """A service over a database, standing still at NOW."""
    seen = watcher or Watcher()

    def told(name: str, account: str | None, subject: str | None, at: datetime) -> list[Explanation]:
        library = Library(Settings(rules=Path("/nowhere")), BUILT_IN, engine)
        library.use(Rules((AT_RISK,), {AT_RISK.name: {}}, ()))
        return explanations(engine, library, name, at, account=account, subject=subject)

    parts: dict[str, Any] = {
        "database": engine,
        "settings": Settings(),
        "catalogue": BUILT_IN,
        "wake": seen.wake,
        "now": lambda: NOW,
        "playbooks": lambda: (AT_RISK,),
        "problems": lambda: (),
        "status": lambda: {"scheduler_alive": True, "last_tick_at": NOW},
        "explanations": told,
        "release": seen.release,
    }
    return Service(**{**parts, **overrides})


class _InProcess(httpx.BaseTransport):
    """Hands requests to the application, without a network and without raising its errors."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Run the application on one request."""

        whole = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())

        async def answer() -> httpx.Response:
            response = await self._transport.handle_async_request(whole)
            await response.aread()
            return response

        response = asyncio.run(answer())
        return httpx.Response(response.status_code, headers=response.headers, content=response.content)


def visit(app: FastAPI, token: str | None = None) -> httpx.Client:
    """A client of the application; with a token, one that sends it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(transport=_InProcess(app), base_url="http://tminus.example", headers=headers)


def sign_in(
    app: FastAPI, database: Engine, access: Access, person_id: str | None = None, how: How = "password"
) -> httpx.Client:
    """A browser in which somebody of that access is signed in: the person of that id, or a new one."""
    with reading(database) as connection:
        known = user_of(connection, person_id or f"{access}@ours.example")
    if known is None:
        email = f"{person_id or access}@ours.example"
        known = add_user(database, email, access, NOW, name=f"The {access}", person_id=person_id)
    lasting = Lasting(timedelta(days=1), timedelta(days=14))
    cookie = begin_session(database, NOW, lasting, how, person_id=known.person_id)
    client = visit(app)
    client.cookies.set(COOKIE, cookie)
    return client


def csrf_of(browser: httpx.Client, page: str = "/you") -> str:
    """What a form on the page carries."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', browser.get(page).text)
    assert found
    return found[1]


def _health(operator: str, value: int, path: str, recovers_at: int | None = None) -> Predicate:
    recovers = None if recovers_at is None else Decimal(recovers_at)
    return Predicate(operator, path, BUILT_IN.get("account.health"), Decimal(value), recovers_at=recovers)


AT_RISK = Playbook(
    name="at-risk",
    title="At-risk recovery",
    owner="cs-director",
    subject=Kind.ACCOUNT,
    file="rules/at-risk.yaml",
    version="v1",
    priority=90,
    audience=Predicate("in", "audience", BUILT_IN.get("account.segment"), ("high_touch", "low_touch")),
    when=_health("drops_below", 40, "when", 50),
    on=(Moment(Predicate("event", "on[0]", event="cancel_requested"), None),),
    steps=(
        Step(
            "outreach",
            DayTiming(Duration(1, "d")),
            TaskAction("csm", "Call {{ account.name }}", None, Duration(1, "bd"), ("reached", "no_response")),
            escalate=Escalation(Duration(2, "bd"), "csm_manager"),
        ),
        Step(
            "executive",
            AfterTiming("outreach", Duration(2, "bd")),
            TaskAction("csm_manager", "Executive outreach", None, Duration(1, "bd"), ()),
            condition=Group(
                "any",
                (
                    Predicate("step_is", "steps[1].if.any[0]", step="outreach", value="open"),
                    Predicate("step_outcome", "steps[1].if.any[1]", step="outreach", value="no_response"),
                ),
                "steps[1].if",
            ),
        ),
        Step("note", DayTiming(Duration(2, "bd")), EmailAction(("champion", "any"), "sorry", "care")),
    ),
    exits=(Exit("recovered", _health("at_least", 60, "exit[0].when"), timedelta(days=7)),),
)
