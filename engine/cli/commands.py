"""Every command by name, with the line the overview shows; its module is loaded once it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True)
class Place:
    """Where a command is, and what it is for."""

    module: str
    """Of this package."""
    attribute: str
    about: str
    """The first paragraph of the command's docstring, which is not loaded to show the overview."""


COMMANDS: Mapping[str, Place] = {
    "check": Place(
        "check_command",
        "check",
        "Check rule files and the templates they name. Ends with 1 when there is an error.",
    ),
    "test": Place(
        "test_command", "test", "Run the tests of playbooks. Ends with 1 when one fails or cannot be run."
    ),
    "new": Place(
        "new_command",
        "new",
        "Write a playbook with its templates and a test, to be changed from there. Never overwrites.",
    ),
    "watch": Place("watch_command", "watch", "Check and test playbooks now and on every save, until Ctrl-C."),
    "schema": Place(
        "schema_command",
        "schema",
        "Print the JSON Schema of rule files, with the fields and roles of the settings.",
    ),
    "show": Place(
        "show_command",
        "show",
        "Print PLAYBOOK as a file that needs no blueprint, then the shared conditions it uses.",
    ),
    "import": Place(
        "import_command",
        "import_",
        "Import CSV files. Ends with 1 when rows were rejected; the rest has been taken in all the same.",
    ),
    "tick": Place("tick_command", "tick", "Decide everything that changes and time have made due."),
    "run": Place(
        "run_command",
        "run_service",
        "Run the service: scheduler, delivery, API and console. Ctrl-C stops it.",
    ),
    "deliver": Place(
        "deliver_command",
        "deliver",
        "Send what waits in the outbox, beside the service or other such processes. Ctrl-C stops it.",
    ),
    "tasks": Place("tasks_command", "tasks", "List tasks by priority and due time."),
    "inbox": Place("inbox_command", "inbox", "Take everything new in the mailbox of `email.inbox`, once."),
    "sources": Place(
        "sources_command",
        "sources",
        "Show every source: when it last came, how far it has been seen, and what rests on it.",
    ),
    "explain": Place(
        "explain_command",
        "explain",
        "Say why PLAYBOOK does or does not run for SUBJECT, now or at a past instant.",
    ),
    "preview": Place(
        "preview_command",
        "preview",
        "Show what STEP of PLAYBOOK would say to whom, doing nothing. Ends with 1 when there is a problem.",
    ),
    "token": Place(
        "token_command",
        "token",
        "Make a token for the API and the console, or revoke the tokens of a name.",
    ),
    "dkim": Place(
        "dkim_command",
        "dkim",
        "Show the DNS records to publish, so that receivers can check the signatures of emails.",
    ),
    "silence": Place(
        "silence_command",
        "silence",
        "Start nothing for an account, and send nothing for its open runs, until an instant.",
    ),
    "pause": Place(
        "pause_command",
        "pause",
        "Start nothing of a playbook, and send nothing for its open runs, until somebody resumes it.",
    ),
    "resume": Place(
        "pause_command",
        "resume",
        "End the pause of a playbook; the next tick starts and sends what it still owes.",
    ),
    "pauses": Place(
        "pause_command", "pauses", "Show which playbooks are paused, since when, by whom and why."
    ),
    "holds": Place("holds_command", "holds", "What the guard stopped, and letting it go."),
    "silences": Place("silence_command", "silences", "Accounts that are left alone for a while."),
    "outbox": Place("outbox_command", "outbox", "Messages on their way out, and those given up."),
    "suppressions": Place("suppressions_command", "suppressions", "Addresses nothing is sent to."),
    "consent": Place(
        "consent_command",
        "consent",
        "Show what holds for an address, and every change of it: what, when, by which way, and who.",
    ),
    "tokens": Place("token_command", "tokens", "The tokens that are in use."),
    "user": Place("user_command", "user", "Who may sign in to the console."),
}


class Unloaded(TyperCommand):
    """A command of which only the name and what it is for are known."""

    def __init__(self, name: str, place: Place) -> None:
        """Stand for the command called `name`."""
        super().__init__(name=name, help=place.about)
        self.place = place

    def loaded(self) -> Any:
        """The command itself, with its options, or the group with its commands."""
        module = import_module(f"engine.cli.{self.place.module}")
        found = getattr(module, self.place.attribute)
        if isinstance(found, typer.Typer):
            command: Any = get_group(found)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(self.name)(found)
            command = get_command(alone)
        command.name = self.name
        return command


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        """Name every command without loading one."""
        super().__init__(**attributes)
        for name, place in COMMANDS.items():
            self.add_command(Unloaded(name, place))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that was asked for, loaded. Refuses a name that is none, with the nearest one."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.loaded() if isinstance(command, Unloaded) else command, rest
