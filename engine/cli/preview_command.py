"""`tminus preview`: a task, an email or a message as somebody would get it."""

import webbrowser
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import typer

from engine.authoring.preview import NothingToPreviewError, Preview, as_plain
from engine.authoring.preview import preview as preview_step
from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant, parse_instant
from engine.explain import NothingToExplainError


def preview(
    ctx: typer.Context,
    playbook: Annotated[str, typer.Argument(help="The playbook's name.")],
    step: Annotated[str, typer.Argument(help="The step's id.")],
    account: Annotated[str, typer.Option("--account", help="An account's id, or that of its subject.")],
    at: Annotated[str | None, typer.Option(help="As of this instant: 2026-01-31T09:00:00Z.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write an email's HTML to this file.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show an email's HTML in the browser.")] = False,
    branch: Annotated[
        int | None, typer.Option("--branch", help="Of a step that chooses, this branch.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what STEP of PLAYBOOK would say to whom, doing nothing. Ends with 1 when there is a problem."""
    shell: Shell = ctx.obj
    try:
        instant = datetime.now(UTC) if at is None else parse_instant(at)
        found = preview_step(shell.database, shell.library(), playbook, step, account, instant, branch)
    except (NothingToPreviewError, NothingToExplainError, ValueError) as error:
        shell.refuse(str(error))
    if json:
        shell.print_json(as_plain(found))
    else:
        _print(shell, found)
    if found.html is not None and (html is not None or open_):
        _show(shell, found.html, html, open_)
    if found.problems:
        raise typer.Exit(1)


def _print(shell: Shell, found: Preview) -> None:
    def line(text: str) -> None:
        shell.console.print(text, markup=False)

    about = f"{found.action} of {found.playbook}/{found.step} for {found.subject_id}"
    shell.console.print(f"{about} at {format_instant(found.at)}", style="bold", markup=False)
    line(f"to: {found.to or 'nobody'}")
    for each in found.why:
        line(f"    {each}")
    for name, value in found.facts.items():
        line(f"{name}: {value}")
    if found.title is not None and "Subject" not in found.facts:
        line(f"{'subject' if found.action == 'email' else 'title'}: {found.title}")
    if found.text:
        line(f"\n{found.text.rstrip()}\n")
    for problem in found.problems:
        line(f"problem: {problem}")


def _show(shell: Shell, page: str, file: Path | None, opens: bool) -> None:
    """Write the page where it is wanted, and open it."""
    if file is None:
        with NamedTemporaryFile(prefix="tminus-preview-", suffix=".html", delete=False) as kept:
            file = Path(kept.name)
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        shell.refuse(f"{file}: cannot be written: {error.strerror}")
    if opens:
        webbrowser.open(file.resolve().as_uri())
