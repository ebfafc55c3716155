"""How far sources have been seen, read from their history, and the accounts that wait for them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select

from engine.clock.zones import parse_instant
from engine.conditions.catalogue import KEPT, Kind
from engine.conditions.feed import Advance, Feed, Feeds, in_order
from engine.settings import SourceSettings
from engine.state import tables
from engine.state.feedings import Edition, editions, live_edition

_CHANGE: Any = tables.Change.__table__  # type: ignore[attr-defined]
_AWAITED: Any = tables.Awaited.__table__  # type: ignore[attr-defined]
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]


def read_feeds(connection: Connection, since: datetime) -> Feeds:
    """How far each source had been seen at `since` and after it, by the settings of each time."""
    return feeds_of(editions(connection, since), lambda source: _advances(connection, source, since))


def read_feeds_by(connection: Connection, at: datetime, since: datetime) -> Feeds:
    """The same by the settings in force at `at`, as if they had always been."""
    found = [each.always for each in live_edition(connection, at)]
    return feeds_of(found, lambda source: _advances(connection, source, since))


def present_feeds(connection: Connection, sources: Mapping[str, SourceSettings], now: datetime) -> Feeds:
    """How far each source has been seen by the settings in force; by `sources` before any ever were."""
    found = [each.always for each in live_edition(connection, now)] or [Edition(sources)]
    return feeds_of(found, lambda source: _advances(connection, source, now))


def feeds_of(given: Sequence[Edition], advances: Callable[[str], Iterable[Advance]]) -> Feeds:
    """The feeds by what they feed, each with the advances of its source."""
    events: dict[str, tuple[Feed, ...]] = {}
    fields: dict[tuple[Kind, str], tuple[Feed, ...]] = {}
    seen = {
        name: in_order(advances(name)) for name in sorted({name for each in given for name in each.spans})
    }
    for edition in given:
        for source, (lag, fresh_for) in sorted(edition.spans.items()):
            feed = Feed(source, lag, seen[source], fresh_for, edition.live_from, edition.live_to)
            for each in edition.sources[source].feeds:
                kind, _, name = each.partition(".")
                if name and kind in KEPT:
                    fields[Kind(kind), name] = (*fields.get((Kind(kind), name), ()), feed)
                else:
                    events[each] = (*events.get(each, ()), feed)
    return Feeds(events, fields)


def _advances(connection: Connection, source: str, since: datetime) -> Iterator[Advance]:
    """The newest at `since`, and those after it."""
    later = _history(source).where(_CHANGE.c.applies_at > since)
    newest = connection.execute(_newest(source, since))
    for applies_at, watermark in [*newest, *connection.execute(later)]:
        yield Advance(applies_at, parse_instant(watermark))


def _history(source: str) -> Select[Any]:
    return select(_CHANGE.c.applies_at, _CHANGE.c.new).where(
        _CHANGE.c.kind == Kind.SOURCE.value,
        _CHANGE.c.subject_id == source,
        _CHANGE.c.field == "watermark",
        _CHANGE.c.new.is_not(None),
    )


def _newest(source: str, at: datetime) -> Select[Any]:
    """How far it was last known at `at` to have been seen."""
    known = _history(source).where(_CHANGE.c.applies_at <= at)
    return known.order_by(_CHANGE.c.applies_at.desc(), _CHANGE.c.id.desc()).limit(1)


def reached_accounts(connection: Connection, at: datetime) -> Iterator[Any]:
    """The `watch` rows of the accounts whose wait for a source is over at `at`."""
    sources = {name for each in live_edition(connection, at) for name in each.spans}
    for source in sorted(sources):
        row = connection.execute(_newest(source, at)).first()
        if row is not None:
            waiting = select(_WATCH).join(_AWAITED, _AWAITED.c.account_id == _WATCH.c.account_id)
            reached = _AWAITED.c.until <= parse_instant(row.new)
            yield from connection.execute(waiting.where(_AWAITED.c.source == source, reached))


def read_waits(connection: Connection, account_ids: Collection[str]) -> dict[str, dict[str, datetime]]:
    """What each of the accounts waits for: watermarks by source."""
    found: dict[str, dict[str, datetime]] = {}
    for row in connection.execute(select(_AWAITED).where(_AWAITED.c.account_id.in_(account_ids))):
        found.setdefault(row.account_id, {})[row.source] = row.until
    return found


def known_since(connection: Connection, account_ids: Collection[str], since: datetime) -> dict[str, datetime]:
    """Since when accounts had been there, as known at `since`."""
    query = select(_CHANGE.c.subject_id, _CHANGE.c.effective_at).where(
        _CHANGE.c.kind == Kind.ACCOUNT.value,
        _CHANGE.c.field == "exists",
        _CHANGE.c.subject_id.in_(list(account_ids)),
        _CHANGE.c.applies_at <= since,
    )
    found: dict[str, datetime] = {}
    for subject_id, effective_at in connection.execute(query):
        found[subject_id] = min(effective_at, found.get(subject_id, effective_at))
    return found
