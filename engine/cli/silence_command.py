"""`tminus silence` and `tminus silences`: leaving an account alone for a while."""

from dataclasses import asdict
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import typer

from engine.admit.silence import Silence
from engine.admit.silences import SilenceError, add_silence, end_silence, list_silences
from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant, parse_instant
from engine.tick import next_decision

silences = typer.Typer(help="Accounts that are left alone for a while.", no_args_is_help=True)


def silence(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="Id of the account.")],
    until: Annotated[str, typer.Option(help="Its end, such as 2026-04-01T08:00:00Z.")],
    why: Annotated[str, typer.Option(help="Why, for whoever asks later.")],
    playbook: Annotated[str | None, typer.Option(help="Only this playbook; all when left out.")] = None,
    by: Annotated[str, typer.Option(help="Who asks for it.")] = "operator",
    json: JsonOption = False,
) -> None:
    """Start nothing for an account, and send nothing for its open runs, until an instant."""
    shell: Shell = ctx.obj
    if not why.strip():
        shell.refuse("--why is empty; say why the account is to be left alone")
    if playbook is not None:
        _known(shell, playbook)
    try:
        end = parse_instant(until)
        made = add_silence(
            shell.database, account, playbook=playbook, at=_now(shell), until=end, by=by, why=why.strip()
        )
    except (SilenceError, ValueError) as error:
        shell.refuse(str(error))
    _print(shell, [made], json=json)


@silences.command("list")
def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    json: JsonOption = False,
) -> None:
    """Show which accounts are silenced, until when, by whom and why."""
    shell: Shell = ctx.obj
    found = list_silences(shell.database, lasting_at=None if everything else _now(shell))
    if not found and not json:
        shell.console.print("no account is silenced")
        return
    _print(shell, found, json=json)


@silences.command("end")
def end(
    ctx: typer.Context,
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the silence.")],
    by: Annotated[str, typer.Option(help="Who ends it.")] = "operator",
    json: JsonOption = False,
) -> None:
    """End a silence before its time; the next tick starts what is owed."""
    shell: Shell = ctx.obj
    try:
        ended = end_silence(shell.database, silence_id, by=by, at=_now(shell))
    except SilenceError as error:
        shell.refuse(str(error))
    if json:
        shell.print_json(_plain(ended))
    else:
        shell.console.print(f"ended the silence of {ended.account_id}", markup=False)


def _now(shell: Shell) -> datetime:
    return next_decision(shell.database, datetime.now(UTC))


def _known(shell: Shell, playbook: str) -> None:
    names = [each.name for each in shell.library().rules.playbooks]
    if playbook not in names:
        near = get_close_matches(playbook, names, 1)
        hint = f' (did you mean "{near[0]}"?)' if near else f"; known are: {', '.join(names) or 'none'}"
        shell.refuse(f'there is no playbook "{playbook}"{hint}')


def _print(shell: Shell, found: list[Silence], *, json: bool) -> None:
    if json:
        shell.print_json([_plain(each) for each in found])
        return
    for each in found:
        what = each.playbook or "every playbook"
        since, until = format_instant(each.since), format_instant(each.end)
        shell.console.print(
            f"{each.id}  {each.account_id}  {what}  {since} to {until}\n    {each.by}: {each.why}",
            markup=False,
        )


def _plain(each: Silence) -> dict[str, object]:
    return {
        name: format_instant(value) if isinstance(value, datetime) else value
        for name, value in asdict(each).items()
    }
