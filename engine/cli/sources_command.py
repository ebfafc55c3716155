"""`tminus sources`: where data comes from, and how far each source has been seen."""

from datetime import UTC, datetime
from typing import Any

import typer

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.people.sources import listed_sources


def sources(ctx: typer.Context, json: JsonOption = False) -> None:
    """Show every source: when it last came, how far it has been seen, and what rests on it."""
    shell: Shell = ctx.obj
    found = listed_sources(shell.database, shell.settings)
    if json:
        shell.print_json([each.as_json() for each in found])
        return
    if not found:
        shell.console.print("no source has come yet, and none is declared in the settings")
    now = datetime.now(UTC)
    for each in found:
        feeds = f"    feeds {', '.join(each.feeds)}" if each.feeds else "    nothing is said to rest on it"
        shell.console.print(f"{each.name}  {_seen(each, now)}\n{feeds}", markup=False)


def _seen(source: Any, now: datetime) -> str:
    if source.is_live:
        return "live"
    if source.watermark is None:
        return "not seen yet"
    hours = int((now - source.watermark).total_seconds() // 3600)
    age = f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
    counts = "" if source.rows is None else f", {source.rows:,} rows, {source.rejected or 0:,} rejected"
    last = "" if source.last_sync_at is None else f", last sync {format_instant(source.last_sync_at)}"
    return f"seen until {format_instant(source.watermark)} ({age} ago){last}{counts}"
