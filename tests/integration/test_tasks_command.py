"""`tminus tasks` lists what the queues hold, for people and for programs."""

import json
from typing import Any

import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner

from engine.cli.shell import Shell
from engine.cli.tasks_command import tasks
from tests.website_book import HOSTILE, put, seed, task


@pytest.fixture
def run(sqlite_database: Engine) -> Any:
    """Runs the command over a seeded book."""
    seed(sqlite_database)
    app = typer.Typer()

    @app.callback()
    def shell(context: typer.Context) -> None:
        context.obj = Shell(None, lambda _url: sqlite_database)

    app.command("tasks")(tasks)
    return lambda *arguments: CliRunner().invoke(app, ["tasks", *arguments], env={"COLUMNS": "200"})


def test_tasks_as_json_has_what_programs_rely_on(run: Any) -> None:
    """A list in the order of the queue."""
    result = run("--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found[0]["id"] == "t-late"
    relied_on = ("id", "playbook", "step", "account_id", "account", "title", "assignee", "due", "priority")
    assert {*relied_on, "due_at", "state", "reason"} <= set(found[0])
    assert (found[0]["due"], found[0]["state"]) == ("2026-01-27", "open")
    assert len(found) == 7


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--assignee", "omar"], ["t-hostile"]),
        (["--account", "globex"], ["t-team", "t-later"]),
        (["--state", "done"], ["t-done"]),
        (["--account", "nobody"], []),
    ],
)
def test_tasks_narrows(run: Any, arguments: list[str], ids: list[str]) -> None:
    """By person, account and state."""
    assert [each["id"] for each in json.loads(run("--json", *arguments).stdout)] == ids


def test_tasks_all_includes_every_state(run: Any) -> None:
    """Open and closed."""
    assert len(json.loads(run("--json", "--state", "all").stdout)) == 8


def test_tasks_refuses_an_unknown_state(run: Any) -> None:
    """As wrong use, with the states there are."""
    result = run("--state", "closed")
    assert result.exit_code == 2
    assert "use one of open, done, skipped, cancelled, all" in result.output


def test_tasks_as_a_table_obeys_no_name(run: Any, sqlite_database: Engine) -> None:
    """Neither markup nor control characters of a name reach the terminal."""
    put(sqlite_database, task("t-bell", title="Ring \x1b[31m\x07 [bold red]now[/]"))
    text = run().output
    assert "[bold red]now[/]" in text
    assert "\x1b" not in text
    assert "\x07" not in text
    assert HOSTILE[:8] in text
    assert "\u202e" not in text


def test_tasks_says_when_there_are_none(run: Any) -> None:
    """In words."""
    assert run("--account", "nobody").output.strip() == "No tasks."
