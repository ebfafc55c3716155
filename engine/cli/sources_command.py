"""`tminus sources`: where data comes from, and how far each source has been seen."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import typer

from engine.cli.shell import JsonOption, Shell
from engine.clock.zones import format_instant
from engine.people.sources import ListedSource, listed_sources


def sources(ctx: typer.Context, json: JsonOption = False) -> None:
    """Show every source: when it last came, how far it has been seen, and what rests on it."""
    shell: Shell = ctx.obj
    now = datetime.now(UTC)
    found = listed_sources(shell.database, shell.settings, now)
    if json:
        shell.print_json([each.as_json() for each in found])
        return
    if not found:
        shell.console.print("no source has come yet, and none is declared in the settings")
    for each in found:
        shell.console.print("\n    ".join(_lines(each, now)), markup=False)


def _lines(source: ListedSource, now: datetime) -> Iterator[str]:
    yield f"{source.name}  {_seen(source, now)}"
    yield f"feeds {', '.join(source.feeds)}" if source.feeds else "nothing is said to rest on it"
    if source.feeds and not source.is_live:
        fresh_for = "its values stay good" if source.fresh_for is None else f"fresh for {source.fresh_for}"
        yield f"lag {source.lag}, {fresh_for}{_stale(source, now)}"


def _stale(source: ListedSource, now: datetime) -> str:
    if not source.is_stale:
        return ""
    if source.stale_since is None:
        return "; stale: it has never been seen"
    age = _age(now - source.stale_since)
    return f"; stale since {format_instant(source.stale_since)} ({age})"


def _seen(source: ListedSource, now: datetime) -> str:
    if source.is_live:
        return "live"
    if source.watermark is None:
        since = "" if source.declared_at is None else f", declared {format_instant(source.declared_at)}"
        return f"not seen yet{since}"
    counts = "" if source.rows is None else f", {source.rows:,} rows, {source.rejected or 0:,} rejected"
    last = "" if source.last_sync_at is None else f", last sync {format_instant(source.last_sync_at)}"
    seen = format_instant(source.watermark)
    return f"seen until {seen} ({_age(now - source.watermark)} ago){last}{counts}"


def _age(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
