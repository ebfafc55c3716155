"""`tminus holds`: what the guard stopped, and letting it go."""

from datetime import datetime
from typing import Annotated

import typer

from engine.admit.holds import HeldBatch, list_holds, release_holds
from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.match.choice import open_matcher
from engine.tick import Ticker, last_tick

holds = typer.Typer(help="What the guard stopped, and letting it go.", no_args_is_help=True)


@holds.command("list")
def list_(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Released ones too.")] = False,
    json: JsonOption = False,
) -> None:
    """Show the held batches, with why each was stopped."""
    shell: Shell = ctx.obj
    found = list_holds(shell.database, only_held=not everything)
    if json:
        shell.print_json([_plain(each) for each in found])
        return
    if not found:
        shell.console.print("nothing is held")
        return
    for each in found:
        shell.console.print(
            f"{each.id}  {each.playbook}  {format_instant(each.at)}  {each.size} openings  {each.state}\n"
            f"    {each.reason}",
            markup=False,
        )


@holds.command("release")
def release(
    ctx: typer.Context,
    hold: Annotated[list[str] | None, typer.Argument(help="Ids of holds.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every hold.")] = False,
    by: Annotated[str, typer.Option(help="Who releases it.")] = "operator",
    json: JsonOption = False,
) -> None:
    """Start what was held, where it still applies, as of the last tick."""
    shell: Shell = ctx.obj
    if bool(hold) == everything:
        shell.refuse("name the holds to release, or give --all")
    chosen = _chosen(shell, hold, everything)
    at = last_tick(shell.database)
    starts = _release(shell, chosen, by, at) if chosen and at is not None else 0
    if json:
        shell.print_json({"released": chosen, "starts": starts})
    else:
        shell.console.print(f"released {len(chosen)} holds: {starts} runs started")


def _chosen(shell: Shell, hold: list[str] | None, everything: bool) -> list[str]:
    held = {each.id for each in list_holds(shell.database, only_held=True)}
    if everything:
        return sorted(held)
    unknown = [each for each in hold or () if each not in held]
    if unknown:
        shell.refuse(f"{', '.join(unknown)}: not held; see tminus holds list")
    return list(hold or ())


def _release(shell: Shell, chosen: list[str], by: str, at: datetime) -> int:
    release_holds(shell.database, chosen, by=by, at=at)
    matcher = open_matcher(shell.settings)
    try:
        return Ticker(shell.database, shell.settings, shell.library(), matcher).tick(at).starts
    finally:
        matcher.close()


def _plain(each: HeldBatch) -> dict[str, object]:
    return {
        "id": each.id,
        "playbook": each.playbook,
        "at": format_instant(each.at),
        "openings": each.size,
        "state": each.state,
        "reason": each.reason,
    }
