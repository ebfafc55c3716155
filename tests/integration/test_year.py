"""Every kind of rule, over a year in many time zones, does what a second, plain reading of it says."""

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from engine.conditions.catalogue import Kind
from engine.state import tables
from tests.almanac import DAY, HOUR
from tests.builders import Company, account, company, entry, happening
from tests.lives import BEGIN, Life, lives, ticks_at
from tests.state_readings import Did
from tests.year import KINDS, playbooks

Deeds = dict[tuple[str, str], list[Did]]
"""By playbook and account, in order of time."""


def tell(mine: Company, life: Life) -> None:
    """Enter the whole life of an account, with the instants at which it becomes known."""
    mine.take(
        account(
            BEGIN - 40 * DAY, life.name, name=life.name, csm="dana", timezone=life.zone, country=life.country,
            customer_since=life.since, plan="pro",
        ),
        entry(
            Kind.CONTACT, f"{life.name}-kim", BEGIN - 40 * DAY, life.name, name="Kim", email="kim@a.example"
        ),
        account(life.valued, life.name, first_value_at=life.valued),
        *(account(at, life.name, health=value) for at, value in life.health),
        *(account(at, life.name, renews_on=value) for at, value in life.renewals),
        *(happening("login", at, life.name) for at in life.logins),
        *(happening("spike", at, life.name) for at in life.spikes),
        *(happening("kick", at, life.name) for at in life.kicks),
    )  # fmt: skip


def done(mine: Company) -> Deeds:
    """What the engine did."""
    found: Deeds = defaultdict(list)
    runs = {each.id: each for each in mine.runs()}
    for run in runs.values():
        found[run.playbook, run.account_id].append(("start", run.started_at))
        if run.outcome == "fine":
            found[run.playbook, run.account_id].append(("end", run.ended_at))
    for step in mine.rows(tables.StepRow):
        place = (runs[step.run_id].playbook, step.account_id)
        if step.acted_at is not None:
            found[place].append((step.step, step.acted_at))
        elif step.state == "skipped":
            found[place].append((f"{step.step} skipped", step.settled_at))
    for task in mine.tasks(playbook="worked"):
        place = (task.playbook, task.account_id)
        found[place].append((f"{task.step} due {task.due_on}", task.created_at))
        found[place].append((f"{task.step} due at {task.due_at.isoformat()}", task.created_at))
        if task.escalated_at is not None:
            found[place].append((f"{task.step} escalated", task.escalated_at))
    return found


def compare(seed: int, mean: timedelta, database: Engine, folder: Path) -> None:
    """Live through the year with ticks about so far apart, and hold every deed against the plain reading."""
    random = Random(seed)
    people, ticks = lives(random), ticks_at(random, mean)
    mine = company(database, folder, playbooks())
    for life in people:
        tell(mine, life)
    for tick in [BEGIN, *ticks]:
        mine.tick(tick)
    found = done(mine)
    for name, (_, oracle) in KINDS.items():
        for life in people:
            wanted = sorted(oracle(life, ticks), key=lambda each: (each[1], each[0]))
            actual = sorted(
                (each for each in found[name, life.name] if (name, each[0]) != ("spoiled", "task")),
                key=lambda each: (each[1], each[0]),
            )
            assert actual == wanted, (seed, name, life.zone)


@pytest.mark.timeout(300)
def test_year_is_what_the_calendar_says(sqlite_database: Engine, tmp_path: Path) -> None:
    """From December 2027 into January 2029: two turns of the year, a leap day, every change of clocks."""
    compare(1, 10 * DAY, sqlite_database, tmp_path)


@pytest.mark.parametrize("kind", list(KINDS))
def test_year_gives_each_kind_of_rule_something_to_do(kind: str) -> None:
    """No kind is proved by nothing having happened."""
    random = Random(1)
    people, ticks = lives(random), ticks_at(random, 4 * DAY)
    assert sum(len(list(KINDS[kind][1](life, ticks))) for life in people) >= 10


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(50))
def test_years_are_what_the_calendar_says(seed: int, sqlite_database: Engine, tmp_path: Path) -> None:
    """More lives, with other ticks."""
    compare(100 + seed, Random(seed).choice((6 * HOUR, DAY, 4 * DAY, 15 * DAY)), sqlite_database, tmp_path)


@pytest.mark.soak
def test_year_on_the_other_database(postgresql_database: Engine, tmp_path: Path) -> None:
    """The same there."""
    compare(2, 4 * DAY, postgresql_database, tmp_path)
