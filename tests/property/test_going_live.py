"""A changed live set, decided for the accounts that SQL leaves over, as if for every one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, or_, update

from engine.judging import TickReport
from engine.rulebook import INSTANT_AFTER
from engine.state import tables
from engine.state.database import writing
from tests.builders import START, Company, Fresh, company, difference, write_rules
from tests.histories import DAY, PLAYBOOKS, History, at_random, every, play, random_history

_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]

EDITIONS = 8

EDITS = (
    ("existing: {since: 14d}", "existing: fire"),
    ("existing: fire", "existing: wait"),
    ("drops_below: 40, recovers_at: 50", "drops_below: 45, recovers_at: 62"),
    ("between: [0, 30]", "between: [2, 25]"),
    ("absent_for: 3d", "absent_for: 5d"),
    ("keep_active_for: 30h", "on_missing: true"),
    ("drops_by: 15, within: 5d", "drops_by: 20%, within: 6d"),
    ("outage, within: 3d}", "outage, within: 30d}"),
    ('on_missing: "false"', 'on_missing: "true"'),
    ("adoption, below: 30", "adoption, above: 30"),
    ("for: 36h", "for: 2h"),
    ("at_least: 80%, of", "below: 80%, of"),
)
"""What authors change in the playbooks of the histories: what is asked, for how long, and of whom."""


def editions(seed: int, history: History) -> dict[datetime, tuple[str, ...]]:
    """Playbooks that come, change and go; equal seeds give equal editions."""
    random = Random(seed)
    found = {}
    texts = list(PLAYBOOKS[:4])
    for number in range(1, EDITIONS + 1):
        absent = [each for each in PLAYBOOKS if _name(each) not in map(_name, texts)]
        if len(texts) > 2 and random.random() < 0.25:
            texts.remove(random.choice(texts))
        elif absent and random.random() < 0.6:
            texts.append(random.choice(absent))
        for old, new in random.sample(EDITS, 2):
            texts = [each.replace(old, new) for each in texts]
        at = START + number * timedelta(days=history.days) / (EDITIONS + 1)
        at += timedelta(minutes=random.randint(0, 900))
        found[at] = tuple(_without_dangling(each, "".join(texts)) for each in texts)
    return found


def _name(text: str) -> str:
    return text.split("playbook: ")[1].split("\n")[0]


def _without_dangling(text: str, all_texts: str) -> str:
    """The playbook without the mutes whose playbooks are gone."""
    lines = text.splitlines()
    kept = [
        each
        for each in lines
        if not each.startswith("mutes:")
        or all(f"playbook: {name}\n" in all_texts for name in each.split("[")[1].split("]")[0].split(", "))
    ]
    return "\n".join(kept) + "\n"


@dataclass
class Authored(Company):
    """A company whose rule files change on the way; `asks_all` has each edition decided for everybody."""

    folder: Path = Path()
    editions: Mapping[datetime, tuple[str, ...]] = field(default_factory=dict)
    asks_all: bool = False
    looked_at: int = 0
    """How many accounts were folded because an edition went live."""

    def tick(self, when: datetime) -> TickReport:
        """One pass; where an edition is due, another with it."""
        report = super().tick(when)
        if when not in self.editions:
            return report
        write_rules(self.folder, self.editions[when])
        if self.asks_all:
            later = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > when + INSTANT_AFTER)
            with writing(self.database) as connection:
                connection.execute(update(_WATCH).where(later).values(due_at=when + INSTANT_AFTER))
        report = super().tick(when)
        assert self.library.rules.is_sound, self.library.problems
        self.looked_at += report.accounts
        return report


def told(
    database: Engine, folder: Path, history: History, seed: int, ticks: Sequence[datetime], *, asks_all: bool
) -> tuple[str, int]:
    """The ledger at the end, and how many accounts were folded because an edition went live."""
    one = company(database, folder, PLAYBOOKS[:4])
    wanted = editions(seed, history)
    mine = Authored(one.database, one.library, one.ticker, folder, wanted, asks_all)
    return play(mine, history, [*wanted, *ticks]), mine.looked_at


def assert_narrowing_decides_the_same(
    seed: int, narrowed: Engine, full: Engine, folder: Path, *, accounts: int = 4
) -> int:
    """How many fewer accounts were folded; the ledgers must be equal byte for byte."""
    history = random_history(seed, accounts=accounts)
    some, few = told(narrowed, folder, history, seed, at_random(seed, history, 10), asks_all=False)
    everybody, many = told(full, folder, history, seed, every(DAY, history), asks_all=True)
    assert difference(everybody, some) == []
    assert few <= many
    return many - few


@pytest.mark.parametrize("seed", range(2))
def test_narrowed_edition_decides_as_one_for_everybody(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """Playbooks come, change and go; what follows is equal byte for byte, and fewer accounts are folded."""
    assert assert_narrowing_decides_the_same(seed, fresh(), fresh(), tmp_path) > 0


def test_narrowed_edition_decides_the_same_on_postgresql(
    fresh: Fresh, postgresql_database: Engine, tmp_path: Path
) -> None:
    """The same on the other database."""
    assert assert_narrowing_decides_the_same(21, postgresql_database, fresh(), tmp_path) > 0


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(500, 600))
def test_many_narrowed_editions_decide_the_same(seed: int, fresh: Fresh, tmp_path: Path) -> None:
    """More of the above."""
    assert_narrowing_decides_the_same(seed, fresh(), fresh(), tmp_path, accounts=6)
