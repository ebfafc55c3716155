"""`tminus deliver`: an extra process that sends what waits in the outbox, until it is stopped."""

from functools import partial

import typer

from engine.cli.foreground import interrupt_on_signals, leave_at_once, log_to_stderr, say, settle_in
from engine.cli.shell import Shell
from engine.delivering import deliver as deliver_until_stopped
from engine.settings import ConfigError


def deliver(ctx: typer.Context) -> None:
    """Send what waits in the outbox, beside the service or other such processes. Ctrl-C stops it."""
    shell: Shell = ctx.obj
    log_to_stderr()
    interrupt_on_signals()
    settle_in()
    try:
        is_clean = deliver_until_stopped(shell.settings, shell.database, partial(say, err=False))
    except ConfigError as error:
        shell.refuse(str(error))
    except KeyboardInterrupt:
        return
    if not is_clean:
        leave_at_once()
