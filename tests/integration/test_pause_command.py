"""`tminus pause`, `tminus resume` and `tminus pauses`, as somebody types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app
from tests.builders import SLIDE, write_rules

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The commands over a database in which the playbook `slide` is in force."""
    write_rules(tmp_path, [SLIDE])
    (tmp_path / "templates").mkdir()
    config = tmp_path / "config.yaml"
    config.write_text(
        f"database_url: sqlite:///{tmp_path}/t.db\nrules: {tmp_path}/rules\ntemplates: {tmp_path}/templates\n"
        "roles: {csm: {}}\nmatching: {workers: 0}\n"
    )

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--config", str(config), *arguments])

    assert invoke("tick").exit_code == 0
    return invoke


def test_pause_and_resume_are_kept_with_who_and_why(run: Run) -> None:
    """A list says what rests; with --all what did."""
    assert "no playbook is paused" in run("pauses").output
    assert run("pause", "slide", "--why", "new pricing", "--by", "max").exit_code == 0
    assert "slide  paused since" in run("pauses").output
    assert "max: new pricing" in run("pauses").output
    assert run("resume", "slide", "--by", "dana").exit_code == 0
    assert json.loads(run("pauses", "--json").output) == []
    (ended,) = json.loads(run("pauses", "--all", "--json").output)
    assert (ended["playbook"], ended["by"], ended["ended_by"]) == ("slide", "max", "dana")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("pause", "slde", "--why", "x"), 'no playbook "slde" is in force (did you mean "slide"?)'),
        (("pause", "slide", "--why", " "), "--why is empty"),
        (("resume", "slide"), '"slide" is not paused'),
        (("resume", "other"), "in force are: slide"),
    ],
)
def test_pause_and_resume_refuse_what_makes_no_sense(
    arguments: tuple[str, ...], words: str, run: Run
) -> None:
    """With the mend, and exit code 2."""
    refused = run(*arguments)
    assert (refused.exit_code, words in refused.output) == (2, True)
