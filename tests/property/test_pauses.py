"""Playbooks that rest now and then decide the same whenever the ticks are, on disk and in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.judging import TickReport
from tests.builders import START, Company, Fresh, Player, company, difference
from tests.histories import PLAYBOOKS, History, at_random, play, random_history
from tests.replays import replayed

NAMES = ("slide", "renewal", "growth", "crowd", "rounds", "milestone")


def rests(seed: int, history: History) -> dict[datetime, str]:
    """Which playbook somebody pauses, or resumes where it rests, by instant."""
    random = Random(seed)
    span = int((history.end - START).total_seconds())
    return {START + timedelta(seconds=random.randint(1, span - 1)): random.choice(NAMES) for _ in range(16)}


@dataclass
class Resting:
    """A player in which playbooks are paused and resumed on the way."""

    player: Player
    rests: Mapping[datetime, str]
    paused: set[str] = field(default_factory=set)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.player, name)

    def tick(self, when: datetime) -> TickReport:
        """One pass; where somebody turns to a playbook, another after it."""
        report = self.player.tick(when)
        if when not in self.rests:
            return report
        name = self.rests[when]
        (self.player.resume if name in self.paused else self.player.pause)(name, when)
        self.paused ^= {name}
        return self.player.tick(when)


def told(player: Player, seed: int, history: History, ticks: Iterable[datetime]) -> str:
    """The ledger at the end."""
    wanted = rests(seed, history)
    return play(Resting(player, wanted), history, [*wanted, *ticks])


def made(database: Engine, folder: Path) -> Company:
    """Every kind of playbook."""
    return company(database, folder, PLAYBOOKS)


@pytest.mark.parametrize("seed", range(40, 42))
def test_pauses_decide_the_same_whenever_the_ticks_are(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """Few ticks, many, and the replay of them come to one ledger."""
    history = random_history(seed, days=12)
    stored = made(fresh(), tmp_path)
    few = told(stored, seed, history, [])
    ticks = at_random(seed, history, 15)
    assert difference(few, told(made(fresh(), tmp_path), seed, history, ticks)) == []
    assert difference(few, told(replayed(stored, fresh(), START), seed, history, ticks)) == []
    assert "owed: paused" in few


def test_pauses_decide_the_same_on_postgresql(
    fresh: Fresh, postgresql_database: Engine, tmp_path: Path
) -> None:
    """And on both databases."""
    history = random_history(45, days=10)
    few = told(made(fresh(), tmp_path), 45, history, [])
    many = told(made(postgresql_database, tmp_path), 45, history, at_random(45, history, 10))
    assert difference(few, many) == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(800, 860))
def test_pauses_decide_the_same_for_long(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """More of the above."""
    history = random_history(seed, days=25)
    few = told(made(fresh(), tmp_path), seed, history, [])
    many = told(made(fresh(), tmp_path), seed, history, at_random(seed, history, 60))
    assert difference(few, many) == []
