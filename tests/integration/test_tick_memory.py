"""A service that ticks for weeks does not grow."""

import gc
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from tests.builders import START, Company, account, company, happening
from tests.histories import HOUR, PLAYBOOKS

MEGABYTE = 1024 * 1024


def resident() -> float:
    """This process's memory in megabytes, with nothing left to collect."""
    gc.collect()
    return float(psutil.Process().memory_info().rss) / MEGABYTE


def ticked(mine: Company, first: int, count: int) -> None:
    """An hour a tick, in each of which half of twenty accounts change and one logs in."""
    for index in range(first, first + count):
        now = START + index * HOUR
        health = 30 if index % 48 < 24 else 70
        names = [f"a{each:02d}" for each in range(index % 2, 20, 2)]
        mine.take(*(account(now, name, health=health) for name in names), happening("login", now, names[0]))
        mine.tick(now)


def grown(database: Engine, folder: Path, warm_up: int, count: int) -> float:
    """How many megabytes `count` ticks add after a warm-up."""
    mine = company(database, folder, PLAYBOOKS)
    mine.take(*(account(START - HOUR, f"a{each:02d}", name="A", health=70) for each in range(20)))
    mine.tick(START)
    ticked(mine, 1, warm_up)
    before = resident()
    ticked(mine, 1 + warm_up, count)
    return resident() - before


def test_memory_is_flat_over_a_hundred_ticks(sqlite_database: Engine, tmp_path: Path) -> None:
    """Once everything has been compiled and cached."""
    assert grown(sqlite_database, tmp_path, 60, 90) < 10


@pytest.mark.soak
def test_memory_is_flat_over_a_thousand_ticks(database: Engine, tmp_path: Path) -> None:
    """The second half of two thousand, while the ledger grows."""
    assert grown(database, tmp_path, 1000, 1000) < 12
