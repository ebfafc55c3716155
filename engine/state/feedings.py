"""What rests on which source, by the settings in force at any instant, as the database has them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, func, or_, select

from engine.clock.durations import parse_duration
from engine.identity import digest
from engine.settings import SourceSettings
from engine.state import tables
from engine.state.upsert import upsert

_FEEDING: Any = tables.Feeding.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Edition:
    """The `sources` settings, and while they are in force; None for ever."""

    sources: Mapping[str, SourceSettings]
    live_from: datetime | None = None
    live_to: datetime | None = None

    @property
    def always(self) -> "Edition":
        """The same settings as if they had always been in force."""
        return replace(self, live_from=None, live_to=None)

    @cached_property
    def spans(self) -> Mapping[str, tuple[timedelta, timedelta | None]]:
        """By source that needs a watermark, its lag and how long its values stay good."""
        return {
            name: (
                parse_duration(each.lag).elapsed,
                parse_duration(each.fresh_for).elapsed if each.fresh_for is not None else None,
            )
            for name, each in self.sources.items()
            if not each.live
        }

    def fed(self) -> dict[str, frozenset[tuple[str, timedelta, timedelta | None]]]:
        """By event or field what its values rest on."""
        found: dict[str, set[tuple[str, timedelta, timedelta | None]]] = {}
        for name, spans in self.spans.items():
            for each in self.sources[name].feeds:
                found.setdefault(each, set()).add((name, *spans))
        return {each: frozenset(on) for each, on in found.items()}


def editions(connection: Connection, since: datetime) -> Sequence[Edition]:
    """The settings in force at `since` and those that followed, in their order."""
    newest = select(func.max(_FEEDING.c.live_since)).where(_FEEDING.c.live_since <= since).scalar_subquery()
    query = select(_FEEDING).where(or_(_FEEDING.c.live_since == newest, _FEEDING.c.live_since > since))
    rows = connection.execute(query.order_by(_FEEDING.c.live_since)).all()
    ends = [*(each.live_since for each in rows[1:]), None][: len(rows)]
    return [Edition(_sources(row.content), row.live_since, end) for row, end in zip(rows, ends, strict=True)]


def live_edition(connection: Connection, at: datetime) -> Sequence[Edition]:
    """The settings in force at `at`; none before there ever were any."""
    return [each for each in editions(connection, at)[:1] if each.live_from is None or each.live_from <= at]


def is_feeding_current(connection: Connection, sources: Mapping[str, SourceSettings]) -> bool:
    """Whether what decides is what the settings say."""
    version = connection.scalar(select(_FEEDING.c.version).order_by(_FEEDING.c.live_since.desc()).limit(1))
    return not sources if version is None else bool(version == _version(_content(sources)))


def feeding_goes_live(
    connection: Connection, sources: Mapping[str, SourceSettings], at: datetime
) -> frozenset[str]:
    """Let the settings decide from `at` on; return the events and fields that rest on something else now."""
    before = Edition({})
    for each in live_edition(connection, at):
        before = each
    content = _content(sources)
    upsert(connection, _FEEDING, [{"live_since": at, "version": _version(content), "content": content}])
    was, now = before.fed(), Edition(sources).fed()
    return frozenset(each for each in was.keys() | now.keys() if was.get(each) != now.get(each))


def _content(sources: Mapping[str, SourceSettings]) -> dict[str, Any]:
    return {name: each.model_dump(mode="json") for name, each in sources.items()}


def _version(content: Mapping[str, Any]) -> str:
    return digest("feeding", json.dumps(content, sort_keys=True))


def _sources(content: Mapping[str, Any]) -> dict[str, SourceSettings]:
    return {name: SourceSettings.model_validate(each) for name, each in content.items()}
