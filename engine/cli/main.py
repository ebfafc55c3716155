"""The `tminus` command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.commands import Commands
from engine.cli.shell import Shell

if TYPE_CHECKING:
    from sqlalchemy import Engine

app = typer.Typer(
    cls=Commands,
    name="tminus",
    help="Customer-success playbooks as files that run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def configure(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings file; else TMINUS_CONFIG, else ./config.yaml.")
    ] = None,
) -> None:
    """Read the configuration that every command works with."""
    ctx.obj = Shell(config, _opened)


def _opened(url: str) -> "Engine":
    """The migrated database; whoever needs none does not wait for the libraries of one."""
    from engine.state.migrate import migrated

    return migrated(url)


def run() -> None:
    """The entry point of the console script."""
    app()
