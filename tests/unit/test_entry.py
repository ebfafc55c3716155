"""Where the console script begins."""

import subprocess
import sys
from types import ModuleType

import pytest

from engine.cli import entry


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


def test_commands_load_without_what_only_the_service_needs() -> None:
    """The web server and the mailbox are a third of all that could be loaded."""
    names = "('fastapi', 'uvicorn', 'aiosmtpd')"
    code = f"import engine.cli.main, sys; print([each for each in {names} if each in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
