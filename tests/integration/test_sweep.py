"""The sweep finds what ticks have left undone or done wrongly, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine, update
from typer.testing import CliRunner

from engine.cli.shell import Shell
from engine.cli.sweep_command import sweep as sweep_command
from engine.state import tables
from engine.state.database import writing
from engine.sweep import sweep
from tests.builders import START, Company, account, company
from tests.histories import DAY, HOUR, PLAYBOOKS, at_random, play, random_history

_EPISODE: Any = tables.Episode.__table__  # type: ignore[attr-defined]
_ACCOUNT: Any = tables.Account.__table__  # type: ignore[attr-defined]


@pytest.fixture
def slipping(database: Engine, tmp_path: Path) -> Company:
    """One account in the state of its playbook, and one that is well."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, "well", health=70), account(START - DAY, "ill", health=70))
    mine.tick(START)
    mine.take(account(START + HOUR, "ill", health=30))
    mine.tick(START + HOUR)
    return mine


def test_sweep_finds_nothing_where_ticks_saw_everything(slipping: Company) -> None:
    """It compares both accounts, as of the last tick, and writes nothing."""
    ledger = slipping.ledger()
    found = sweep(slipping.database, slipping.library)
    assert (found.at, found.accounts, found.differences) == (START + HOUR, 2, [])
    assert slipping.ledger() == ledger


def test_sweep_finds_nothing_after_a_history(sqlite_database: Engine, tmp_path: Path) -> None:
    """Whatever happened, the episodes are what a full evaluation comes to."""
    mine = company(sqlite_database, tmp_path, PLAYBOOKS)
    seed, history = 60, random_history(60)
    play(mine, history, at_random(seed, history, 10))
    assert sweep(mine.database, mine.library).differences == []


def test_sweep_finds_an_episode_that_is_missing(slipping: Company) -> None:
    """It names playbook and subject, and keeps the difference as an incident."""
    with writing(slipping.database) as connection:
        connection.execute(_EPISODE.delete())
    words = 'account ill: playbook "slide", account ill: it holds, and has not opened'
    assert sweep(slipping.database, slipping.library).differences == [words]
    incidents = slipping.rows(tables.Incident)
    assert [(each.category, each.message) for each in incidents] == [("sweep", words)]


def test_sweep_finds_an_episode_that_has_not_ended(slipping: Company) -> None:
    """A value that changed with nobody told: the account reads as well, and its episode goes on."""
    with writing(slipping.database) as connection:
        connection.execute(update(_ACCOUNT).where(_ACCOUNT.c.id == "ill").values(health=80))
    found = sweep(slipping.database, slipping.library).differences
    assert found == ['account ill: playbook "slide", account ill: it no longer holds, and has not ended']


def test_sweep_leaves_alone_what_is_to_be_folded(slipping: Company) -> None:
    """Something new that no tick has seen is no difference yet."""
    slipping.take(account(START + HOUR, "well", health=20))
    found = sweep(slipping.database, slipping.library)
    assert (found.accounts, found.differences) == (1, [])


def test_sweep_before_the_first_tick_has_nothing_to_compare(database: Engine, tmp_path: Path) -> None:
    """There is no answer yet."""
    mine = company(database, tmp_path)
    mine.take(account(START, "ill", health=30))
    assert sweep(mine.database, mine.library).at is None


def test_command_prints_what_differs_and_fails(slipping: Company, tmp_path: Path) -> None:
    """For people and for machines; without a difference it ends with 0."""
    config = tmp_path / "config.yaml"
    config.write_text(f"rules: {tmp_path}/rules\ntemplates: {tmp_path}/templates\nroles: {{csm: {{}}}}\n")
    app = typer.Typer()

    @app.callback()
    def shell(context: typer.Context) -> None:
        context.obj = Shell(config, lambda _url: slipping.database)

    app.command("sweep")(sweep_command)
    fine = CliRunner().invoke(app, ["sweep"], env={"COLUMNS": "200"})
    assert (fine.exit_code, fine.stdout) == (0, "2026-03-02T13:00:00Z  2 accounts, 0 differences\n")
    with writing(slipping.database) as connection:
        connection.execute(_EPISODE.delete())
    found = CliRunner().invoke(app, ["sweep", "--json"])
    assert (found.exit_code, len(json.loads(found.stdout)["differences"])) == (1, 1)
