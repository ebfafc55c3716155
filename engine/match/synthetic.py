"""A subject made up of exactly what a condition asks about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.conditions.catalogue import Field, Value
from engine.conditions.feed import Feed
from engine.conditions.tree import Derived, Predicate, Stream
from engine.conditions.view import Extent, Held, Mark

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
"""When made-up subjects are judged, unless something else is said."""
_UTC = ZoneInfo("UTC")


@dataclass
class SyntheticView:
    """A subject made up of exactly what the predicates ask about."""

    now: datetime = NOON
    zone: ZoneInfo = _UTC
    values: dict[str, Value | None] = field(default_factory=dict)
    extents: dict[str, Extent] = field(default_factory=dict)
    """By the path of what is counted or summed."""
    started_at: datetime | None = None
    latches: dict[str, bool | None] = field(default_factory=dict)
    """By the predicate's path."""
    extremes: dict[str, Held | None] = field(default_factory=dict)
    """By the predicate's path."""
    changes: dict[str, datetime | None] = field(default_factory=dict)
    """By the predicate's path."""
    events: dict[Stream, datetime | None] = field(default_factory=dict)
    """The newest that counts."""
    doubtful: dict[Stream, datetime | None] = field(default_factory=dict)
    """The newest of which it is unknown whether it counts, where that is the newer one."""
    times: dict[Stream, list[datetime]] = field(default_factory=dict)
    states: dict[str, str | None] = field(default_factory=dict)
    outcomes: dict[str, str | None] = field(default_factory=dict)

    def value(self, field: Field) -> Value | None:
        """The field's made-up value."""
        return self.values.get(field.path)

    def extent(self, derived: Derived) -> Extent:
        """The made-up count or sum."""
        return self.extents.get(derived.path, Extent(None, None))

    def is_latched(self, predicate: Predicate) -> bool | None:
        """The predicate's made-up latch."""
        return self.latches.get(predicate.path)

    def extreme(self, predicate: Predicate) -> Held | None:
        """The predicate's made-up extreme."""
        return self.extremes.get(predicate.path)

    def last_change(self, predicate: Predicate) -> datetime | None:
        """The predicate's made-up change."""
        return self.changes.get(predicate.path)

    def event_times(self, stream: Stream, *, surely: bool = True) -> list[datetime]:
        """The made-up instants, all of which count."""
        return self.times.get(stream, [])

    def last_event(self, stream: Stream, *, surely: bool = True) -> datetime | None:
        """The made-up instant."""
        known = self.events.get(stream)
        return known if surely else self.doubtful.get(stream, known)

    def marks(self, stream: Stream) -> list[Mark]:
        """None: sums are made up as a whole."""
        return []

    def feeds(self, predicate: Predicate) -> tuple[Feed, ...]:
        """None: made-up subjects are seen at once."""
        return ()

    def keeping(self, field: Field) -> tuple[Feed, ...]:
        """None: made-up values stay good."""
        return ()

    def known_since(self) -> datetime | None:
        """Since ever."""
        return None

    def step_state(self, step: str) -> str | None:
        """The step's made-up state."""
        return self.states.get(step)

    def step_outcome(self, step: str) -> str | None:
        """The step's made-up outcome."""
        return self.outcomes.get(step)


@dataclass(frozen=True)
class Sample:
    """What to put into a view so that one predicate sees one thing."""

    values: Mapping[str, Any] = field(default_factory=dict)
    extents: Mapping[str, Extent] = field(default_factory=dict)
    started_at: datetime | None = None
    latches: Mapping[str, bool | None] = field(default_factory=dict)
    extremes: Mapping[str, Held | None] = field(default_factory=dict)
    changes: Mapping[str, datetime | None] = field(default_factory=dict)
    events: Mapping[Stream, datetime | None] = field(default_factory=dict)
    doubtful: Mapping[Stream, datetime | None] = field(default_factory=dict)
    times: Mapping[Stream, list[datetime]] = field(default_factory=dict)
    states: Mapping[str, str | None] = field(default_factory=dict)
    outcomes: Mapping[str, str | None] = field(default_factory=dict)

    def apply(self, view: SyntheticView) -> None:
        """Make the view show this."""
        view.values.update(self.values)
        view.extents.update(self.extents)
        view.started_at = view.started_at or self.started_at
        view.latches.update(self.latches)
        view.extremes.update(self.extremes)
        view.changes.update(self.changes)
        view.events.update(self.events)
        view.doubtful.update(self.doubtful)
        view.times.update(self.times)
        view.states.update(self.states)
        view.outcomes.update(self.outcomes)
