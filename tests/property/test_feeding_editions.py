"""Settings of the sources that change on the way decide from one instant on, whenever the ticks are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.judging import TickReport
from engine.settings import Settings, SourceSettings
from tests.builders import START, Company, Fresh, company, difference
from tests.histories import History, at_random, play
from tests.property.test_feeds import PLAYBOOKS, SOURCES, fed_history

EDITIONS = 5


def editions(seed: int, history: History) -> dict[datetime, dict[str, Any]]:
    """What the settings say of the sources, by the instants at which somebody changes that."""
    random, found = Random(seed), {}
    for number in range(1, EDITIONS + 1):
        at = START + number * timedelta(days=history.days) / (EDITIONS + 1)
        sources: dict[str, Any] = {}
        for name, feeds in (
            ("web", ["login"]),
            ("phone", ["login", "account.health"]),
            ("status", ["outage"]),
        ):
            if random.random() < 0.8:
                sources[name] = {
                    "feeds": random.sample(feeds, random.randint(1, len(feeds))),
                    "lag": random.choice(("0d", "2h", "1d")),
                    "fresh_for": random.choice((None, "14h", "3d")),
                    "live": random.random() < 0.15,
                }
        found[at + timedelta(minutes=random.randint(0, 900))] = sources
    return found


@dataclass
class Configured(Company):
    """A company whose settings of the sources change on the way; `asks_all` looks at everybody each time."""

    editions: Mapping[datetime, dict[str, Any]] = field(default_factory=dict)
    asks_all: bool = False

    def tick(self, when: datetime) -> TickReport:
        """One pass; where an edition is due, another with it."""
        report = self._pass(when)
        if when in self.editions:
            sources = {
                name: SourceSettings.model_validate(each) for name, each in self.editions[when].items()
            }
            self._use(self.library.settings.model_copy(update={"sources": sources}))
            report = self._pass(when)
        return report

    def _pass(self, when: datetime) -> TickReport:
        if self.asks_all:
            self.ask_all(when)
        return super().tick(when)

    def _use(self, settings: Settings) -> None:
        self.library.settings = self.ticker.settings = settings


def told(
    database: Engine,
    folder: Path,
    history: History,
    seed: int,
    ticks: Sequence[datetime],
    *,
    asks_all: bool = False,
) -> str:
    """The ledger at the end."""
    mine = company(database, folder, PLAYBOOKS, sources=SOURCES)
    wanted = editions(seed, history)
    configured = Configured(mine.database, mine.library, mine.ticker, wanted, asks_all)
    return play(configured, history, [*wanted, *ticks])


def assert_the_same(seed: int, one: Engine, other: Engine, folder: Path, days: int = 8) -> None:
    """Ticks at the editions alone, and many more at which everybody is looked at, decide the same."""
    history = fed_history(seed, days=days)
    few = told(one, folder, history, seed, [])
    many = told(other, folder, history, seed, at_random(seed, history, 12), asks_all=True)
    assert difference(few, many) == []
    assert '"started"' in few


@pytest.mark.parametrize("seed", [60])
def test_settings_of_sources_decide_from_one_instant_on(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """Sources that come, go, lag more and stay good for less: nothing depends on when it is looked at."""
    assert_the_same(seed, fresh(), fresh(), tmp_path)


def test_settings_of_sources_decide_the_same_on_postgresql(
    fresh: Fresh, postgresql_database: Engine, tmp_path: Path
) -> None:
    """And on both databases."""
    assert_the_same(66, fresh(), postgresql_database, tmp_path, days=6)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(700, 760))
def test_settings_of_sources_decide_from_one_instant_on_for_long(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """More of the above."""
    assert_the_same(seed, fresh(), fresh(), tmp_path, days=18)
