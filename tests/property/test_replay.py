"""A replay in memory comes to what ticks over a database come to, byte for byte."""

from pathlib import Path

import pytest

from tests.builders import START, Fresh, company, difference
from tests.histories import DAY, PLAYBOOKS, at_random, every, play, random_history, seeds
from tests.replays import replayed
from tests.rule_makers import random_playbooks


@pytest.mark.parametrize("seed", seeds(500, 1, 20))
def test_replay_of_histories_gives_the_ledger_of_the_database(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """Every kind of trigger, timing and exit, late and early inputs, holds, silences and finished tasks."""
    history = random_history(seed)
    stored = company(fresh(), tmp_path, PLAYBOOKS)
    ticks = at_random(seed, history, 20)
    expected = play(stored, history, ticks)
    assert difference(expected, play(replayed(stored, fresh(), START), history, ticks)) == []
    assert difference(expected, play(replayed(stored, fresh(), START), history, every(DAY, history))) == []


@pytest.mark.parametrize("seed", seeds(510, 3, 20))
def test_replay_of_random_playbooks_gives_the_ledger_of_the_database(
    seed: int, fresh: Fresh, tmp_path: Path
) -> None:
    """Playbooks that nobody would write, with conditions in each other and guards of one."""
    history = random_history(seed, days=12)
    stored = company(fresh(), tmp_path, random_playbooks(seed, 5))
    ticks = at_random(seed, history, 12)
    expected = play(stored, history, ticks)
    assert difference(expected, play(replayed(stored, fresh(), START), history, ticks)) == []
