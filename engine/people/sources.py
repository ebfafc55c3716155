"""The sources as people see them: those that have come, and those that the settings declare."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from engine.clock.zones import format_instant
from engine.settings import Settings
from engine.state.sources import SourceState, list_sources


@dataclass(frozen=True, slots=True)
class ListedSource:
    """One source, with what rests on it."""

    name: str
    last_sync_at: datetime | None
    watermark: datetime | None
    """Up to when it has said everything."""
    rows: int | None
    rejected: int | None
    feeds: tuple[str, ...]
    lag: str
    is_live: bool

    def as_json(self) -> dict[str, Any]:
        """The one JSON form of a source, on the command line and in the API."""
        return {
            name: format_instant(value) if isinstance(value, datetime) else value
            for name, value in asdict(self).items()
        }


def listed_sources(database: Engine, settings: Settings) -> Sequence[ListedSource]:
    """Every source by name."""
    known = {each.name: each for each in list_sources(database)}
    names = sorted({*known, *settings.sources})
    return [listed_source(known.get(name, SourceState(name)), settings) for name in names]


def listed_source(known: SourceState, settings: Settings) -> ListedSource:
    """A source with what the settings say of it."""
    spec = settings.sources.get(known.name)
    return ListedSource(
        known.name,
        known.last_sync_at,
        known.watermark,
        known.rows,
        known.rejected,
        spec.feeds if spec else (),
        spec.lag if spec else "0d",
        bool(spec and spec.live),
    )
