"""Counted and summed numbers in a comparison: they may be known only to lie between two others.

How they come about stands in `extents`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Context, Decimal
from heapq import merge
from itertools import groupby
from typing import TypeAlias

from engine.conditions.feed import FOREVER
from engine.conditions.tree import Derived, Predicate, Stream
from engine.conditions.view import Extent, View
from engine.conditions.wording import show

Answer: TypeAlias = Callable[[Decimal], bool | None]
"""What the comparison says to one number."""

_NOTHING, _ONE = Decimal(0), Decimal(1)
_SMALLEST = Decimal("0.000001")
_EXACT = Context(prec=100)
_TICK = timedelta(microseconds=1)


def derived_of(predicate: Predicate) -> Derived:
    """What the predicate counts or sums. Raises ValueError when it does neither."""
    if predicate.derived is None:
        raise ValueError(f"{predicate.path}: {predicate.operator} counts and sums nothing")
    return predicate.derived


def settled(derived: Derived, extent: Extent, turns: Iterable[Decimal], answer: Answer) -> Decimal | None:
    """A number of the extent that stands for all of it, because the comparison answers all alike; else None.

    `turns` are the numbers at which the answer may change.
    """
    step = _ONE if derived.is_count else _SMALLEST
    tried = list(_tried(extent, [_EXACT.divide(each, step) for each in turns], step))
    answers = {answer(each) for each in tried}
    return tried[0] if len(answers) == 1 and None not in answers else None


def _tried(extent: Extent, turns: list[Decimal], step: Decimal) -> Iterator[Decimal]:
    """The ends of the extent and, between them, the numbers next to each turn."""
    if extent.exact is not None:
        yield extent.exact
        return
    near = [
        _EXACT.multiply(floor + offset, step)
        for floor in (each.to_integral_value(ROUND_FLOOR, _EXACT) for each in turns)
        for offset in (-1, 0, 1, 2)
    ]
    low = extent.low if extent.low is not None else min([*near, *_given(extent.high)], default=Decimal(0))
    high = extent.high if extent.high is not None else max([*near, low])
    yield low
    yield from (each for each in near if low < each < high)
    yield high


def _given(number: Decimal | None) -> list[Decimal]:
    return [] if number is None else [number]


def next_turn(predicate: Predicate, view: View, turns: Iterable[Decimal], answer: Answer) -> datetime | None:
    """The earliest instant after now at which time alone could change the comparison's answer.

    Of events within a window it is the one at which so many have left it that the answer is another.
    """
    derived = derived_of(predicate)
    extent = view.extent(derived)
    if derived.event is None or derived.window is None:
        return extent.changes_at
    ends = list(turns)
    present, total = _verdict(derived, extent, ends, answer), Total()
    parts = _parts(derived, view, _since(derived, view))
    for part in parts:
        total.add(part)
    for happened_at, leaving in groupby(parts, key=_instant):
        for part in leaving:
            total.take(part)
        if _verdict(derived, total.extent, ends, answer) is not present:
            return happened_at + derived.window.elapsed + _TICK
    return extent.changes_at


def certain_from(
    predicate: Predicate, view: View, turns: Iterable[Decimal], answer: Answer
) -> datetime | None:
    """Up to when the source of the events must have been seen for the present answer to count.

    That is the instant since which the events known, and time, have given it. None where events still to be
    told cannot change it, and where it is unknown anyway. Of those since the start of a run it is always now.
    """
    derived, ends = derived_of(predicate), list(turns)
    extent = view.extent(derived)
    if derived.event is None:
        return None
    present = _verdict(derived, extent, ends, answer)
    is_settled = derived.is_count and settled(derived, Extent(extent.low, None), ends, answer) is not None
    if present is None or is_settled:
        return None
    if derived.window is None:
        return FOREVER
    total, span = Total(), derived.window.elapsed + _TICK
    for part in _parts(derived, view, _since(derived, view)):
        total.add(part)
    for instant, steps in groupby(_steps_back(_parts(derived, view)[::-1], span, view.now), key=_instant):
        for step in steps:
            (total.take if step.is_arrival else total.add)(step.part)
        if _verdict(derived, total.extent, ends, answer) is not present:
            return instant
    since = view.known_since()
    return None if since is None else since + span


def _verdict(derived: Derived, extent: Extent, turns: list[Decimal], answer: Answer) -> bool | None:
    seen = settled(derived, extent, turns, answer)
    return None if seen is None else answer(seen)


@dataclass(frozen=True, slots=True)
class Part:
    """What one member or event adds to a number: the least and the most; None where nothing bounds that."""

    at: datetime | None
    least: Decimal | None
    most: Decimal | None


@dataclass(slots=True)
class Total:
    """What has been added so far."""

    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    unbounded: int = 0
    """How many parts nothing bounds."""

    def add(self, part: Part, sign: int = 1) -> None:
        """Count a part in."""
        if part.least is None or part.most is None:
            self.unbounded += sign
        else:
            self.low += part.least * sign
            self.high += part.most * sign

    def take(self, part: Part) -> None:
        """Count out a part that was counted in."""
        self.add(part, -1)

    @property
    def extent(self) -> Extent:
        """What the number is known to be."""
        return Extent(None, None) if self.unbounded else Extent(self.low, self.high)


def part_of(at: datetime | None, is_sure: bool, amount: Decimal | None) -> Part:
    """What one that counts, or may, adds."""
    if amount is None:
        return Part(at, None, None)
    if is_sure:
        return Part(at, amount, amount)
    return Part(at, min(amount, _NOTHING), max(amount, _NOTHING))


@dataclass(frozen=True, slots=True)
class _Step:
    """An event that happens, or leaves the window."""

    at: datetime
    is_arrival: bool
    part: Part


def _steps_back(newest_first: list[Part], span: timedelta, now: datetime) -> Iterator[_Step]:
    """What has happened and left, from now back."""
    happened = [(each.at, each) for each in newest_first if each.at is not None]
    came = (_Step(at, True, part) for at, part in happened)
    gone = (_Step(at + span, False, part) for at, part in happened if at + span <= now)
    return merge(came, gone, key=_instant, reverse=True)


def _instant(step: Part | _Step) -> datetime:
    assert step.at is not None
    return step.at


def _parts(derived: Derived, view: View, since: datetime | None = None) -> list[Part]:
    """What the events add, oldest first, those before `since` left out."""
    stream = derived.stream
    assert stream is not None
    if not derived.is_count:
        marks = view.marks(stream)
        first = 0 if since is None else bisect_left(marks, since, key=lambda each: each.at)
        return [part_of(each.at, each.is_sure, each.amount) for each in marks[first:]]
    surely, maybe = _times(stream, view, since)
    if len(surely) == len(maybe):
        return [Part(each, _ONE, _ONE) for each in surely]
    certain = Counter(surely)
    found = [Part(each, _NOTHING, _ONE) for each in (Counter(maybe) - certain).elements()]
    return sorted([*found, *(Part(each, _ONE, _ONE) for each in surely)], key=_instant)


def _times(stream: Stream, view: View, since: datetime | None) -> tuple[list[datetime], list[datetime]]:
    """When those happened that count, and those that count or may."""
    surely, maybe = view.event_times(stream), view.event_times(stream, surely=False)
    if since is None:
        return surely, maybe
    return surely[bisect_left(surely, since) :], maybe[bisect_left(maybe, since) :]


def _since(derived: Derived, view: View) -> datetime | None:
    """The first instant whose events count; None where there is no run for them to be in."""
    if derived.window is not None:
        return view.now - derived.window.elapsed
    return None if view.started_at is None else view.started_at + _TICK


def number_within(derived: Derived, view: View) -> Extent:
    """How many events count, or what they sum up to: 0 of none, unknown outside a run that is asked about."""
    since = _since(derived, view)
    if since is None:
        return Extent(None, None)
    if derived.is_count:
        assert derived.stream is not None
        surely, maybe = _times(derived.stream, view, since)
        return Extent(Decimal(len(surely)), Decimal(len(maybe)))
    total = Total()
    for part in _parts(derived, view, since):
        total.add(part)
    return total.extent


def show_extent(extent: Extent) -> str:
    """What is known of the number: "2", "2 to 4", "at least 2", "unknown"."""
    low, high = extent.low, extent.high
    if low is None and high is None:
        return "unknown"
    if low is None:
        return f"at most {show(high)}"
    if high is None:
        return f"at least {show(low)}"
    return show(low) if low == high else f"{show(low)} to {show(high)}"
