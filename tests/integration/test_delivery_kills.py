"""A deliverer killed at any commit loses nothing, and repeats only what docs/connectors.md says it may."""

import random
import subprocess
import sys
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.outbox.claim import LEASE
from engine.outbox.deliver import deliver_batch
from engine.outbox.entry import close_connectors
from engine.outbox.wiring import open_connectors
from tests.integration.mail_servers import messages_by_id, real_smtp
from tests.integration.outbox_book import NOW, attempts, outbox, seed, settings

ROOT = Path(__file__).parents[2]
ENTRIES = 2
WRITES = 5
"""Of a pass over two entries: recovery, a claim, its answers, one that finds nothing, and that of strays."""

POINTS = list(product(("before", "after"), range(1, WRITES + 1), ("stop", "retry")))
HANDFUL = random.Random(20260302).sample(POINTS, 6)


@pytest.mark.parametrize(("phase", "commit", "on_unknown"), HANDFUL)
def test_killed_deliverer_loses_nothing(
    sqlite_database: Engine, phase: str, commit: int, on_unknown: str
) -> None:
    """A seeded handful of all the points."""
    prove(sqlite_database, phase, commit, on_unknown)


@pytest.mark.parametrize(("phase", "commit", "on_unknown"), [("before", 4, "stop"), ("before", 4, "retry")])
def test_killed_deliverer_loses_nothing_on_postgresql(
    postgresql_database: Engine, phase: str, commit: int, on_unknown: str
) -> None:
    """The point at which answers are outstanding, or have just been noted."""
    prove(postgresql_database, phase, commit, on_unknown)


@pytest.mark.soak
@pytest.mark.parametrize(("phase", "commit", "on_unknown"), POINTS)
def test_killed_deliverer_loses_nothing_anywhere(
    database: Engine, phase: str, commit: int, on_unknown: str
) -> None:
    """Every point, on both databases."""
    prove(database, phase, commit, on_unknown)


def prove(database: Engine, phase: str, commit: int, on_unknown: str) -> None:
    """Kill a deliverer at one point, let another finish, and count what the server received."""
    ids = seed(database, ENTRIES)
    with real_smtp() as (port, handler):
        chosen = settings(port, email={"sender": "s@acme.example", "on_unknown": on_unknown})
        connectors = open_connectors(chosen, database)
        assert run_until_killed(database, port, on_unknown, phase, commit) == -9
        for later in (timedelta(minutes=1), LEASE + timedelta(minutes=2), LEASE + timedelta(minutes=10)):
            deliver_batch(database, connectors, chosen, now=NOW + later, owner="successor")
        close_connectors(connectors)
    received = messages_by_id(handler.contents)
    counts = {each: received.get(f"<{each}@acme.example>", 0) for each in ids}
    lost = {entry for entry, _, result in attempts(database) if result == "lost"}
    states = {each: row.state for each, row in outbox(database).items()}
    assert len(lost) in (0, ENTRIES), "what was claimed together is lost together"
    for each in ids:
        assert_accounted_for(states[each], counts[each], each in lost, on_unknown)


def assert_accounted_for(state: str, count: int, was_lost: bool, on_unknown: str) -> None:
    """What may have become of one entry."""
    if not was_lost:
        assert (state, count) == ("completed", 1)
    elif on_unknown == "stop":
        assert state == "unknown"
        assert count <= 1
    else:
        assert state == "completed"
        assert 1 <= count <= 2


def run_until_killed(database: Engine, port: int, on_unknown: str, phase: str, commit: int) -> int:
    """How the deliverer's process ended."""
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.integration.killed_deliverer", url, str(port)]
    return subprocess.run(
        [*command, on_unknown, phase, str(commit)], cwd=ROOT, check=False, timeout=60
    ).returncode
