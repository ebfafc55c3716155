"""`tminus explain`: why a playbook did or did not start for somebody."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant, parse_instant
from engine.conditions.evaluate import Trace
from engine.explain import NothingToExplainError
from engine.explain import explain as explain_subject
from engine.explanation.document import Explanation, as_plain

_STOPS = {True: "[red]✗[/red]", False: "[green]✓[/green]"}
_MARKS = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "[yellow]?[/yellow]"}


def explain(
    ctx: typer.Context,
    playbook: Annotated[str, typer.Argument(help="The playbook's name.")],
    subject: Annotated[str, typer.Argument(help="The subject's id, or its account's.")],
    at: Annotated[str | None, typer.Option(help="As of this instant: 2026-01-31T09:00:00Z.")] = None,
    json: JsonOption = False,
) -> None:
    """Say why PLAYBOOK does or does not run for SUBJECT, now or at a past instant."""
    shell: Shell = ctx.obj
    try:
        instant = datetime.now(UTC) if at is None else parse_instant(at)
        found = explain_subject(shell.database, shell.library(), playbook, subject, instant)
    except (NothingToExplainError, ValueError) as error:
        shell.refuse(str(error))
    if json:
        shell.print_json(as_plain(found))
    else:
        _print(shell, found)


def _print(shell: Shell, found: Explanation) -> None:
    console = shell.console
    console.print(
        f"{found.playbook} for {found.kind} {found.subject_id} at {format_instant(found.at)}",
        style="bold",
        markup=False,
    )
    console.print(found.conclusion, markup=False)
    for title, traced in (("audience", found.audience), ("when", found.when)):
        if traced is not None:
            tree = Tree(f"{_MARKS[traced.verdict]} {title}")
            _grow(tree, traced)
            console.print(tree, soft_wrap=False)
    if found.health is not None and found.health.words:
        console.print(found.health.words, markup=False)
    for words in found.moments:
        console.print(f"on: {words}", markup=False)
    console.print("then", style="bold")
    for remark in found.reasoning:
        console.print(f"  {_STOPS[remark.stops]} {remark.topic}: {escape(remark.words)}")
    if found.upcoming is not None:
        console.print(f"next: {format_instant(found.upcoming.at)}, {found.upcoming.words}", markup=False)
    for each in found.waiting:
        until = format_instant(each["available_at"])
        words = each["waits_for"] or "another try"
        console.print(f"{each['step']} to {each['recipient']} waits until {until}: {words}", markup=False)
    for title, rows in (("runs", found.runs), ("decisions", found.decisions)):
        if rows:
            console.print(title, style="bold")
        for row in rows:
            shown = [
                format_instant(each) if isinstance(each, datetime) else str(each)
                for each in row.values()
                if each
            ]
            console.print("  " + "  ".join(shown), markup=False)


def _grow(tree: Tree, traced: Trace) -> None:
    words = escape(traced.words)
    if traced.children:
        branch = tree.add(f"{_MARKS[traced.verdict]} {words}")
        for child in traced.children:
            _grow(branch, child)
    else:
        tree.add(f"{_MARKS[traced.verdict]} {words}: {escape(traced.actual or 'missing')}")
