"""A process that ticks and delivers, killed at random moments, loses nothing and repeats nothing unnamed."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.state.database import open_database, reading
from engine.state.migrate import migrated
from engine.state.tables import Attempt, Outbox, Task
from tests.integration.mail_servers import messages_by_id, real_smtp

ROOT = Path(__file__).parents[2]
MANY = 100
"""Of so many kills at random moments some hit a delivery, however fast the machine."""


@pytest.mark.parametrize(("on_unknown", "kills", "seed"), [("stop", 13, 1), ("retry", 12, 2)])
def test_killed_service_loses_and_repeats_nothing(
    tmp_path: Path, on_unknown: str, kills: int, seed: int
) -> None:
    """Twenty-five moments."""
    prove(f"sqlite:///{tmp_path}/t.db", tmp_path, on_unknown, 150, kills, seed)


@pytest.mark.soak
@pytest.mark.parametrize(("on_unknown", "seed"), [("stop", 3), ("retry", 4)])
def test_killed_service_loses_and_repeats_nothing_at_length(
    tmp_path: Path, on_unknown: str, seed: int
) -> None:
    """Five hundred moments of a run of 5,000 emails and as many tasks."""
    prove(f"sqlite:///{tmp_path}/t.db", tmp_path, on_unknown, 5000, 500, seed)


@pytest.mark.soak
@pytest.mark.parametrize(("on_unknown", "seed"), [("stop", 5), ("retry", 6)])
def test_killed_service_loses_and_repeats_nothing_on_postgresql(
    postgresql_url: str, tmp_path: Path, on_unknown: str, seed: int
) -> None:
    """The same, where writers do not wait for one another."""
    prove(postgresql_url, tmp_path, on_unknown, 5000, 500, seed)


def prove(url: str, folder: Path, on_unknown: str, accounts: int, kills: int, seed: int) -> None:
    """Kill, finish, and count what the server received against the ledger."""
    migrated(url).dispose()
    with real_smtp() as (port, handler):
        handler.pause = 0.1
        given = [url, str(folder), str(port), on_unknown, str(accounts), str(kills), str(seed)]
        command = [sys.executable, "-m", "tests.integration.killed_service", *given]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"hit": kills}, "every life ends by a kill"
    entries, tasks, tries = _ledger(url)
    print(json.dumps(_figures(entries, tasks, tries, len(handler.contents)) | {"kills": kills}))
    received = messages_by_id(handler.contents)
    assert len(tasks) == len(entries) == accounts
    assert set(Counter(tasks).values()) == {1}
    lost = Counter(entry for entry, result in tries if result == "lost")
    assert lost or kills < MANY, "some kill hit a try"
    for each, state in entries.items():
        count = received.pop(f"<{each}@acme.example>", 0)
        check(each, state, count, lost[each], on_unknown)
    assert not received, "nothing came that nobody had planned"


def _figures(
    entries: dict[str, str], tasks: list[str], tries: list[tuple[str, str]], received: int
) -> dict[str, Any]:
    """What pytest shows of a run with -s: the ledger's count beside the sink's."""
    return {
        "tasks": len(tasks),
        "emails": dict(Counter(entries.values())),
        "tries": dict(Counter(result for _, result in tries)),
        "received": received,
    }


def check(entry: str, state: str, count: int, lost: int, on_unknown: str) -> None:
    """What may have become of one email whose tries were lost so often."""
    if not lost:
        assert (state, count) == ("completed", 1), entry
    elif on_unknown == "stop":
        assert (state, count) in {("unknown", 0), ("unknown", 1)}, entry
    else:
        assert state == "completed", entry
        assert 1 <= count <= 1 + lost, entry


def _ledger(url: str) -> tuple[dict[str, str], list[str], list[tuple[str, str]]]:
    database: Any = open_database(url)
    with reading(database) as connection:
        entries = {row.id: row.state for row in connection.execute(select(Outbox.id, Outbox.state))}
        tasks = list(connection.scalars(select(Task.account_id)))
        tries = [(row[0], row[1]) for row in connection.execute(select(Attempt.outbox_id, Attempt.result))]
    database.dispose()
    return entries, tasks, tries
