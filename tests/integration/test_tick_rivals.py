"""Two tickers on one database, and data that arrives while a tick decides."""

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

import engine.ledger.stored
from engine.state import tables
from engine.state.database import open_database
from tests.builders import START, Company, account, company, difference, happening
from tests.histories import DAY, HOUR, PLAYBOOKS, random_history

DAYS = 8


def prepared(database: Engine, folder: Path) -> tuple[Company, datetime]:
    """A company whose next tick has a week of six accounts to decide."""
    history = random_history(60, accounts=6, days=DAYS)
    mine = company(database, folder, PLAYBOOKS)
    mine.take(*history.before)
    mine.tick(START)
    mine.take(*(each for _, each in history.inputs))
    return mine, START + timedelta(days=DAYS)


def rival(database: Engine, folder: Path) -> Company:
    """Another process's engine over the same database: nothing is shared but the rows."""
    return company(open_database(database.url.render_as_string(hide_password=False)), folder, PLAYBOOKS)


def undisturbed(sqlite_template: Path, folder: Path) -> str:
    """The ledger of one ticker alone."""
    file = folder / "alone.db"
    shutil.copyfile(sqlite_template, file)
    database = open_database(f"sqlite:///{file}")
    mine, end = prepared(database, folder)
    mine.tick(end)
    ledger = mine.ledger()
    database.dispose()
    return ledger


@pytest.mark.parametrize("shard", [1, 500])
def test_two_tickers_at_once_double_nothing(
    database: Engine, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int
) -> None:
    """They decide the same at the same time; what one has written the other leaves alone."""
    expected = undisturbed(sqlite_template, tmp_path)
    monkeypatch.setattr("engine.judging.SHARD", shard)
    mine, end = prepared(database, tmp_path)
    rivals = [mine, rival(database, tmp_path), rival(database, tmp_path)]
    start = threading.Barrier(len(rivals))

    def tick(one: Company) -> int:
        start.wait()
        return one.ticker.tick(end).starts

    with ThreadPoolExecutor(len(rivals)) as pool:
        counted = list(pool.map(tick, rivals))
    for each in rivals[1:]:
        each.database.dispose()
    assert difference(expected, mine.ledger()) == []
    assert sum(counted) == len(mine.runs()) - len(mine.runs(started_at=START))


def test_two_first_ticks_at_once_go_live_once(database: Engine, tmp_path: Path) -> None:
    """Both find no live set; `existing: fire` fires once all the same."""
    mine = company(database, tmp_path, [EXISTING])
    mine.take(*(account(START - DAY, f"a{each}", health=20) for each in range(5)))
    others = [mine, company(open_database(_url(database)), tmp_path, [EXISTING])]
    start = threading.Barrier(2)

    def tick(one: Company) -> None:
        start.wait()
        one.ticker.tick(START)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(tick, others))
    others[1].database.dispose()
    assert sorted(each.account_id for each in mine.runs()) == [f"a{each}" for each in range(5)]
    assert len(mine.tasks()) == 5


def _url(database: Engine) -> str:
    return database.url.render_as_string(hide_password=False)


EXISTING = """
playbook: low
title: Low
owner: cs
subject: account
when: {field: account.health, below: 40}
existing: fire
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
"""


def meddled(monkeypatch: pytest.MonkeyPatch, meddle: Callable[[], None]) -> None:
    """Have `meddle` run once, after the next tick has decided and before it writes."""
    pending = [meddle]

    def between(database: Engine) -> object:
        if pending:
            pending.pop()()
        return writing(database)

    writing = engine.ledger.stored.writing
    monkeypatch.setattr(engine.ledger.stored, "writing", between)


def test_ingest_during_a_tick_is_not_lost(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrives between the deciding and the writing makes the tick decide again, with it."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, health=60))
    meddled(monkeypatch, lambda: mine.take(account(START + 2 * HOUR, health=30)))
    mine.tick(START + 3 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + 2 * HOUR]
    watch = mine.watch()
    assert watch.evaluated_revision == watch.revision == 3


def test_ingest_for_later_during_a_tick_is_not_lost(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What applies only after the tick is due then, although the tick had looked further ahead."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, health=60))
    meddled(monkeypatch, lambda: mine.take(account(START + DAY, health=30)))
    mine.tick(START + 3 * HOUR)
    assert mine.watch().due_at == START + DAY
    mine.tick(START + 2 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + DAY]


def test_task_finished_during_a_tick_is_not_lost(
    database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A click between the deciding and the writing is seen by the same tick, and nothing overwrites it."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, health=70), account(START + HOUR, recorded=START - DAY, health=30))
    mine.tick(START)
    mine.tick(START + HOUR)
    mine.take(account(START + 2 * HOUR, health=31))
    meddled(monkeypatch, lambda: mine.finish(START + 2 * HOUR, "reached"))
    mine.tick(START + 3 * HOUR)
    assert [(each.state, each.outcome) for each in mine.tasks()] == [("done", "reached")]
    assert [(each.state, each.ended_at) for each in mine.runs()] == [("ended", START + 2 * HOUR)]


def test_account_that_keeps_changing_is_left_to_the_next_tick(
    sqlite_database: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tick does not run for ever; what it could not write stays due."""
    mine = company(sqlite_database, tmp_path)
    mine.take(account(START - DAY, health=70))
    mine.tick(START)
    writing = engine.ledger.stored.writing
    counted = iter(range(1, 1000))

    def always(database: Engine) -> object:
        mine.take(happening("noise", START + HOUR, identity=f"n{next(counted)}"))
        return writing(database)

    mine.take(account(START + HOUR, health=30))
    with monkeypatch.context() as patched:
        patched.setattr(engine.ledger.stored, "writing", always)
        mine.tick(START + 2 * HOUR)
    assert mine.runs() == []
    mine.tick(START + 3 * HOUR)
    assert [each.started_at for each in mine.runs()] == [START + HOUR]
    assert len(mine.rows(tables.Tick)) == 3
