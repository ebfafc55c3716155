"""`tminus test` at the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from engine.cli.main import app

PLAYBOOK = """
playbook: slump
owner: ops
subject: account
when: {field: account.health, below: 40}
steps: [{id: call, day: 0, task: {to: csm, title: Call}}]
"""
TESTS = """
tests:
  - name: low health asks for a call
    at: 2026-03-02T14:00:00Z
    given: {account: {id: acme, health: 50}}
    timeline: [{at: +1h, account: {health: 30}, expect: {starts: 1, tasks: [call]}}]
  - name: a wish
    at: 2026-03-02T14:00:00Z
    given: {account: {id: acme, health: 50}}
    timeline: [{at: +1h, account: {health: 45}, expect: {starts: 1}}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one playbook, two tests and a configuration."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "slump.yaml").write_text(PLAYBOOK)
    (tmp_path / "rules" / "slump.test.yaml").write_text(TESTS)
    (tmp_path / "config.yaml").write_text("roles: {csm: {field: account.csm}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """What the command prints, and how it ends."""
    return CliRunner().invoke(app, ["test", *arguments])


def test_command_shows_what_passed_and_what_failed(folder: Path) -> None:
    """One line a test, the differences below, a summary, and 1 at the end."""
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "ok     rules/slump.test.yaml: low health asks for a call",
        "FAILED rules/slump.test.yaml: a wish",
        "rules/slump.test.yaml:10:57: at 2026-03-02T15:00:00Z: expected (-) and happened (+) differ",
        "    starts:",
        "      - 1",
        "      + 0",
        "    why:",
        "      It does not run: health is 45 (not below 40).",
        "2 tests, 1 failed",
    ]


def test_command_picks_tests_by_name(folder: Path) -> None:
    """Only what was asked for decides about the end."""
    result = run("--name", "low health", "rules/slump.yaml")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 test, all passed")


UNTESTED = PLAYBOOK.replace("slump", "bare")


def test_command_shows_what_no_test_exercises(folder: Path) -> None:
    """A playbook without tests counts with all its parts, and the table follows the summary."""
    (folder / "rules" / "bare.yaml").write_text(UNTESTED)
    result = run("-k", "low health", "--coverage")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        "1 test, all passed",
        "playbook  triggers  branches     exits     steps     all",
        "slump          1/1         -         -       1/1    100%",
        "bare           0/1         -         -       0/1      0%",
        "total          1/2         -         -       1/2     50%",
        "never exercised:",
        "rules/bare.yaml:5:7: when: never starts a run",
        "rules/bare.yaml:6:9: step call: never acts",
    ]


@pytest.mark.parametrize(("least", "code"), [("50", 0), ("50.1", 1)])
def test_command_asks_for_enough_coverage(folder: Path, least: str, code: int) -> None:
    """Too little ends with 1 and says how much there is."""
    (folder / "rules" / "bare.yaml").write_text(UNTESTED)
    result = run("-k", "low health", "--min-coverage", least)
    assert result.exit_code == code
    assert ("50% of all parts are exercised by a test; at least 50.1% are wanted" in result.stderr) is bool(
        code
    )


def test_command_writes_a_report_for_build_servers(folder: Path) -> None:
    """Also where a test fails; a place that cannot be written to is wrong use."""
    assert run("--junit", "report.xml").exit_code == 1
    assert 'failures="1"' in (folder / "report.xml").read_text()
    result = run("--junit", "nowhere/report.xml")
    assert (result.exit_code, result.stderr) == (
        2, "nowhere/report.xml cannot be written: No such file or directory\n",
    )  # fmt: skip


def test_command_refuses_a_name_that_no_test_has(folder: Path) -> None:
    """A slip in the name must not look like success."""
    result = run("--name", "lwo health")
    assert result.exit_code == 2
    assert 'no test has "lwo health" in its name' in result.stderr


def test_command_prints_json(folder: Path) -> None:
    """Files, tests and differences, for machines."""
    result = run("--json")
    (report,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["file"], report["passed"], report["problems"]) == ("rules/slump.test.yaml", False, [])
    assert [each["passed"] for each in report["tests"]] == [True, False]
    (failure,) = report["tests"][1]["failures"]
    assert failure == {
        "line": 10,
        "column": 57,
        "at": "2026-03-02T15:00:00Z",
        "message": "",
        "differences": [{"about": "starts", "lines": ["- 1", "+ 0"]}],
        "why": ["It does not run: health is 45 (not below 40)."],
    }
    assert report["coverage"]["percent"] == 100
    assert report["coverage"]["missed"] == []


def test_command_tells_what_keeps_it_from_running(folder: Path) -> None:
    """Problems of the playbook or the tests have their places, and end with 1."""
    (folder / "rules" / "slump.yaml").write_text(PLAYBOOK.replace("health", "helth"))
    result = run()
    assert result.exit_code == 1
    assert 'rules/slump.yaml:5:15: playbook "slump": unknown field "account.helth"' in result.stdout
    assert result.stdout.splitlines()[-1] == "no test was run, 1 file could not be used"


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere", "nowhere does not exist"), ("config.yaml", "config.yaml: no tests here")],
)
def test_command_refuses_what_has_no_tests(folder: Path, path: str, message: str) -> None:
    """Wrong use ends with 2 and says what to do."""
    result = run(path)
    assert result.exit_code == 2
    assert message in result.stderr
