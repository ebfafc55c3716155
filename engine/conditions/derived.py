"""Counted and summed numbers in a comparison: they may be known only to lie between two others.

How they come about stands in `extents`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Context, Decimal
from heapq import merge
from itertools import groupby
from typing import TypeAlias

from engine.conditions.feed import FOREVER
from engine.conditions.tree import Derived, Predicate
from engine.conditions.view import Extent, View
from engine.conditions.wording import show

Answer: TypeAlias = Callable[[Decimal], bool | None]
"""What the comparison says to one number."""

_ONE = Decimal(1)
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

    def verdict(left: int) -> bool | None:
        seen = settled(derived, _without(extent, left), ends, answer)
        return None if seen is None else answer(seen)

    present = verdict(0)
    span = derived.window.elapsed
    times = times_within(derived, view)
    for left, happened_at in enumerate(times, start=1):
        leaves_alone = times[left : left + 1] != [happened_at]
        if leaves_alone and verdict(left) is not present:
            return happened_at + span + _TICK
    return extent.changes_at


def certain_from(
    predicate: Predicate, view: View, turns: Iterable[Decimal], answer: Answer
) -> datetime | None:
    """Up to when the source of counted events must have been seen for the present answer to count.

    That is the instant since which the events known, and time, have given it. None where events still to be
    told cannot change it. Of those since the start of a run it is always now.
    """
    derived = derived_of(predicate)
    extent, ends = view.extent(derived), list(turns)
    if derived.event is None or extent.low is None:
        return None
    if settled(derived, Extent(extent.low, None), ends, answer) is not None:
        return None
    if derived.window is None:
        return FOREVER
    count, present, span = extent.low, answer(extent.low), derived.window.elapsed + _TICK
    times = view.event_times(derived.event)[::-1]
    gone = ((each + span, 1) for each in times if each + span <= view.now)
    back = merge(((each, -1) for each in times), gone, key=_instant, reverse=True)
    for instant, steps in groupby(back, key=_instant):
        count += sum(step for _, step in steps)
        if answer(count) is not present:
            return instant
    since = view.known_since()
    return None if since is None else since + span


def _instant(step: tuple[datetime, int]) -> datetime:
    return step[0]


def _without(extent: Extent, left: int) -> Extent:
    """The extent when so many of those that count no longer do."""
    low, high = (None if each is None else each - left for each in (extent.low, extent.high))
    return replace(extent, low=low, high=high)


def times_within(derived: Derived, view: View) -> list[datetime]:
    """When the events that count happened, oldest first; none where there is no run for them to be in."""
    assert derived.event is not None
    times = view.event_times(derived.event)
    if derived.window is not None:
        return times[bisect_left(times, view.now - derived.window.elapsed) :]
    started_at = view.started_at
    return [] if started_at is None else times[bisect_left(times, started_at + _TICK) :]


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
