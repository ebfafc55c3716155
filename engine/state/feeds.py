"""How far sources have been seen, read from their history, and the accounts that wait for them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, select

from engine.clock.zones import parse_instant
from engine.conditions.catalogue import Kind
from engine.conditions.feed import Advance, Feed, Feeds, in_order
from engine.state import tables

_CHANGE: Any = tables.Change.__table__  # type: ignore[attr-defined]
_AWAITED: Any = tables.Awaited.__table__  # type: ignore[attr-defined]
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]


Feeding: TypeAlias = Mapping[str, tuple[timedelta, Collection[str], timedelta | None]]
"""By source its lag, the events and fields that it feeds, and how long its values stay good."""


def read_feeds(connection: Connection, feeding: Feeding, since: datetime) -> Feeds:
    """How far each source had been seen at `since`, and how it went on from there."""
    return feeds_of(feeding, lambda source: _advances(connection, source, since))


def feeds_of(feeding: Feeding, advances: Callable[[str], Iterable[Advance]]) -> Feeds:
    """The feeds by what they feed, each with the advances of its source."""
    events: dict[str, tuple[Feed, ...]] = {}
    fields: dict[tuple[Kind, str], tuple[Feed, ...]] = {}
    for source, (lag, fed, fresh_for) in sorted(feeding.items()):
        feed = Feed(source, lag, in_order(advances(source)), fresh_for)
        for each in fed:
            kind, _, name = each.partition(".")
            if name and kind in list(Kind):
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


def reached_accounts(connection: Connection, sources: Collection[str], at: datetime) -> Iterator[Any]:
    """The `watch` rows of the accounts whose wait for one of the sources is over at `at`."""
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
