"""The sources as people see them: those that have come, and those that the settings declare."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine

from engine.clock.zones import format_instant
from engine.conditions.catalogue import Catalogue, Kind
from engine.conditions.feed import FOREVER, Feed
from engine.conditions.staleness import stale_words
from engine.settings import Settings, SourceSettings
from engine.state.database import reading
from engine.state.feedings import live_edition
from engine.state.feeds import present_feeds
from engine.state.sources import SourceState, list_sources

_UNDECLARED = SourceSettings.model_construct(feeds=())


@dataclass(frozen=True, slots=True)
class ListedSource:
    """One source, with what rests on it by the settings in force."""

    name: str
    declared_at: datetime | None
    """Since when the settings name it."""
    last_sync_at: datetime | None
    watermark: datetime | None
    """Up to when it has said everything."""
    rows: int | None
    rejected: int | None
    feeds: tuple[str, ...]
    lag: str
    fresh_for: str | None
    """How long the values of the fields it feeds stay good; None for ever."""
    is_stale: bool
    """Whether these values are no longer good."""
    stale_since: datetime | None
    """None where they are good, and where it has never been seen."""
    is_live: bool

    def as_json(self) -> dict[str, Any]:
        """The one JSON form of a source, on the command line and in the API."""
        return {
            name: format_instant(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


def listed_sources(database: Engine, settings: Settings, now: datetime) -> Sequence[ListedSource]:
    """Every source by name, as it stands at `now`."""
    known = {each.name: each for each in list_sources(database)}
    with reading(database) as connection:
        specs = next((each.sources for each in live_edition(connection, now)), settings.sources)
        feeds = {each.source: each for each in present_feeds(connection, settings.sources, now)}
    return [
        _listed(known.get(name, SourceState(name)), specs.get(name, _UNDECLARED), feeds.get(name), now)
        for name in sorted({*known, *specs})
    ]


def listed_source(database: Engine, settings: Settings, name: str, now: datetime) -> ListedSource:
    """One source as it stands at `now`. Raises StopIteration when there is none of that name."""
    return next(each for each in listed_sources(database, settings, now) if each.name == name)


def stale_account_fields(
    connection: Connection, catalogue: Catalogue, settings: Settings, now: datetime
) -> Mapping[str, str]:
    """Of the fields of accounts those that are stale at `now`, with since when and why, by name."""
    feeds = present_feeds(connection, settings.sources, now)
    found = {}
    for name, field in catalogue.of_kind(Kind.ACCOUNT).items():
        keeping = feeds.keeping(field.kind, name)
        if any(_is_silent(each, now) for each in keeping):
            found[name] = stale_words(field, keeping, now)
    return found


def _listed(known: SourceState, spec: SourceSettings, feed: Feed | None, now: datetime) -> ListedSource:
    keeping = None if feed is None or feed.fresh_for is None else feed.keeping
    is_stale = keeping is not None and _is_silent(keeping, now)
    return ListedSource(
        known.name,
        known.declared_at,
        known.last_sync_at,
        known.watermark,
        known.rows,
        known.rejected,
        spec.feeds,
        spec.lag,
        spec.fresh_for,
        is_stale,
        keeping.reached(now) if keeping is not None and is_stale else None,
        spec.live,
    )


def _is_silent(keeping: Feed, now: datetime) -> bool:
    return not keeping.covers(FOREVER, now)
