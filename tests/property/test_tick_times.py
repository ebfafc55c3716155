"""Answers do not depend on when ticks happen, nor on the database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.builders import Fresh, company, difference
from tests.histories import DAY, HOUR, MINUTE, PLAYBOOKS, at_random, every, play, random_history


@pytest.mark.parametrize("seed", range(2))
def test_ticks_at_any_times_give_the_same_ledger(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """Once at the end, every day, at odd times: equal byte for byte."""
    history = random_history(seed)
    once = play(company(fresh(), tmp_path, PLAYBOOKS), history, [])
    assert difference(once, play(company(fresh(), tmp_path, PLAYBOOKS), history, every(DAY, history))) == []
    assert (
        difference(once, play(company(fresh(), tmp_path, PLAYBOOKS), history, at_random(seed, history, 30)))
        == []
    )


def test_ticks_every_few_hours_give_the_same_ledger(fresh: Fresh, tmp_path: Path) -> None:
    """The pace of a service that rests a while between ticks."""
    history = random_history(100)
    once = play(company(fresh(), tmp_path, PLAYBOOKS), history, [])
    assert (
        difference(once, play(company(fresh(), tmp_path, PLAYBOOKS), history, every(4 * HOUR, history))) == []
    )


@pytest.mark.parametrize("seed", [7])
def test_databases_give_the_same_ledger(
    seed: int, fresh: Fresh, postgresql_database: Engine, tmp_path: Path
) -> None:
    """SQLite ticked once and PostgreSQL ticked every day: equal byte for byte."""
    history = random_history(seed)
    once = play(company(fresh(), tmp_path, PLAYBOOKS), history, [])
    assert (
        difference(
            once, play(company(postgresql_database, tmp_path, PLAYBOOKS), history, every(DAY, history))
        )
        == []
    )


def test_histories_are_worth_telling(fresh: Fresh, tmp_path: Path) -> None:
    """Every playbook starts in such histories, and everything that can become of a run does."""
    answers: set[str] = set()
    started: set[str] = set()
    for seed in range(40, 44):
        mine = company(fresh(), tmp_path, PLAYBOOKS)
        play(mine, random_history(seed), [])
        answers |= {answer for _, answer in mine.decisions()}
        started |= {each.playbook for each in mine.runs()}
    assert started == {
        "slide", "leaver", "renewal", "growth", "silence", "crowd", "falling", "milestone", "rounds",
        "upkeep", "calm", "thin", "carrying", "watchful",
    }  # fmt: skip
    assert answers >= {
        "already", "done", "email", "ended: completed", "ended: muted", "ended: recovered",
        "ended: restarted", "ended: returned", "escalated", "existing", "message", "owed: cooldown",
        "owed: held", "owed: muted", "owed: open_run", "owed: silenced", "put off", "resolved",
        "skipped", "started", "task", "withdrawn",
    }  # fmt: skip


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(200, 203))
def test_ticks_every_minute_give_the_same_ledger(
    seed: int, fresh: Fresh, postgresql_database: Engine, tmp_path: Path
) -> None:
    """The service as it runs, on both databases."""
    history = random_history(seed, days=14)
    once = play(company(fresh(), tmp_path, PLAYBOOKS), history, [])
    assert (
        difference(once, play(company(fresh(), tmp_path, PLAYBOOKS), history, every(MINUTE, history))) == []
    )
    assert (
        difference(
            once, play(company(postgresql_database, tmp_path, PLAYBOOKS), history, every(HOUR, history))
        )
        == []
    )


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(300, 400))
def test_many_histories_give_the_same_ledger(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """More of the above."""
    history = random_history(seed)
    once = play(company(fresh(), tmp_path, PLAYBOOKS), history, [])
    assert (
        difference(once, play(company(fresh(), tmp_path, PLAYBOOKS), history, at_random(seed, history, 60)))
        == []
    )
