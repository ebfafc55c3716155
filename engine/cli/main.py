"""The `tminus` command."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.check_command import check
from engine.cli.dkim_command import dkim
from engine.cli.explain_command import explain
from engine.cli.holds_command import holds
from engine.cli.import_command import import_
from engine.cli.inbox_command import inbox
from engine.cli.new_command import new
from engine.cli.outbox_command import outbox
from engine.cli.preview_command import preview
from engine.cli.run_command import run_service
from engine.cli.schema_command import schema
from engine.cli.shell import Shell
from engine.cli.show_command import show
from engine.cli.silence_command import silence, silences
from engine.cli.sources_command import sources
from engine.cli.suppressions_command import suppressions
from engine.cli.tasks_command import tasks
from engine.cli.test_command import test
from engine.cli.tick_command import tick
from engine.cli.token_command import token
from engine.cli.user_command import user
from engine.cli.watch_command import watch
from engine.state.migrate import migrated

app = typer.Typer(
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
    ctx.obj = Shell(config, migrated)


app.command("check")(check)
app.command("test")(test)
app.command("new")(new)
app.command("watch")(watch)
app.command("schema")(schema)
app.command("show")(show)
app.command("import")(import_)
app.command("tick")(tick)
app.command("run")(run_service)
app.command("tasks")(tasks)
app.command("inbox")(inbox)
app.command("sources")(sources)
app.command("explain")(explain)
app.command("preview")(preview)
app.command("token")(token)
app.command("dkim")(dkim)
app.command("silence")(silence)
app.add_typer(holds, name="holds")
app.add_typer(silences, name="silences")
app.add_typer(outbox, name="outbox")
app.add_typer(suppressions, name="suppressions")
app.add_typer(user, name="user")


def run() -> None:
    """The entry point of the console script."""
    app()
