"""`tminus watch`: check and test whenever a file is saved."""

import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from engine.authoring.watching import EVERYTHING, affected, rounds, snapshot
from engine.cli.check_command import check
from engine.cli.foreground import settle_in
from engine.cli.shell import Shell
from engine.cli.test_command import test


def watch(
    ctx: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rule files or folders; the configured rules when left out.")
    ] = None,
    every: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks at the files.")] = 0.5,
) -> None:
    """Check and test playbooks now and on every save, until Ctrl-C."""
    shell: Shell = ctx.obj
    for path in paths or ():
        if not path.exists():
            shell.refuse(f"{path} does not exist")
    chosen = list(paths or [shell.settings.rules])
    watched = [*chosen, shell.settings.templates, _config(shell)]
    settle_in()
    interruption = _Interruption()
    try:
        for changed in rounds(lambda: snapshot(watched), lambda: interruption.sleep(every)):
            _round(ctx, shell, changed, chosen)
    except KeyboardInterrupt:
        shell.console.print("stopped")


class _Interruption:
    """Ctrl-C, which also ends what it came too early or too deep for: Python loses it in a finalizer."""

    def __init__(self) -> None:
        self._has_come = False
        signal.signal(signal.SIGINT, self._come)

    def sleep(self, seconds: float) -> None:
        """Wait between two looks. Raises KeyboardInterrupt once Ctrl-C has come."""
        if self._has_come:
            raise KeyboardInterrupt
        time.sleep(seconds)

    def _come(self, _number: int, _frame: FrameType | None) -> None:
        self._has_come = True
        raise KeyboardInterrupt


def _config(shell: Shell) -> Path:
    return shell.config or Path(os.environ.get("TMINUS_CONFIG") or "config.yaml")


def _round(ctx: typer.Context, shell: Shell, changed: frozenset[Path], chosen: list[Path]) -> None:
    """Check everything and test what is affected, with the settings as they are now."""
    if changed != EVERYTHING:
        names = ", ".join(sorted(map(str, changed)))
        shell.console.print(f"\n{time.strftime('%H:%M:%S')} changed: {names}", markup=False)
    ctx.obj = Shell(shell.config, shell.open_engine)
    present = [each for each in chosen if each.exists()]
    for command, about in ((check, present), (test, affected(changed, present))):
        try:
            command(ctx, about)
        except typer.Exit:
            continue
