"""Counting whole local dates, and when a count next changes an answer."""

from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from engine.clock.zones import first_instant, local_date
from engine.conditions.catalogue import Field, FieldType, Value
from engine.conditions.columns import Bounds, Columns, Expression, exact, is_known, is_never
from engine.conditions.form import Check, Form, constant_of, single
from engine.conditions.tree import Comparison
from engine.conditions.view import View

Direction: TypeAlias = Literal["until", "since"]

_REACH = 600_000
"""Days; more than lie between any two dates that are taken in."""


def today(view: View) -> date:
    """The local date at `now`. It never goes back, even where clocks are set back over midnight."""
    shown = local_date(view.now, view.zone)
    following = shown + timedelta(days=1)
    return following if first_instant(following, view.zone) <= view.now else shown


def count(value: Value | None, direction: Direction, view: View) -> int | None:
    """Days from today until the value's local date, or since it; negative on the other side of today."""
    if not isinstance(value, date):
        return None
    day = local_date(value, view.zone) if isinstance(value, datetime) else value
    ahead = (day - today(view)).days
    return ahead if direction == "until" else -ahead


def holds(comparison: Comparison, days: int) -> bool:
    """Whether a number of days answers the comparison."""
    low, high = _interval(comparison)
    return (low is None or low <= days) and (high is None or days <= high)


def form(comparison: Comparison) -> Form:
    """The comparison as tests of the number of days."""
    low = constant_of(comparison.low)
    match comparison.operator:
        case "equals":
            return single("==", low)
        case "below":
            return single("<", low)
        case "at_most":
            return single("<=", low)
        case "above":
            return single(">", low)
        case "at_least":
            return single(">=", low)
        case "between":
            return Form("all", (Check(">=", low), Check("<=", constant_of(_upper(comparison)))))


def next_change(comparison: Comparison, days: int, direction: Direction, view: View) -> datetime | None:
    """The first instant of the next local date on which the comparison's answer differs from now's."""
    low, high = _interval(comparison)
    if low is not None and high is not None and low > high:
        return None
    if direction == "until":
        days, low, high = -days, _negated(high), _negated(low)
    if low is not None and days < low:
        wait = low - days
    elif high is not None and days <= high:
        wait = high - days + 1
    else:
        return None
    return _first_instant_after(wait, view)


def narrow(comparison: Comparison, field: Field, direction: Direction, columns: Columns) -> Bounds:
    """What the database can say without time zones: it is unsure near the days where the answer changes.

    A local date is that of UTC, give or take one; two instants lie as many local dates apart as days, give or
    take two.
    """
    low, high = _interval(comparison)
    if direction == "since":
        low, high = _negated(high), _negated(low)
    value = columns.value(field)
    if low is not None and high is not None and low > high:
        return exact(is_never(value))
    margin = 1 if field.type is FieldType.DATE else 2

    def is_within(first: int | None, last: int | None, slack: int) -> Expression:
        found = is_known(value)
        if first is not None:
            found = found & (value >= _edge(first + slack, field, columns.now))
        if last is not None:
            found = found & (value <= _edge(last - slack, field, columns.now))
        return found

    surely = is_within(low, high, margin)
    return Bounds(
        surely,
        is_within(low, high, -margin),
        surely if low is None else is_never(value),
        is_within(low, None, -margin),
        () if high is None else (columns.days_from(field, -high),),
        () if low is None else (columns.days_from(field, 1 - low),),
    )


def _edge(ahead: int, field: Field, now: datetime) -> date:
    """The date so many days ahead in UTC, or the instant; no further off than any value that is taken in."""
    span = timedelta(days=max(-_REACH, min(_REACH, ahead)))
    return now.date() + span if field.type is FieldType.DATE else now + span


def last_change(comparison: Comparison, days: int, value: datetime, view: View) -> datetime | None:
    """The first instant of the local date since which the days since `value` give their present answer.

    None where they have given it since the value itself.
    """
    low, high = _interval(comparison)
    ends = [each for each in (low, None if high is None else high + 1) if each is not None]
    turned = [
        each
        for each in ends
        if 0 < each <= days and holds(comparison, each) is not holds(comparison, each - 1)
    ]
    if not turned:
        return None
    return first_instant(local_date(value, view.zone) + timedelta(days=max(turned)), view.zone)


def _first_instant_after(wait: int, view: View) -> datetime | None:
    try:
        return first_instant(today(view) + timedelta(days=wait), view.zone)
    except OverflowError:
        return None


def _interval(comparison: Comparison) -> tuple[int | None, int | None]:
    """The lowest and highest number of days for which the comparison holds; None is no end."""
    low = comparison.low
    match comparison.operator:
        case "equals":
            return low, low
        case "below":
            return None, low - 1
        case "at_most":
            return None, low
        case "above":
            return low + 1, None
        case "at_least":
            return low, None
        case "between":
            return low, _upper(comparison)


def _upper(comparison: Comparison) -> int:
    if comparison.high is None:
        raise ValueError("between needs two numbers of days")
    return comparison.high


def _negated(bound: int | None) -> int | None:
    return None if bound is None else -bound
