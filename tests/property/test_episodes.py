"""Episodes and starts of random histories against a second, plain reading of what they should be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from tests.builders import START, account, company
from tests.histories import DAY, HOUR

Health = Sequence[tuple[datetime, int | None]]
Stretch = tuple[datetime, datetime | None]

END = START + 30 * DAY
ACCOUNTS = 40

TEXT = """
playbook: {name}
title: A playbook
owner: cs
subject: account
when: {{field: account.health, {when}}}
guard: {{max_starts: 100000, within: 1h}}
{more}
steps:
  - {{id: note, day: 0, message: {{via: slack, to: "#all", template: note}}}}
"""
PLAYBOOKS = {
    "plain": TEXT.format(name="plain", when="below: 40", more=""),
    "latched": TEXT.format(name="latched", when="drops_below: 40, recovers_at: 50", more=""),
    "waiting": TEXT.format(name="waiting", when="below: 40", more="for: 1d"),
    "resting": TEXT.format(name="resting", when="below: 40", more="cooldown: 3d"),
    "strict": TEXT.format(name="strict", when="below: 40", more='on_missing: "false"'),
    "wary": TEXT.format(name="wary", when="below: 40", more='on_missing: "true"'),
}


def random_health(random: Random) -> Health:
    """Changes of one account's health at different instants, unknown now and then; healthy to begin with."""
    instants = sorted({START + random.randint(1, 29 * 24) * HOUR for _ in range(random.randint(1, 14))})
    values = (10, 35, 39, 40, 45, 49, 50, 60, 80, None)
    return [(START - DAY, 70), *((each, random.choice(values)) for each in instants)]


def verdicts(name: str, health: Health) -> list[tuple[datetime, bool | None]]:
    """Whether the state holds, from each instant on."""
    found: list[tuple[datetime, bool | None]] = []
    latched = False
    for at, value in health:
        if value is None:
            found.append((at, {"strict": False, "wary": True}.get(name)))
            continue
        latched = value < 40 or (latched and value < 50)
        found.append((at, latched if name == "latched" else value < 40))
    return found


def stretches(name: str, health: Health) -> list[Stretch]:
    """Where the state holds, from beginning to end; not knowing changes nothing."""
    found: list[Stretch] = []
    since: datetime | None = None
    for at, verdict in verdicts(name, health):
        if verdict and since is None:
            since = at
        elif verdict is False and since is not None:
            found.append((since, at))
            since = None
    return found if since is None else [*found, (since, None)]


def expected_starts(name: str, health: Health) -> list[datetime]:
    """When runs start; each ends with the message that is all it does."""
    starts: list[datetime] = []
    ended = START - 30 * DAY
    inputs = {at for at, _ in health}
    for since, until in stretches(name, health):
        start = since
        if name == "waiting":
            start = _known_after(name, health, since + DAY)
        if name == "resting":
            start = max(since, _known_after(name, health, ended + 3 * DAY, since))
        if start <= END and (until is None or start < until):
            starts.append(start)
            ended = start if start in inputs else _in_working_hours(start)
    return starts


def _in_working_hours(at: datetime) -> datetime:
    """What no input causes waits for eight in the morning; work ends at six."""
    if at.hour < 8:
        return at.replace(hour=8)
    return at if at.hour < 18 else at.replace(hour=8) + DAY


def _known_after(name: str, health: Health, at: datetime, since: datetime | None = None) -> datetime:
    """The first instant from `at` on at which the verdict is known: an unknown one opens nothing."""
    if since is not None and at <= since:
        return at
    known = at
    verdict: bool | None = None
    for instant, found in verdicts(name, health):
        if instant <= at:
            verdict = found
        elif verdict is None:
            known, verdict = instant, found
    return END + DAY if verdict is None else known


@pytest.mark.parametrize("seed", range(2))
def test_episodes_and_starts_are_those_of_the_plain_reading(
    seed: int, sqlite_database: Engine, tmp_path: Path
) -> None:
    """Each stretch is one episode with its own times, and starts once, when nothing stands in its way."""
    compare(seed, sqlite_database, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1150))
def test_many_more_are_those_of_the_plain_reading(seed: int, sqlite_database: Engine, tmp_path: Path) -> None:
    """More of the above."""
    compare(seed, sqlite_database, tmp_path)


def compare(seed: int, database: Engine, folder: Path) -> None:
    """Play forty random accounts and hold each against its plain reading."""
    random = Random(seed)
    book = {f"a{index:02d}": random_health(random) for index in range(ACCOUNTS)}
    mine = company(database, folder, list(PLAYBOOKS.values()))
    mine.take(*(account(at, name, health=value) for name, health in book.items() for at, value in health))
    for instant in sorted({START, END, *(START + timedelta(hours=random.randint(1, 700)) for _ in range(3))}):
        mine.tick(instant)
    for playbook in PLAYBOOKS:
        for name, health in book.items():
            episodes = mine.episodes(playbook=playbook, account_id=name)
            found = [(each.since, each.resolved_at) for each in episodes]
            assert found == stretches(playbook, health), (playbook, health)
            runs = mine.runs(playbook=playbook, account_id=name)
            assert [each.started_at for each in runs] == expected_starts(playbook, health), (playbook, health)
