"""An outbox full of emails for benchmarks, rendered as a tick renders them, and processes that deliver it."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select

from engine.email_settings import Email
from engine.identity import digest
from engine.outbox.deliver import deliver_batch
from engine.outbox.entry import close_connectors
from engine.outbox.wiring import open_connectors
from engine.permit.unsubscribe import unsubscribe_links
from engine.render.email import LAYOUT, RenderedEmail, compose_email, template_paths
from engine.render.templates import Renderer
from engine.settings import Settings
from engine.state import tables
from engine.state.database import open_database, reading, writing

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""A Monday morning, so that working hours hold nothing back."""
FEW = 5
"""Contacts of an account, below its cap."""
TEMPLATE = "re-engagement-hello"
_AT_ONCE = 500
_OUTBOX: Any = tables.Outbox.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one process has to do."""

    url: str
    port: int
    dkim: dict[str, Any] | None = None
    concurrency: int = 4
    limit: int = 10**6
    """Emails a lane delivers at most."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a piece of work took."""

    seconds: float
    processor_seconds: float
    """Of all processes that did it, without the sink."""
    peak_megabytes: float
    """Of the largest of them."""


def settings(plan: Plan) -> Settings:
    """The caps, hours and arbiter that apply where nobody says otherwise."""
    smtp = {
        "kind": "smtp",
        "host": "127.0.0.1",
        "port": plan.port,
        "security": "none",
        "concurrency": plan.concurrency,
    }
    return Settings(
        connectors={"email": smtp},
        email={"sender": "Acme <success@acme.example>", "dkim": plan.dkim},
        console={"public_url": "https://acme.example"},
    )


def writer(database: Engine) -> Callable[[int], RenderedEmail]:
    """Renders the email of a number with the shipped templates, inlined."""
    paths = [*template_paths(TEMPLATE), LAYOUT]
    renderer = Renderer({path: Path(path).read_text("utf-8") for path in paths if Path(path).exists()})
    links = unsubscribe_links(database, "https://acme.example")
    email = Email()

    def write(number: int) -> RenderedEmail:
        context = {
            "contact": {"id": f"c{number}", "name": f"Kim {number}", "locale": "en"},
            "account": {"id": f"a{number // FEW}", "name": f"Account {number // FEW}"},
            "brand": email.brand,
            "footer": email.footer,
            "unsubscribe_url": links.url(f"c{number}", "product"),
        }
        return compose_email(renderer, TEMPLATE, context, email.look)

    return write


def clear(database: Engine, emails: int) -> None:
    """An open run, and `emails` contacts, five to an account, to whom nothing has been written."""
    with writing(database) as connection:
        for model in (tables.Attempt, tables.Outbox, tables.Contact, tables.Run, tables.Account):
            connection.execute(delete(model))
        accounts = [{"id": f"a{each}", "name": "A", "timezone": "UTC"} for each in range(emails // FEW + 1)]
        connection.execute(insert(tables.Account), accounts)
        connection.execute(insert(tables.Run), [_RUN])
        for first in range(0, emails, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, emails))
            connection.execute(insert(tables.Contact), [_contact(each) for each in numbers])


def fill(database: Engine, numbers: Sequence[int], *, alike: bool = False) -> None:
    """Render an email to each contact and put it into the outbox, some hundred in a transaction.

    With `alike` one is rendered for all, which is quicker where rendering is not what is measured.
    """
    write = writer(database)
    if alike:
        write = _always(write(0))
    for first in range(0, len(numbers), _AT_ONCE):
        rows = [_entry(each, write(each)) for each in numbers[first : first + _AT_ONCE]]
        with writing(database) as connection:
            connection.execute(insert(tables.Outbox), rows)


def _always(email: RenderedEmail) -> Callable[[int], RenderedEmail]:
    return lambda _number: email


def left(database: Engine) -> int:
    """How many emails have not been delivered."""
    with reading(database) as connection:
        query = select(func.count()).where(_OUTBOX.c.state != "completed")
        return int(connection.scalar(query) or 0)


def rendered_by(plan: Plan, processes: int, emails: int) -> Cost:
    """Fill the outbox from so many processes at once."""
    shares = [range(first, emails, processes) for first in range(processes)]
    return _measured([(_fill, (plan.url, share)) for share in shares])


def delivered_by(plan: Plan, processes: int) -> Cost:
    """Deliver what is ready from so many processes at once."""
    return _measured([(_deliver, (plan, number)) for number in range(processes)])


def _measured(works: Sequence[tuple[Any, tuple[Any, ...]]]) -> Cost:
    """From the moment all processes are ready to the last one's end."""
    context = multiprocessing.get_context("spawn")
    ready, go, costs = context.Semaphore(0), context.Event(), context.Queue()
    processes = [context.Process(target=work, args=(*given, ready, go, costs)) for work, given in works]
    for each in processes:
        each.start()
    for _ in processes:
        ready.acquire()
    began = time.perf_counter()
    go.set()
    found = [costs.get(timeout=600) for _ in processes]
    seconds = time.perf_counter() - began
    for each in processes:
        each.join()
    return Cost(seconds, sum(each[0] for each in found), max(each[1] for each in found))


def _fill(url: str, numbers: Sequence[int], ready: Any, go: Any, costs: Any) -> None:
    database = open_database(url)
    writer(database)(0)
    _timed(lambda: fill(database, numbers), ready, go, costs)
    database.dispose()


def _deliver(plan: Plan, number: int, ready: Any, go: Any, costs: Any) -> None:
    database, chosen = open_database(plan.url), settings(plan)
    connectors = open_connectors(chosen, database)
    chosen.email_leaves(NOW, ("UTC",), None, None)  # the holidays of the world are loaded once

    def work() -> None:
        owner = f"bench {number}"
        while (
            deliver_batch(database, connectors, chosen, now=NOW, owner=owner, limit=plan.limit).handled
            and plan.limit >= 10**6
        ):
            pass

    _timed(work, ready, go, costs)
    close_connectors(connectors)
    database.dispose()


def _timed(work: Callable[[], None], ready: Any, go: Any, costs: Any) -> None:
    ready.release()
    go.wait()
    before = os.times()
    work()
    after = os.times()
    spent = after.user + after.system - before.user - before.system
    costs.put((spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


_RUN = {
    "id": "r",
    "account_id": "a0",
    "playbook": "p",
    "version": "v",
    "kind": "account",
    "subject_id": "a",
    "key": "",
    "generation": 1,
    "state": "open",
    "started_at": NOW,
    "reason": "",
}


def _contact(number: int) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "account_id": f"a{number // FEW}",
        "email": f"c{number}@x.example",
        "status": "active",
        "consent": "granted",
    }


def _entry(number: int, email: RenderedEmail) -> dict[str, Any]:
    return {
        "id": digest("bench", str(number)),
        "run_id": "r",
        "account_id": f"a{number // FEW}",
        "playbook": "p",
        "step": "s",
        "contact_id": f"c{number}",
        "connector": "email",
        "recipient": f"c{number}@x.example",
        "address": f"c{number}@x.example",
        "priority": 50,
        "topic": "product",
        "subject": email.subject,
        "payload": {"html": email.html, "text": email.text},
        "state": "available",
        "available_at": NOW - timedelta(minutes=1),
        "attempts": 0,
        "created_at": NOW,
    }
