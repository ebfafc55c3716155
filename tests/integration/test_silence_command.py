"""`tminus silence` and `tminus silences`: made, listed and ended from the command line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from engine.cli.shell import Shell
from engine.cli.silence_command import silence, silences
from engine.clock.zones import format_instant
from tests.builders import START, account, company

LATER = format_instant(datetime.now(UTC).replace(microsecond=0) + timedelta(days=30))


@pytest.fixture
def run(sqlite_database: Engine, tmp_path: Path) -> Any:
    """Runs a command over one account and the playbook `slide`."""
    mine = company(sqlite_database, tmp_path)
    mine.take(account(START, name="Acme"))
    config = tmp_path / "config.yaml"
    config.write_text(f"rules: {tmp_path}/rules\ntemplates: {tmp_path}/templates\nroles: {{csm: {{}}}}\n")
    app = typer.Typer()

    @app.callback()
    def shell(context: typer.Context) -> None:
        context.obj = Shell(config, lambda _url: sqlite_database)

    app.command("silence")(silence)
    app.add_typer(silences, name="silences")
    return lambda *arguments: CliRunner().invoke(app, [*arguments], env={"COLUMNS": "200"})


def test_silence_is_made_listed_and_ended(run: Any) -> None:
    """Each command shows what became so."""
    made = run("silence", "acme", "--until", LATER, "--why", "merger", "--by", "max", "--json")
    (found,) = json.loads(made.stdout)
    assert (found["account_id"], found["until"], found["by"], found["why"]) == (
        "acme",
        LATER,
        "max",
        "merger",
    )
    assert "max: merger" in run("silences", "list").stdout
    assert run("silences", "end", found["id"], "--by", "dana").exit_code == 0
    assert run("silences", "list").stdout == "no account is silenced\n"
    assert json.loads(run("silences", "list", "--all", "--json").stdout)[0]["ended_by"] == "dana"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "--until", LATER, "--why", "x"], 'no account "nobody"'),
        (["acme", "--until", "soon", "--why", "x"], "soon"),
        (["acme", "--until", "2026-01-01T00:00:00Z", "--why", "x"], "is not after"),
        (["acme", "--until", LATER, "--why", " "], "--why is empty"),
        (["acme", "--until", LATER, "--why", "x", "--playbook", "slid"], 'did you mean "slide"?'),
    ],
)
def test_silence_refuses_what_cannot_be_meant(run: Any, arguments: list[str], message: str) -> None:
    """Exit code 2, and how to mend it."""
    result = run("silence", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
