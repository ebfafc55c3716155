"""A score from what is known of an account at an instant, with all its parts."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from engine.conditions import days
from engine.conditions.catalogue import Value, encode
from engine.conditions.feed import FOREVER, Feed
from engine.conditions.tree import Comparison
from engine.conditions.view import View
from engine.conditions.wording import show, show_number
from engine.health.model import SEGMENT, Component, HealthModel

_CENT = Decimal("0.01")
_WHOLE = Decimal(1)
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Part:
    """What one component adds to a score."""

    component: str
    value: str | None
    """What it was found from, as people read it; None when missing."""
    points: Decimal | None
    """0 to 100; None when it does not count because its value is missing."""
    share: Decimal
    """Its share of the score in percent: the most it can add."""
    adds: Decimal
    """Points of the score that come from it."""

    def words(self) -> str:
        """ "adoption 20 of 40 (31%)"."""
        name = self.component.replace("_", " ")
        if self.points is None:
            return f"{name} missing" if self.value is None else f"{name} not counted ({self.value})"
        return f"{name} {_short(self.adds)} of {_short(self.share)} ({self.value or 'missing'})"


@dataclass(frozen=True, slots=True)
class Score:
    """A score and how it came about."""

    score: Decimal | None
    """A whole number from 0 to 100; None when too little is known."""
    parts: tuple[Part, ...]
    """The components that weigh anything for the account's segment, in the order of the settings."""


@dataclass(frozen=True, slots=True)
class KeptScore:
    """What an account's health came to from an instant on."""

    account_id: str
    at: datetime
    score: Decimal | None
    parts: tuple[Part, ...] | None
    """None from when on a source gives it."""


def score(model: HealthModel, view: View) -> Score:
    """The account's score at the view's instant."""
    segment = view.value(SEGMENT)
    weights = model.weights_of(segment if isinstance(segment, str) else None)
    earned = [_earned(each, weight, view) for each in model.components if (weight := weights.get(each.name))]
    total = sum((each.weight for each in earned), Decimal(0))
    known = sum((each.weight for each in earned if each.points is not None), Decimal(0))
    if model.missing == "neutral":
        earned = [each if each.points is not None else replace(each, points=model.neutral) for each in earned]
    counted = sum((each.weight for each in earned if each.points is not None), Decimal(0))
    parts = tuple(_part(each, counted) for each in earned)
    needed = _HUNDRED if model.missing == "unknown" else model.min_known
    if not counted or known * _HUNDRED < needed * total:
        return Score(None, parts)
    exact = sum((each.weight * (each.points or 0) for each in earned), Decimal(0)) / counted
    return Score(exact.quantize(_WHOLE, ROUND_HALF_UP), parts)


def next_boundary(model: HealthModel, view: View) -> datetime | None:
    """The earliest instant after the view's at which time alone could move the score."""
    found = [_boundary(each, view) for each in model.components if each.counts is not None]
    found += [each.next_change(FOREVER, view.now) for each in _keeping(model, view)]
    return min((each for each in found if each is not None), default=None)


def awaited(model: HealthModel, view: View) -> Iterator[tuple[str, datetime]]:
    """The sources without which a component is stale, each with the watermark that it has to reach."""
    for each in _keeping(model, view):
        missing = each.missing(FOREVER, view.now)
        if missing is not None:
            yield each.source, missing


def _keeping(model: HealthModel, view: View) -> Iterator[Feed]:
    for each in model.components:
        for field in (each.field, each.of):
            if field is not None:
                yield from view.keeping(field)


def words(found: Score) -> str:
    """ "health 38 = adoption 20 of 40 (31%), tickets 12 of 20 (4), sentiment missing"."""
    shown = "missing" if found.score is None else show_number(found.score)
    return f"health {shown} = {', '.join(each.words() for each in found.parts)}"


def as_plain(parts: tuple[Part, ...]) -> list[dict[str, str | None]]:
    """The parts as JSON values; numbers as text, so that they stay exact."""
    return [
        {name: encode(value) if isinstance(value, Decimal) else value for name, value in asdict(each).items()}
        for each in parts
    ]


def from_plain(rows: list[Mapping[str, Any]]) -> tuple[Part, ...]:
    """The parts that `as_plain` wrote."""
    return tuple(
        Part(
            row["component"],
            row["value"],
            None if row["points"] is None else Decimal(row["points"]),
            Decimal(row["share"]),
            Decimal(row["adds"]),
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True)
class _Earned:
    """What a component earns before it is known what it is part of."""

    component: str
    weight: Decimal
    shown: str | None
    points: Decimal | None


def _part(earned: _Earned, counted: Decimal) -> Part:
    share = Decimal(0) if earned.points is None else _HUNDRED * earned.weight / counted
    adds = share * (earned.points or 0) / _HUNDRED
    return Part(earned.component, earned.shown, earned.points, _cents(share), _cents(adds))


def _earned(component: Component, weight: Decimal, view: View) -> _Earned:
    """The value as people read it, and the points it earns."""
    value = view.value(component.field)
    shown, points = (None, None) if value is None else _read(component, value, view)
    return _Earned(component.name, weight, shown, points)


def _read(component: Component, value: Value, view: View) -> tuple[str | None, Decimal | None]:
    shown = show(value, component.field)
    if component.values is not None:
        return shown, component.values.get(encode(value) or "")
    if component.counts is not None:
        counted = days.count(value, component.counts, view)
        return shown, None if counted is None else _points(component, Decimal(counted))
    if component.of is not None:
        share = _percentage(value, view.value(component.of))
        return (None, None) if share is None else (f"{_short(share)}%", _points(component, share))
    assert isinstance(value, Decimal)
    return shown, _points(component, value)


def _percentage(value: Value, whole: Value | None) -> Decimal | None:
    if not isinstance(value, Decimal) or not isinstance(whole, Decimal) or not whole:
        return None
    return _HUNDRED * value / whole


def _points(component: Component, value: Decimal) -> Decimal:
    reached = [points for start, points in component.steps if value >= start]
    return reached[-1] if reached else component.steps[0][1]


def _boundary(component: Component, view: View) -> datetime | None:
    """The first instant of the next local date on which another step applies."""
    value = view.value(component.field)
    assert component.counts is not None
    counted = days.count(value, component.counts, view)
    if counted is None:
        return None
    found = [
        days.next_change(Comparison("at_least", _ceiling(start)), counted, component.counts, view)
        for start, _ in component.steps[1:]
    ]
    return min((each for each in found if each is not None), default=None)


def _ceiling(start: Decimal) -> int:
    return int(start.to_integral_value("ROUND_CEILING"))


def _cents(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)


def _short(value: Decimal) -> str:
    return show_number(value.quantize(Decimal("0.1"), ROUND_HALF_UP))
