"""Where the console script begins."""

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
