"""`tminus tasks`: what is in people's queues."""

from typing import Annotated, get_args

import typer
from rich.table import Table
from rich.text import Text

from engine.cli.shell import JsonOption, Shell
from engine.people import queue
from engine.people.queue import QueueTask, TaskFilter, TaskState
from engine.state.database import reading

_STATES = (*get_args(TaskState), "all")


def tasks(
    context: typer.Context,
    assignee: Annotated[str | None, typer.Option(help="A person's id, or team:ROLE.")] = None,
    account: Annotated[str | None, typer.Option(help="An account's id.")] = None,
    state: Annotated[str, typer.Option(help="open, done, skipped, cancelled or all.")] = "open",
    as_json: JsonOption = False,
) -> None:
    """List tasks by priority and due time."""
    shell: Shell = context.obj
    if state not in _STATES:
        shell.refuse(f'"{state}" is not a state of a task; use one of {", ".join(_STATES)}.')
    wanted = TaskFilter(assignee, account, state=None if state == "all" else state)  # type: ignore[arg-type]
    with reading(shell.database) as connection:
        found = queue.every(connection, wanted)
    if as_json:
        shell.print_json([task.as_json() for task in found])
    else:
        shell.console.print(_table(found) if found else "No tasks.")


def _table(found: list[QueueTask]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("Due", "Pri", "Task", "Account", "Assignee", "Playbook", "Why"):
        table.add_column(heading, overflow="fold")
    for task in found:
        cells = (
            task.due_on.isoformat(),
            str(task.priority),
            task.title,
            task.account,
            task.assignee_name,
            f"{task.playbook} · {task.step}",
            task.reason,
        )
        # Text, so that brackets in names are not read as markup.
        table.add_row(*(Text(_printable(cell)) for cell in cells))
    return table


def _printable(text: str) -> str:
    """Without control characters, which could command the terminal."""
    return "".join(each if each.isprintable() else " " for each in text)
