"""A condition's view of one subject in a book."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from engine.conditions.catalogue import METRIC_NAME, METRIC_VALUE, Field, Kind, Value
from engine.conditions.change_operators import is_change
from engine.conditions.extents import extent_of
from engine.conditions.feed import Feed
from engine.conditions.staleness import is_stale
from engine.conditions.tree import Derived, Predicate, Stream
from engine.conditions.view import Extent, Held, Mark
from engine.runs.run import Step
from engine.state.book import EXISTS, Book, Past

Place = tuple[Kind, str, str]
"""A field of a subject: kind, subject id, field name."""


@dataclass(frozen=True, slots=True)
class BookView:
    """Implements `conditions.view.View` over a book as it stands."""

    book: Book
    kind: Kind
    subject_id: str
    now: datetime
    zone: ZoneInfo
    steps: Mapping[str, Step] | None = None
    """Within a run, its steps by id."""
    started_at: datetime | None = None
    """Within a run, when it started."""
    before: Mapping[Place, Value | None] = field(default_factory=dict)
    """Values to see in place of the book's: those from just before a change."""
    ahead_of: datetime | None = None
    """With `before`, when that change was effective: what was so from then on is not seen."""

    def value(self, field: Field) -> Value | None:
        """The field's value, or None when it is missing or stale."""
        return None if is_stale(field, self) else self.known(field)

    def keeping(self, field: Field) -> tuple[Feed, ...]:
        """The sources that keep the field's values good; of a metric that is counted, those of its name."""
        if self.kind is Kind.METRIC and field in (METRIC_NAME, METRIC_VALUE):
            metric = self.subject_id.partition(":")[2]
            return () if field == METRIC_NAME else self.book.feeds.keeping(Kind.METRIC, metric)
        return self.book.feeds.keeping(field.kind, field.name)

    def known(self, field: Field) -> Value | None:
        """The field's last value, however old."""
        if field == METRIC_NAME and self.kind is Kind.METRIC:
            return self.subject_id.partition(":")[2]
        place = self._place(field)
        if place in self.before:
            return self.before[place]
        kind, subject_id, name = place
        return self.book.subjects[kind].get(subject_id, {}).get(name)

    def extent(self, derived: Derived) -> Extent:
        """What the count or sum is known to be; found once for an instant, however many ask."""
        if self.before:
            return extent_of(derived, self, self._members(derived.kind))
        known = self.book.extents_at(self.now)
        key = derived, self.started_at if derived.is_since_start else None
        if key not in known:
            known[key] = extent_of(derived, self, self._members(derived.kind))
        return known[key]

    def _members(self, kind: Kind | None) -> Iterator["BookView"]:
        """What the account has of a kind, each seen by itself; of `before`, without what is new then."""
        if kind is None:
            return
        for each in self.book.ids(kind):
            if (kind, each, EXISTS) not in self.before:
                yield replace(self, kind=kind, subject_id=each, steps=None, started_at=None)

    def is_latched(self, predicate: Predicate) -> bool | None:
        """Whether the threshold has been passed and not yet recovered from."""
        wanted = predicate.field
        assert wanted is not None
        value = self.value(wanted)
        if not isinstance(value, Decimal):
            return None
        answer = _beyond(predicate, value)
        if answer is not None:
            return answer
        _, subject_id, name = self._place(wanted)
        for effective_at, past in reversed(self.book.histories.get((subject_id, name), [])):
            if self.ahead_of is not None and effective_at >= self.ahead_of:
                continue
            answer = _beyond(predicate, past)
            if answer is not None:
                return answer
        return False

    def extreme(self, predicate: Predicate) -> Held | None:
        """The highest value held within the window of `drops_by`, the lowest of `rises_by`."""
        assert predicate.field is not None
        assert predicate.window is not None
        value = self.value(predicate.field)
        if not isinstance(value, Decimal):
            return None
        sign = 1 if predicate.operator == "drops_by" else -1
        found, floor = Held(value, None), self.now - predicate.window.elapsed
        for past, ended_at in pairwise([*self._course(predicate.field), None]):
            if past is None or not isinstance(past.value, Decimal) or ended_at is None:
                continue
            is_further = sign * past.value >= sign * found.value and found.ended_at is not None
            if ended_at.effective_at > max(floor, past.effective_at) and (
                is_further or sign * past.value > sign * found.value
            ):
                found = Held(past.value, ended_at.effective_at)
        return found

    def _course(self, field: Field) -> list[Past]:
        """What the field was, up to now or to just before the change."""
        course = self.book.courses.get(self._place(field), [])
        if self.ahead_of is None:
            return course
        return [each for each in course if each.effective_at < self.ahead_of]

    def last_change(self, predicate: Predicate) -> datetime | None:
        """When the field last changed as the predicate wants it, within its window."""
        assert predicate.field is not None
        assert predicate.window is not None
        floor = self.now - predicate.window.elapsed
        for new, old in pairwise(reversed(self._course(predicate.field))):
            if new.effective_at < floor:
                return None
            if is_change(predicate, old.value, new.value):
                return new.effective_at
        return None

    def event_times(self, stream: Stream, *, surely: bool = True) -> list[datetime]:
        """When those of the account's events happened that count, or may, oldest first."""
        if stream.is_plain:
            return self.book.event_times.get(stream.name, [])
        flow = self.book.flows.get(stream)
        if flow is None:
            return []
        return flow.surely if surely else flow.maybe

    def last_event(self, stream: Stream, *, surely: bool = True) -> datetime | None:
        """When the newest of them happened."""
        if stream.is_plain:
            return self.book.last_events.get(stream.name)
        return max(self.event_times(stream, surely=surely)[-1:], default=None)

    def marks(self, stream: Stream) -> list[Mark]:
        """What those that count, or may, add to a sum, oldest first."""
        flow = self.book.flows.get(stream)
        return [] if flow is None else flow.marks

    def feeds(self, predicate: Predicate) -> tuple[Feed, ...]:
        """The sources that lag and feed what the predicate asks about."""
        return self.book.feeds.of(predicate)

    def known_since(self) -> datetime | None:
        """Since when the account has been there."""
        return self.book.known_since

    def step_state(self, step: str) -> str | None:
        """The step's state; None outside a run."""
        found = self.steps.get(step) if self.steps is not None else None
        return None if found is None else found.state

    def step_outcome(self, step: str) -> str | None:
        """The outcome a person chose for the step."""
        found = self.steps.get(step) if self.steps is not None else None
        return None if found is None else found.outcome

    def _place(self, field: Field) -> Place:
        if field in (METRIC_NAME, METRIC_VALUE):
            return Kind.METRIC, self.subject_id, field.name
        if field.kind is Kind.METRIC:
            return Kind.METRIC, f"{self.book.account_id}:{field.name}", "value"
        if field.kind is Kind.ACCOUNT:
            return Kind.ACCOUNT, self.book.account_id, field.name
        return field.kind, self.subject_id, field.name


def _beyond(predicate: Predicate, value: Decimal) -> bool | None:
    """True past the threshold, False at or past the recovery, None in between."""
    threshold = predicate.value
    recovery = threshold if predicate.recovers_at is None else predicate.recovers_at
    assert isinstance(threshold, Decimal)
    assert isinstance(recovery, Decimal)
    if predicate.operator == "drops_below":
        return True if value < threshold else False if value >= recovery else None
    return True if value > threshold else False if value <= recovery else None
