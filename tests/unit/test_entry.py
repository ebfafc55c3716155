"""Where the console script begins."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from engine.cli import entry
from engine.cli.commands import COMMANDS, Unloaded
from engine.cli.foreground import settle_in


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Have garbage looked for after the test as before it."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class _InterruptedModule(ModuleType):
    def __getattr__(self, name: str) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_while_commands_load_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exit code that shells give to it."""
    monkeypatch.setitem(sys.modules, "engine.cli.main", _InterruptedModule("engine.cli.main"))
    with pytest.raises(SystemExit) as ended:
        entry.run()
    assert ended.value.code == 130


def test_the_command_that_was_asked_for_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once everything is loaded."""
    monkeypatch.setattr(sys, "argv", ["tminus", "--help"])
    with pytest.raises(SystemExit) as ended:
        entry.run()
    assert ended.value.code == 0
    assert "Customer-success playbooks as files that run." in capsys.readouterr().out


def test_a_command_that_stays_looks_for_garbage_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its beginning spared itself."""
    usual = gc.get_threshold()
    monkeypatch.setattr(sys, "argv", ["tminus", "--help"])
    with pytest.raises(SystemExit):
        entry.run()
    assert gc.get_threshold()[0] > 100 * usual[0]
    settle_in()
    assert gc.get_threshold() == usual


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("main", ["rich.table", "pydantic", "sqlalchemy", "yaml", "jinja2", "holidays", "fastapi"]),
        ("check_command", ["sqlalchemy", "sqlmodel", "alembic", "fastapi", "dns", "durable"]),
        ("test_command", ["alembic", "fastapi", "dns", "dkim", "durable"]),
        ("run_command", ["fastapi", "uvicorn", "aiosmtpd"]),
    ],
)
def test_a_command_loads_without_what_only_others_need(module: str, unneeded: list[str]) -> None:
    """Loading everything takes seconds, and an author starts a command after every change."""
    code = f"import engine.cli.{module}, sys; print([each for each in {unneeded} if each in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_has_the_first_words_of_each_command(name: str) -> None:
    """They stand in a table, so that none is loaded to show what it is for."""
    command = Unloaded(name, COMMANDS[name]).loaded()
    assert COMMANDS[name].about == " ".join(command.help.split("\n\n")[0].split())


def test_a_command_that_is_none_is_refused_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """None has to be loaded to know their names."""
    monkeypatch.setattr(sys, "argv", ["tminus", "chekc"])
    with pytest.raises(SystemExit) as ended:
        entry.run()
    assert ended.value.code == 2
    assert "Did you mean 'check'?" in capsys.readouterr().err
