"""`tminus inbox`: reads the mailbox to which bounces, complaints and replies come."""

from collections import Counter
from datetime import UTC, datetime

import typer

from connectors.inbox import InboxError
from engine.cli.shell import JsonOption, Shell
from engine.returns.reading import inbox_of, read_inbox, soft_limit
from engine.settings import ConfigError


def inbox(ctx: typer.Context, json: JsonOption = False) -> None:
    """Take everything new in the mailbox of `email.inbox`, once."""
    shell: Shell = ctx.obj
    email = shell.settings.email
    try:
        mailbox = inbox_of(email)
    except ConfigError as error:
        shell.refuse(str(error))
    if mailbox is None:
        shell.refuse("there is no mailbox to read; set email.inbox in config.yaml")
    counts: Counter[str] = Counter()
    try:
        while found := read_inbox(shell.database, mailbox, soft_limit(email), datetime.now(UTC)):
            counts += found
    except InboxError as error:
        shell.say(f"the mailbox cannot be read: {error}")
        raise typer.Exit(1) from error
    if json:
        shell.print_json(dict(sorted(counts.items())))
    else:
        told = [f"{number} {kind.replace('_', ' ')}" for kind, number in sorted(counts.items())]
        shell.console.print(", ".join(told) or "nothing new")
