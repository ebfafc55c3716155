"""`tminus check` as a person and a machine run it."""

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from engine.cli.check_command import check
from engine.cli.shell import Shell

SOUND = """\
playbook: usage-drop
owner: me
subject: account
when: {field: account.health, below: 40}
steps:
- {id: one, day: 0, task: {to: csm, title: "[call] {{ account.name }}"}}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a configuration and one sound rule file."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "good.yaml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "config.yaml").write_text("roles: {csm: {}}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command without ever opening a database."""
    app = typer.Typer()

    @app.callback()
    def main(ctx: typer.Context) -> None:
        ctx.obj = Shell(config=None, open_engine=lambda url: pytest.fail(url))

    app.command()(check)
    return CliRunner().invoke(app, ["check", *arguments])


@pytest.mark.usefixtures("home")
def test_check_of_sound_rules_ends_with_zero() -> None:
    """A summary, and nothing to mend."""
    result = run()
    assert (result.exit_code, result.output) == (0, "1 sound playbook, no problems\n")


def test_check_prints_every_problem_and_ends_with_one(home: Path) -> None:
    """Each on a line of its own, then how many there are."""
    bad = SOUND.replace("usage-drop", "bad").replace("below: 40", "belw: 40").replace("owner: me\n", "")
    (home / "rules" / "bad.yaml").write_text(bad, encoding="utf-8")
    result = run()
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        'rules/bad.yaml:1:1: warning: playbook "bad": no owner; say who maintains it',
        'rules/bad.yaml:3:31: playbook "bad": unknown operator "belw" (did you mean "below"?)',
        "1 sound playbook, 1 error and 1 warning",
    ]


def test_check_prints_json_for_machines(home: Path) -> None:
    """A list of objects, empty when all is well."""
    assert json.loads(run("--json").output) == []
    (home / "rules" / "good.yaml").write_text(SOUND.replace("csm", "cms"), encoding="utf-8")
    result = run("--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == [
        {
            "file": "rules/good.yaml",
            "line": 6,
            "column": 32,
            "message": 'playbook "usage-drop": to: unknown role "cms" (did you mean "csm"?)',
            "severity": "error",
        }
    ]


def test_check_of_named_files_looks_at_nothing_else(home: Path) -> None:
    """Other files may be broken."""
    (home / "rules" / "bad.yaml").write_text("bad", encoding="utf-8")
    assert run("rules/good.yaml").exit_code == 0
    assert run("rules").exit_code == 1


@pytest.mark.usefixtures("home")
def test_check_of_a_missing_file_is_wrong_use() -> None:
    """A slip in the path is told from a problem in a file."""
    result = run("rules/goood.yaml")
    assert result.exit_code == 2
    assert "rules/goood.yaml does not exist" in result.output
