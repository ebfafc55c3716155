"""`tminus import`: take in a folder of CSV files as a mapping says."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.shell import JsonOption, Shell
from engine.sources.importing import ImportReport, run_import
from engine.sources.parse_mapping import MappingError

SHOWN = 20
"""Rejected rows named on the screen; the rejects file has all."""


def import_(
    ctx: typer.Context,
    mapping: Annotated[Path, typer.Argument(help="The mapping file.")],
    path: Annotated[Path, typer.Argument(help="The folder with the CSV files.")],
    rejects: Annotated[
        Path | None, typer.Option(help="Where rejected rows go; var/rejects/MAPPING.csv when left out.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Import CSV files. Ends with 1 when rows were rejected; the rest has been taken in all the same."""
    shell: Shell = ctx.obj
    chosen = rejects or Path("var") / "rejects" / f"{mapping.resolve().parent.name}-{mapping.stem}.csv"
    _check_paths(shell, mapping, path, chosen)
    catalogue = shell.settings.catalogue()
    try:
        report = run_import(shell.database, catalogue, mapping, path, now=datetime.now(UTC), rejects=chosen)
    except MappingError as error:
        shell.refuse(str(error))
    except OSError as error:
        shell.refuse(f"{error.filename or path}: {error.strerror}")
    if json:
        shell.print_json(_document(report))
    else:
        _print(shell, report)
    if report.rejected:
        raise typer.Exit(1)


def _check_paths(shell: Shell, mapping: Path, folder: Path, rejects: Path) -> None:
    if not mapping.is_file():
        shell.refuse(f"there is no mapping file {mapping}")
    if not folder.is_dir():
        shell.refuse(f"there is no folder {folder}")
    if folder.resolve() in rejects.resolve().parents:
        shell.refuse(f"the rejects file {rejects} lies in the folder that is imported; choose another place")
    if rejects.is_dir() or rejects.resolve() == mapping.resolve():
        shell.refuse(f"{rejects} cannot be the rejects file; choose another place")


def _print(shell: Shell, report: ImportReport) -> None:
    for bad in report.bad_rows[:SHOWN]:
        shell.console.print(str(bad), markup=False)
    if report.rejected > SHOWN:
        shell.console.print(f"… and {report.rejected - SHOWN:,} more")
    for kind, count in report.kinds.items():
        counts = f"{count.created:,} new, {count.changed:,} changed, {count.unchanged:,} unchanged"
        shell.console.print(f"{kind}s: {counts}")
    shell.console.print(f"events: {report.events:,} new, {report.repeated:,} known already")
    shell.console.print(f"history: {report.changes:,} changes written")
    shell.console.print(f"rows: {report.rows:,} read, {report.rejected:,} rejected")
    if report.rejects:
        shell.console.print(f"rejected rows are in {report.rejects}", markup=False)


def _document(report: ImportReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "rows": report.rows,
        "kinds": {
            kind.value: {"created": each.created, "changed": each.changed, "unchanged": each.unchanged}
            for kind, each in report.kinds.items()
        },
        "events": {"created": report.events, "known": report.repeated},
        "changes": report.changes,
        "accounts": len(report.accounts),
        "rejected": report.rejected,
        "rejects": str(report.rejects) if report.rejects else None,
        "bad_rows": [
            {"file": each.file, "line": each.line, "column": each.column or None, "reason": each.reason}
            for each in report.bad_rows
        ],
    }
