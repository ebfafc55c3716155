"""What the guard holds stays owed, and starts when it is released."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from engine.admit.holds import list_holds
from engine.state import tables
from tests.builders import START, Company, account, company, happening
from tests.histories import DAY, HOUR, MINUTE

LOW = """
playbook: low
title: Low
owner: cs
subject: account
priority: 70
when: {field: account.health, below: 40}
existing: fire
guard: {max_starts: 3, within: 1h}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
"""
REQUEST = """
playbook: request
title: A request
owner: cs
subject: account
on: {event: cancel_requested}
guard: {max_starts: 3, within: 1h}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
"""
NAMES = [f"a{index}" for index in range(5)]


def crowd(database: Engine, folder: Path, *playbooks: str) -> Company:
    """Five healthy accounts, live from START."""
    mine = company(database, folder, playbooks or (LOW,))
    mine.take(*(account(START - DAY, name, health=70) for name in NAMES))
    mine.tick(START)
    return mine


def fall(mine: Company, after: timedelta, names: list[str], health: int = 30) -> None:
    """All their healths change at once."""
    mine.take(*(account(START + after, name, health=health) for name in names))
    mine.tick(START + after)


def test_crowd_is_held_and_started_by_the_release(database: Engine, tmp_path: Path) -> None:
    """Five of three: nobody starts until somebody has looked; then each starts once, at the release."""
    mine = crowd(database, tmp_path)
    fall(mine, HOUR, NAMES)
    assert mine.runs() == []
    (held,) = list_holds(database, only_held=True)
    assert (held.playbook, held.size, held.at) == ("low", 5, START + HOUR)
    assert mine.release(START + 2 * HOUR) == 1
    mine.tick(START + 2 * HOUR)
    mine.tick(START + 3 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 2 * HOUR] * 5
    assert {each.hold_id for each in mine.runs()} == {held.id}
    assert list_holds(database, only_held=True) == []
    assert mine.release(START + 4 * HOUR) == 0


def test_release_found_late_starts_at_its_own_time(database: Engine, tmp_path: Path) -> None:
    """The tick after a release may come hours later; the runs began at the release."""
    mine = crowd(database, tmp_path)
    fall(mine, HOUR, NAMES)
    mine.release(START + 2 * HOUR)
    mine.tick(START + DAY)
    assert [each.started_at for each in mine.runs()] == [START + 2 * HOUR] * 5


def test_held_opening_whose_state_ended_is_not_started(database: Engine, tmp_path: Path) -> None:
    """Two have recovered meanwhile."""
    mine = crowd(database, tmp_path)
    fall(mine, HOUR, NAMES)
    fall(mine, 2 * HOUR, NAMES[:2], 70)
    mine.release(START + 3 * HOUR)
    mine.tick(START + 3 * HOUR)
    assert [each.account_id for each in sorted(mine.runs(), key=lambda each: each.account_id)] == NAMES[2:]


def test_held_moments_start_when_released(database: Engine, tmp_path: Path) -> None:
    """A moment is no state that could end: all of them start."""
    mine = crowd(database, tmp_path, REQUEST)
    mine.take(*(happening("cancel_requested", START + HOUR, name) for name in NAMES))
    mine.tick(START + HOUR)
    assert mine.runs() == []
    mine.tick(START + 2 * HOUR)
    mine.release(START + 3 * HOUR)
    mine.tick(START + 4 * HOUR)
    mine.tick(START + 5 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 3 * HOUR] * 5


def test_released_starts_no_longer_count_against_the_guard(database: Engine, tmp_path: Path) -> None:
    """Who comes after the release is not held because of those it let go."""
    mine = crowd(database, tmp_path)
    mine.take(account(START - HOUR, "b", health=70))
    mine.tick(START + MINUTE)
    fall(mine, HOUR, NAMES)
    mine.release(START + 2 * HOUR + MINUTE)
    mine.tick(START + 2 * HOUR + MINUTE)
    fall(mine, 2 * HOUR + 2 * MINUTE, ["b"])
    assert len(mine.runs()) == 6


def test_stock_at_go_live_is_held_as_one_batch(database: Engine, tmp_path: Path) -> None:
    """`existing: fire` over a bad book is the very thing the guard is for."""
    mine = company(database, tmp_path, [LOW])
    mine.take(*(account(START - DAY, name, health=20) for name in NAMES))
    mine.tick(START)
    assert [each.size for each in list_holds(database, only_held=True)] == [5]
    mine.release(START)
    mine.tick(START)
    assert [each.started_at for each in mine.runs()] == [START] * 5


@pytest.mark.parametrize("shard", [1, 2, 500])
def test_hold_does_not_depend_on_the_size_of_shards(
    sqlite_database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int
) -> None:
    """However the accounts are cut into transactions, one hold has them all."""
    monkeypatch.setattr("engine.judging.SHARD", shard)
    mine = crowd(sqlite_database, tmp_path)
    fall(mine, HOUR, NAMES)
    (held,) = list_holds(sqlite_database, only_held=True)
    assert {each.hold_id for each in mine.episodes()} == {held.id}
    assert len(mine.rows(tables.Hold)) == 1


def test_opening_that_the_hold_of_another_frees_is_judged_again(database: Engine, tmp_path: Path) -> None:
    """Held runs never began, so what would have waited for their end is held or started in its own right."""
    mine = crowd(database, tmp_path)
    mine.take(*(account(START + HOUR, name, health=30) for name in NAMES))
    mine.take(account(START + 2 * HOUR, "a0", health=70), account(START + 5 * HOUR, "a0", health=30))
    mine.tick(START + DAY)
    assert [(each.account_id, each.started_at) for each in mine.runs()] == [("a0", START + 5 * HOUR)]
