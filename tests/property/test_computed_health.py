"""Computed health is the same however often the service looks, on either database."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, select

from engine.clock.zones import format_instant
from engine.state import tables
from engine.state.database import reading
from tests.builders import START, Company, Fresh, account, company, difference
from tests.histories import DAY, HOUR, MINUTE, PLAYBOOKS, History, at_random, every, play, random_history

HEALTH: dict[str, Any] = {
    "components": {
        "adoption": {"field": "account.adoption", "steps": {0: 0, 15: 40, 30: 75, 60: 100}},
        "activity": {"days_since": "account.last_active_at", "steps": {0: 100, 2: 60, 5: 20, 9: 0}},
        "tickets": {"field": "account.open_tickets", "steps": {0: 100, 2: 45, 4: 0}},
        "stage": {"field": "account.stage", "values": {"onboarding": 30, "churned": 0}},
    },
    "weights": {
        "high_touch": {"adoption": 10, "activity": 60, "tickets": 30},
        "default": {"adoption": 40, "activity": 30, "tickets": 20, "stage": 10},
    },
    "min_known": 30,
}
CROSSING = """
playbook: crossing
title: A crossing
owner: cs
subject: account
on:
  - {field: account.health, crosses: [30, 50], direction: down, once: never, take: each}
  - {field: account.segment, changes: true}
steps:
  - {id: note, day: 0, message: {via: slack, to: "#health", template: note}}
"""


def history_with_components(seed: int) -> History:
    """A random history in which sources give health now and then, and what it is made of often."""
    random, found = Random(seed), random_history(seed)
    for name in found.accounts:
        since = min((when for when, given in found.inputs if given.account_id == name), default=START)
        since = since if name == found.accounts[-1] else START
        for _ in range(2 * found.days):
            when = since + timedelta(
                seconds=random.randint(3600, int((found.end - since).total_seconds()) - 1)
            )
            late = random.choice((timedelta(0), timedelta(0), 2 * HOUR, 3 * DAY))
            values: dict[str, Any] = random.choice(
                (
                    {"last_active_at": when},
                    {"last_active_at": when - random.randint(0, 9) * DAY},
                    {"last_active_at": None},
                    {"open_tickets": random.choice((0, 1, 2, 4, None))},
                    {"adoption": random.choice((5, 20, 40, 90, None))},
                    {"segment": random.choice(("high_touch", "tech_touch", None))},
                    {"health": None},
                )
            )
            found.inputs.append((when + late, account(when, name, recorded=when + late, **values)))
    found.inputs.sort(key=lambda each: each[0])
    return found


def played(mine: Company, history: History, ticks: Iterable[datetime]) -> str:
    """The ledger, what health came to be, and of what it was made."""
    return play(mine, history, ticks) + _healths(mine.database)


def _healths(database: Engine) -> str:
    """The history of health as folds read it, by account."""
    change: Any = tables.Change.__table__  # type: ignore[attr-defined]
    score: Any = tables.HealthScoreRow.__table__  # type: ignore[attr-defined]
    names = ("subject_id", "applies_at", "effective_at", "field", "old", "new")
    query = select(*(change.c[name] for name in names)).where(
        change.c.field.in_(("health", "given_health")), change.c.superseded.is_(False)
    )
    order = (change.c.subject_id, change.c.applies_at, change.c.effective_at, change.c.field, change.c.id)
    with reading(database) as connection:
        rows = [tuple(row) for row in connection.execute(query.order_by(*order))]
        rows += [
            (row.account_id, row.at, row.score, str(row.parts))
            for row in connection.execute(select(score).order_by(score.c.account_id, score.c.at))
        ]
    return "\n".join(
        " ".join(format_instant(each) if isinstance(each, datetime) else str(each) for each in row)
        for row in rows
    )


def scored(database: Engine, folder: Path) -> Company:
    """Every kind of playbook over accounts whose health is computed."""
    return company(database, folder, (*PLAYBOOKS, CROSSING), health=HEALTH)


@pytest.mark.parametrize("seed", [500])
def test_ticks_at_any_times_give_the_same_health(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """Once at the end, every day, at odd times: scores, parts and all that follows are equal."""
    history = history_with_components(seed)
    once = played(scored(fresh(), tmp_path), history, [])
    assert difference(once, played(scored(fresh(), tmp_path), history, every(DAY, history))) == []
    assert difference(once, played(scored(fresh(), tmp_path), history, at_random(seed, history, 30))) == []


def test_databases_give_the_same_health(fresh: Fresh, postgresql_database: Engine, tmp_path: Path) -> None:
    """SQLite ticked once and PostgreSQL ticked every day."""
    history = history_with_components(510)
    once = played(scored(fresh(), tmp_path), history, [])
    assert difference(once, played(scored(postgresql_database, tmp_path), history, every(DAY, history))) == []


def test_forcing_every_account_computes_nothing_more(fresh: Fresh, tmp_path: Path) -> None:
    """A look at an account of which nothing is due finds its health as it is."""
    history = history_with_components(520)
    mine = scored(fresh(), tmp_path)
    before = played(mine, history, every(DAY, history))
    mine.ask_all(history.end)
    mine.tick(history.end)
    assert difference(before, mine.ledger() + _healths(mine.database)) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(600, 660))
def test_many_histories_give_the_same_health(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """More of the above."""
    history = history_with_components(seed)
    once = played(scored(fresh(), tmp_path), history, [])
    assert difference(once, played(scored(fresh(), tmp_path), history, at_random(seed, history, 60))) == []


@pytest.mark.soak
def test_ticks_every_minute_give_the_same_health(fresh: Fresh, tmp_path: Path) -> None:
    """The service as it runs."""
    history = history_with_components(700)
    once = played(scored(fresh(), tmp_path), history, [])
    assert difference(once, played(scored(fresh(), tmp_path), history, every(10 * MINUTE, history))) == []
