"""How far the sources have been seen on which answers rest that take absence for a fact."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from engine.conditions.catalogue import METRIC_VALUE, Kind
from engine.conditions.tree import Predicate

TICK = timedelta(microseconds=1)
"""The smallest step of time."""

FOREVER = datetime.max.replace(tzinfo=UTC)
"""After any instant: what is seen up to there is seen up to now."""


@dataclass(frozen=True, slots=True)
class Advance:
    """From `known_at` on the source counts as seen up to `watermark`."""

    known_at: datetime
    watermark: datetime


@dataclass(frozen=True, slots=True)
class Feed:
    """One source that lags behind what happens. `lag` is how far behind it counts as up to date."""

    source: str
    lag: timedelta = timedelta(0)
    advances: tuple[Advance, ...] = ()
    """In the order in which they became known; their watermarks never go back."""
    fresh_for: timedelta | None = None
    """How long the values it gives stay good after it was last seen; None for ever."""
    live_from: datetime | None = None
    """Since when the settings say so; None for ever. Before that nothing rests on it."""
    live_to: datetime | None = None
    """From when on they say otherwise; None while they do not. Nothing rests on it any more then."""

    def counts(self, now: datetime) -> bool:
        """Whether the settings in force at `now` are those that name it."""
        has_come = self.live_from is None or self.live_from <= now
        return has_come and (self.live_to is None or now < self.live_to)

    @property
    def edition(self) -> tuple[str, datetime | None]:
        """Which source it is, by which settings."""
        return self.source, self.live_from

    @property
    def keeping(self) -> "Feed":
        """The source as what keeps its values good: seen up to when they go stale."""
        return replace(self, lag=self.lag + (self.fresh_for or timedelta(0)))

    def seen(self, now: datetime) -> datetime | None:
        """Its watermark, as known at `now`."""
        count = self._known(now)
        return self.advances[count - 1].watermark if count else None

    def reached(self, now: datetime) -> datetime | None:
        """Up to when it counts as seen, as known at `now`; None before it has ever said so."""
        count = self._known(now)
        return self.advances[count - 1].watermark + self.lag if count else None

    def covers(self, point: datetime, now: datetime) -> bool:
        """Whether it has been seen up to `point`, or up to now where that is earlier, as far as it counts."""
        if not self.counts(now):
            return True
        reached = self.reached(now)
        return reached is not None and reached >= min(point, now)

    def next_change(self, point: datetime, now: datetime) -> datetime | None:
        """The earliest instant after `now` at which `covers` may turn out differently, as far as is known.

        But for those at which the settings change: a fold looks at everything then.
        """
        if not self.counts(now):
            return None
        reached = self.reached(now)
        if reached is not None and reached >= min(point, now):
            return reached + TICK if reached < point and reached + TICK > now else None
        later = self.advances[self._known(now) :]
        return next((each.known_at for each in later if self._ends(each, point)), None)

    def missing(self, point: datetime, now: datetime) -> datetime | None:
        """The watermark it has still to reach for `covers`; None where it does, or is known to come to it."""
        if self.covers(point, now) or self.next_change(point, now) is not None:
            return None
        return min(point, now) - self.lag

    def _known(self, now: datetime) -> int:
        return bisect_right(self.advances, now, key=lambda each: each.known_at)

    def _ends(self, advance: Advance, point: datetime) -> bool:
        return advance.watermark + self.lag >= min(point, advance.known_at)


def in_order(advances: Iterable[Advance]) -> tuple[Advance, ...]:
    """The advances as a feed keeps them: a watermark once reached is not taken back."""
    ordered = sorted(advances, key=lambda each: (each.known_at, each.watermark))
    highest = accumulate((each.watermark for each in ordered), max)
    return tuple(Advance(each.known_at, top) for each, top in zip(ordered, highest, strict=True))


@dataclass(frozen=True)
class Feeds:
    """The sources that lag, by the events and fields they feed. What none of them feeds is always seen."""

    events: Mapping[str, tuple[Feed, ...]] = field(default_factory=dict)
    fields: Mapping[tuple[Kind, str], tuple[Feed, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.events or self.fields)

    def __iter__(self) -> Iterator[Feed]:
        groups = (*self.events.values(), *self.fields.values())
        return iter({each.edition: each for group in groups for each in group}.values())

    @property
    def switches(self) -> frozenset[datetime]:
        """When the settings that name them came into force, or ended."""
        return frozenset(at for each in self for at in (each.live_from, each.live_to) if at is not None)

    def of(self, predicate: Predicate) -> tuple[Feed, ...]:
        """The sources that feed the event or field the predicate asks about, or the events it counts."""
        event = predicate.event if predicate.derived is None else predicate.derived.event
        if event is not None:
            return self.events.get(event, ())
        field = predicate.field
        return () if field is None else self.fields.get((field.kind, field.name), ())

    def keeping(self, kind: Kind, name: str) -> tuple[Feed, ...]:
        """The sources that keep a field's values good, each seen up to when they go stale.

        Of the value of metrics, whichever are counted, those of all metrics.
        """
        if (kind, name) == (METRIC_VALUE.kind, METRIC_VALUE.name):
            fed = tuple(each for place, group in self.fields.items() if place[0] is kind for each in group)
        else:
            fed = self.fields.get((kind, name), ()) if self.fields else ()
        return tuple(each.keeping for each in fed if each.fresh_for is not None)

    def move_at(self, instant: datetime) -> bool:
        """Whether one of them gets further at this very instant, or begins or ceases to count."""
        return instant in self.switches or any(
            each.known_at == instant for feed in self for each in feed.advances
        )

    def without(self, instant: datetime) -> "Feeds":
        """As they were known just before what becomes known at `instant`."""
        return self._mapped(
            lambda feed: replace(
                feed, advances=tuple(each for each in feed.advances if each.known_at != instant)
            )
        )

    def late(self, waited: Mapping[str, datetime], since: datetime, at: datetime) -> "Feeds":
        """With every advance that ends a wait, and that came in after `since` had passed, known from `at` on.

        `waited` has the watermarks that were waited for at `since`, by source.
        """

        def shifted(feed: Feed, each: Advance) -> Advance:
            wanted = waited.get(feed.source)
            is_late = wanted is not None and each.known_at <= since and each.watermark >= wanted
            return replace(each, known_at=at) if is_late else each

        return self._mapped(
            lambda feed: replace(feed, advances=in_order(shifted(feed, each) for each in feed.advances))
        )

    def _mapped(self, change: Callable[[Feed], Feed]) -> "Feeds":
        changed = {each.edition: change(each) for each in self}

        def of(group: tuple[Feed, ...]) -> tuple[Feed, ...]:
            return tuple(changed[each.edition] for each in group)

        return Feeds(
            {name: of(group) for name, group in self.events.items()},
            {place: of(group) for place, group in self.fields.items()},
        )


NO_FEEDS = Feeds()
"""Nothing lags."""
