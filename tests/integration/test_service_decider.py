"""What a running service decides with, over a real database and a folder of rules."""

import logging
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from engine import decider as decider_module
from engine import first_start
from engine.conditions.catalogue import BUILT_IN, Kind, Value
from engine.decider import Decider
from engine.match.matcher import ReferenceMatcher
from engine.people import queue
from engine.people.queue import TaskFilter
from engine.sample.seed import seed
from engine.settings import Role, Sample, Settings
from engine.state.database import reading
from engine.state.entries import Entry
from engine.state.ingest import ingest
from engine.state.tables import Account, Source

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
RULE = """\
playbook: {name}
title: Low health
owner: cs-ops
subject: account
when: {{field: account.health, drops_below: {threshold}}}
existing: fire
steps:
  - {{id: call, day: 0, task: {{to: csm, title: "Call {{{{ account.name }}}}", due: 1bd}}}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a folder of one playbook and the smallest sample."""
    for folder in ("rules", "templates"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "rules", "low")
    return Settings(
        rules=tmp_path / "rules",
        templates=tmp_path / "templates",
        roles={"csm": Role(field="account.csm")},
        sample=Sample(enabled=True, accounts=300),
    )


def write(folder: Path, name: str, threshold: str = "40") -> None:
    """A rule file, with a time of change that differs from the last one's."""
    path = folder / f"{name}.yaml"
    changed = path.stat().st_mtime_ns + 1_000_000 if path.exists() else 1_000_000_000
    path.write_text(RULE.format(name=name, threshold=threshold), encoding="utf-8")
    os.utime(path, ns=(changed, changed))


@pytest.fixture
def short_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two months of history instead of eighteen."""
    monkeypatch.setattr(first_start, "seed", partial(seed, history_days=60))


def open_decider(database: Engine, settings: Settings) -> Decider:
    """A decider that asks the reference evaluator alone."""
    return Decider(database, settings, BUILT_IN, ReferenceMatcher())


def know(database: Engine, account_id: str, at: datetime, **values: Value | None) -> None:
    """Take in what is known of an account."""
    ingest(database, BUILT_IN, [Entry(Kind.ACCOUNT, account_id, account_id, values, at, at)], source="test")


def accounts(database: Engine) -> int:
    """How many there are."""
    with reading(database) as connection:
        return connection.scalar(select(func.count()).select_from(Account)) or 0


def tasks(database: Engine) -> list[tuple[str, str]]:
    """The open tasks by playbook and account."""
    with reading(database) as connection:
        return sorted((each.playbook, each.account_id) for each in queue.every(connection, TaskFilter()))


def test_tick_decides_and_remembers_when(sqlite_database: Engine, settings: Settings) -> None:
    """What is due is decided, and then no longer due."""
    decider = open_decider(sqlite_database, settings)
    know(sqlite_database, "acme", NOW, health=Decimal(70))
    decider.tick(NOW)
    know(sqlite_database, "acme", NOW + timedelta(minutes=1), health=Decimal(30))
    at = NOW + timedelta(minutes=2)
    assert decider.is_due(at)
    decider.tick(at)
    assert not decider.is_due(at)
    assert decider.last_tick_at == at
    assert tasks(sqlite_database) == [("low", "acme")]


def test_tick_takes_changed_rules_as_a_whole(sqlite_database: Engine, settings: Settings) -> None:
    """An edit and a new file come into force together, at the tick that notices them."""
    decider = open_decider(sqlite_database, settings)
    decider.tick(NOW)
    write(settings.rules, "low", "30")
    write(settings.rules, "lower", "20")
    at = NOW + timedelta(minutes=1)
    assert decider.is_due(at)
    decider.tick(at)
    assert [each.name for each in decider.playbooks()] == ["low", "lower"]
    assert not decider.is_due(at)


def test_tick_keeps_the_rules_in_force_when_a_file_is_broken(
    sqlite_database: Engine, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of a broken folder comes into force; the problem is told, also over a restart; a mend works."""
    decider = open_decider(sqlite_database, settings)
    decider.tick(NOW)
    in_force = decider.playbooks()
    write(settings.rules, "low", "a-lot")
    write(settings.rules, "lower")
    with caplog.at_level(logging.WARNING):
        decider.tick(NOW + timedelta(minutes=1))
    assert decider.playbooks() == in_force
    assert "low.yaml:5:" in caplog.text
    assert "low.yaml:5:" in str(decider.library.problems[0])

    again = open_decider(sqlite_database, settings)
    again.tick(NOW + timedelta(minutes=2))
    assert [each.version for each in again.playbooks()] == [each.version for each in in_force]
    write(settings.rules, "low", "45")
    again.tick(NOW + timedelta(minutes=3))
    assert [each.name for each in again.playbooks()] == ["low", "lower"]
    assert again.library.problems == ()


def test_tick_waits_while_the_clock_is_behind_the_last_one(
    sqlite_database: Engine, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A tick somebody made for tomorrow is told, and asks for no look until the clock is there."""
    decider = open_decider(sqlite_database, settings)
    decider.tick(NOW + timedelta(days=1))
    know(sqlite_database, "acme", NOW, health=Decimal(70))
    with caplog.at_level(logging.WARNING):
        assert not decider.tick(NOW)
    assert "time only moves forward" in caplog.text
    assert not decider.is_due(NOW)
    decider.tick(NOW + timedelta(days=1, seconds=1))
    know(sqlite_database, "acme", NOW + timedelta(days=1, seconds=2), health=Decimal(60))
    assert decider.is_due(NOW + timedelta(days=1, seconds=3))


@pytest.mark.usefixtures("short_sample")
def test_fill_writes_the_sample_once_and_decides_its_last_fortnight(
    sqlite_database: Engine, settings: Settings
) -> None:
    """A first start finds tasks in the queues; a second finds the sample there."""
    decider = open_decider(sqlite_database, settings)
    said: list[str] = []
    decider.fill(NOW, said.append)
    assert accounts(sqlite_database) == 300
    assert tasks(sqlite_database)
    assert len(said) == 2
    decider.fill(NOW + timedelta(hours=1), said.append)
    assert len(said) == 2


def test_fill_leaves_a_book_of_somebodys_own_alone(sqlite_database: Engine, settings: Settings) -> None:
    """Whoever imported before the first start gets no invented customers."""
    know(sqlite_database, "acme", NOW, health=Decimal(70))
    open_decider(sqlite_database, settings).fill(NOW, print)
    assert accounts(sqlite_database) == 1


@pytest.mark.usefixtures("short_sample")
def test_fill_takes_up_a_sample_that_was_cut_short(
    sqlite_database: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start killed half-way is finished by the next as if it had not been, with the same end."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    first = open_decider(sqlite_database, settings)
    with monkeypatch.context() as patched:
        patched.setattr(decider_module, "finish_sample", killed)
        with pytest.raises(KeyboardInterrupt):
            first.fill(NOW, print)
    before = tasks(sqlite_database)
    open_decider(sqlite_database, settings).fill(NOW + timedelta(hours=5), print)
    with reading(sqlite_database) as connection:
        source = connection.execute(select(Source.__table__)).one()  # type: ignore[attr-defined]
    assert source.watermark == NOW
    assert source.last_sync_at == NOW + timedelta(hours=5)
    assert accounts(sqlite_database) == 300
    assert tasks(sqlite_database) == before
