"""A playbook's steps laid out in time: where each stands when nothing holds it up."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.clock.durations import Duration
from engine.people.playbook_words import timing_words
from engine.rulefile.model import AfterTiming, AnchorTiming, DayTiming, Playbook, Step

WIDTH = 1000
"""Units of the picture, of which a character of a label takes `CHARACTER` and a line of labels `LINE`."""
MARGIN = 12
CHARACTER = 8.5
LINE = 24
_DAYS_OF_BUSINESS_DAY = 7 / 5
_SPANS = (1, 2, 5, 7, 14, 30, 60, 90, 180, 365)
"""Days between two marks of a scale."""
_MOST_MARKS = 10

START = "start"
ANCHOR = "anchor"
MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands: so many days from the start or the anchor of its run, or from a moment in it."""

    origin: str
    days: float
    after: str | None = None
    """The step it counts from, which can take longer than is shown."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A step on an axis. `x` and `y` are its dot, `label_x` is where its label begins."""

    id: str
    words: str
    x: float
    y: float
    label_x: float
    is_earliest: bool
    """Whether it stands there at the earliest, as it waits for another step."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis with its marks; `ticks` are the days of its scale with their places."""

    title: str
    ticks: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    height: float
    is_point: bool
    """Whether all of it happens at once, so that there is nothing to draw."""


def axes(playbook: Playbook) -> tuple[Axis, ...]:
    """An axis for what counts from the start, one for what counts from the anchor, one for moments."""
    placed = places(playbook)
    anchor = playbook.anchor.path if playbook.anchor else "the anchor"
    titles = {START: "Days from the start", ANCHOR: f"Days from {anchor}", MOMENT: "Days from its moment"}
    found = []
    for origin, title in titles.items():
        steps = [each for each in playbook.steps if placed[each.id].origin == origin]
        if steps:
            found.append(_axis(title, origin, steps, placed))
    return tuple(found)


def places(playbook: Playbook) -> Mapping[str, Place]:
    """The place of every step, by its id."""
    found: dict[str, Place] = {}
    waiting = list(playbook.steps)
    while waiting:
        waiting = [each for each in waiting if not _put(each, found)]
    return found


def _put(step: Step, found: dict[str, Place]) -> bool:
    """Place a step, unless what it counts from has no place yet."""
    timing = step.timing
    if isinstance(timing, DayTiming):
        found[step.id] = Place(START, _days(timing.offset))
    elif isinstance(timing, AnchorTiming):
        found[step.id] = Place(ANCHOR, timing.days)
    elif isinstance(timing, AfterTiming):
        base = found.get(timing.step)
        if base is None:
            return False
        found[step.id] = Place(base.origin, base.days + _days(timing.offset), timing.step)
    else:
        found[step.id] = Place(MOMENT, 0.0)
    return True


def _days(offset: Duration) -> float:
    if offset.is_business:
        return offset.amount * _DAYS_OF_BUSINESS_DAY
    return offset.elapsed.total_seconds() / 86_400


def _axis(title: str, origin: str, steps: list[Step], placed: Mapping[str, Place]) -> Axis:
    days = [placed[each.id].days for each in steps]
    ticks = scale(min([*days, 0.0]), max([*days, 0.0]))
    first, last = ticks[0], ticks[-1]

    def x(day: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (day - first) / ((last - first) or 1), 1)

    marks: list[Mark] = []
    ends: list[float] = []
    for step in sorted(steps, key=lambda each: placed[each.id].days):
        place = placed[step.id]
        width = CHARACTER * len(step.id) + 2 * MARGIN
        at = x(place.days)
        label = max(0.0, min(at + MARGIN, WIDTH - width + MARGIN))
        row = next((number for number, end in enumerate(ends) if end <= min(at, label) - MARGIN), len(ends))
        ends[row : row + 1] = [label + width]
        words = timing_words(step)
        marks.append(Mark(step.id, words, at, LINE * (row + 0.5), label, place.after is not None))
    return Axis(title, _labelled(ticks, origin, x), tuple(marks), LINE * len(ends), not any(days))


def _labelled(
    ticks: Iterable[int], origin: str, x: Callable[[float], float]
) -> tuple[tuple[float, str], ...]:
    if origin == ANCHOR:
        return tuple((x(day), f"T{day:+d}" if day else "T-0") for day in ticks)
    return tuple((x(day), f"{day:+d}" if origin == MOMENT and day else str(day)) for day in ticks)


def scale(first: float, last: float) -> list[int]:
    """Whole days at even distances from at or before the first to at or after the last."""
    span = next((each for each in _SPANS if (last - first) / each <= _MOST_MARKS), _SPANS[-1])
    begin, end = int(first // span), -int(-last // span)
    return [number * span for number in range(begin, max(end, begin + 1) + 1)]
