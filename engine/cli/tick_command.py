"""`tminus tick`: one pass, now or at a given instant."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant, parse_instant
from engine.judging import TickReport
from engine.match.choice import open_matcher
from engine.tick import Ticker, TickInThePastError


def tick(
    ctx: typer.Context,
    at: Annotated[str | None, typer.Option(help="The instant to decide at: 2026-01-31T09:00:00Z.")] = None,
    ahead: Annotated[
        bool, typer.Option("--ahead", help="Let --at lie in the future: nothing is decided until then again.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Decide everything that changes and time have made due."""
    shell: Shell = ctx.obj
    now = datetime.now(UTC)
    instant = now if at is None else _instant(shell, at)
    if instant > now and not ahead:
        shell.refuse(
            f"--at: {format_instant(instant)} lies in the future. A tick there decides as if it were then, "
            "cannot be taken back, and nothing is decided again until then. Leave --at out to decide now, "
            "use a copy of the database to try, or add --ahead if this is meant"
        )
    library = shell.library()
    if instant > now:
        shell.say(f"{format_instant(instant)} lies in the future; nothing is decided before then again")
    matcher = open_matcher(shell.settings)
    try:
        report = Ticker(shell.database, shell.settings, library, matcher).tick(instant)
    except TickInThePastError as error:
        shell.refuse(str(error))
    finally:
        matcher.close()
    if json:
        shell.print_json(_plain(report))
    else:
        _print(shell, report)
    if not library.rules.is_sound:
        raise typer.Exit(1)


def _instant(shell: Shell, at: str) -> datetime:
    try:
        return parse_instant(at)
    except ValueError as error:
        shell.refuse(f"--at: {error}")


def _plain(report: TickReport) -> dict[str, Any]:
    told = {name: value for name, value in asdict(report).items() if name != "passed"}
    return {**told, "at": format_instant(report.at), "seconds": round(report.seconds, 3)}


def _print(shell: Shell, report: TickReport) -> None:
    shell.console.print(
        f"{format_instant(report.at)}  {report.accounts} accounts judged in {report.seconds:.2f} s: "
        f"{report.starts} runs started, {report.tasks} tasks, "
        f"{report.messages} messages, {report.ended} ended"
    )
    if report.held:
        shell.console.print(
            f"{report.held} openings are held by the guard; see [bold]tminus holds list[/bold]"
        )
    for incident in [*report.incidents, *report.circles]:
        shell.console.print(f"incident: {incident}", style="yellow", markup=False)
