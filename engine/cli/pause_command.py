"""`tminus pause`, `tminus resume` and `tminus pauses`: letting a whole playbook rest for a while."""

from dataclasses import asdict
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import typer

from engine.admit.pause import Pause
from engine.admit.pauses import PauseError, known_playbooks, list_pauses, pause_playbook, resume_playbook
from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.state.database import reading
from engine.tick import next_decision

Name = Annotated[str, typer.Argument(metavar="PLAYBOOK", help="Name of the playbook.")]


def pause(
    ctx: typer.Context,
    playbook: Name,
    why: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    by: Annotated[str, typer.Option(help="Who asks for it.")] = "operator",
    json: JsonOption = False,
) -> None:
    """Start nothing of a playbook, and send nothing for its open runs, until somebody resumes it."""
    shell: Shell = ctx.obj
    if not why.strip():
        shell.refuse("--why is empty; say why the playbook is to rest")
    _known(shell, playbook)
    try:
        made = pause_playbook(shell.database, playbook, at=_now(shell), by=by, why=why.strip())
    except PauseError as error:
        shell.refuse(str(error))
    _print(shell, [made], json=json)


def resume(
    ctx: typer.Context,
    playbook: Name,
    by: Annotated[str, typer.Option(help="Who resumes it.")] = "operator",
    json: JsonOption = False,
) -> None:
    """End the pause of a playbook; the next tick starts and sends what it still owes."""
    shell: Shell = ctx.obj
    _known(shell, playbook)
    try:
        ended = resume_playbook(shell.database, playbook, at=_now(shell), by=by)
    except PauseError as error:
        shell.refuse(str(error))
    _print(shell, [ended], json=json)


def pauses(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    json: JsonOption = False,
) -> None:
    """Show which playbooks are paused, since when, by whom and why."""
    shell: Shell = ctx.obj
    found = list_pauses(shell.database, only_lasting=not everything)
    if not found and not json:
        shell.console.print("no playbook is paused")
        return
    _print(shell, found, json=json)


def _now(shell: Shell) -> datetime:
    return next_decision(shell.database, datetime.now(UTC))


def _known(shell: Shell, playbook: str) -> None:
    with reading(shell.database) as connection:
        names = known_playbooks(connection)
    if playbook not in names:
        near = get_close_matches(playbook, names, 1)
        hint = f' (did you mean "{near[0]}"?)' if near else f"; in force are: {', '.join(names) or 'none'}"
        shell.refuse(f'no playbook "{playbook}" is in force{hint}')


def _print(shell: Shell, found: list[Pause], *, json: bool) -> None:
    if json:
        shell.print_json([_plain(each) for each in found])
        return
    for each in found:
        until = "" if each.ended_at is None else f" to {format_instant(each.ended_at)} by {each.ended_by}"
        shell.console.print(
            f"{each.playbook}  paused since {format_instant(each.since)}{until}\n    {each.by}: {each.why}",
            markup=False,
        )


def _plain(each: Pause) -> dict[str, object]:
    return {
        name: format_instant(value) if isinstance(value, datetime) else value
        for name, value in asdict(each).items()
    }
