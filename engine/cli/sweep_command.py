"""`tminus sweep`: proves that what ticks have come to is what a full evaluation comes to."""

from typing import Annotated

import typer

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.sweep import sweep as compare


def sweep(
    ctx: typer.Context,
    most: Annotated[int, typer.Option(help="How many differences to print.")] = 20,
    json: JsonOption = False,
) -> None:
    """Compare every account with a full evaluation of it; differences are kept as incidents."""
    shell: Shell = ctx.obj
    report = compare(shell.database, shell.library())
    at = None if report.at is None else format_instant(report.at)
    if json:
        found = {"at": at, "accounts": report.accounts, "differences": report.differences}
        shell.print_json(found)
    elif at is None:
        shell.console.print("nothing has been decided yet")
    else:
        noun = "difference" if len(report.differences) == 1 else "differences"
        shell.console.print(f"{at}  {report.accounts} accounts, {len(report.differences)} {noun}")
        for each in report.differences[:most]:
            shell.console.print(each, style="yellow", markup=False)
    if report.differences:
        raise typer.Exit(1)
