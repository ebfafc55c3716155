"""What the database can say of a counted or summed number, of which it knows between which others it lies."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from engine.conditions.columns import Bounds, Columns, Expression, exact, unsure
from engine.conditions.derived import derived_of
from engine.conditions.form import Sign
from engine.conditions.tree import Predicate


def compared(predicate: Predicate, holds: Callable[[Any, Any], Any], sign: Sign, columns: Columns) -> Bounds:
    """A comparison with one number."""
    if predicate.of is not None or not isinstance(predicate.value, Decimal):
        return unsure(columns)
    wanted = float(predicate.value)
    if derived_of(predicate).event is not None:
        return _of_events(predicate, holds, sign, columns)
    if sign in ("==", "!="):
        found = within(predicate, [(wanted, wanted)], columns)
        return found if sign == "==" else denied(found)
    span = columns.span(derived_of(predicate))
    if span is None:
        return unsure(columns)
    low, high = span if sign in (">", ">=") else span[::-1]
    return _bounded(holds(low, wanted), holds(high, wanted))


def within(predicate: Predicate, ranges: Sequence[tuple[float, float]], columns: Columns) -> Bounds:
    """Whether the number lies within one of the ranges, ends included."""
    span = None if derived_of(predicate).event is not None else columns.span(derived_of(predicate))
    if span is None:
        return unsure(columns)
    low, high = span
    surely = [(low >= first) & (high <= last) for first, last in ranges]
    maybe = [(high >= first) & (low <= last) for first, last in ranges]
    return _bounded(reduce(or_, surely), reduce(or_, maybe))


def denied(found: Bounds) -> Bounds:
    """The opposite answer, of what time does not change."""
    return Bounds(~found.high, ~found.low, ~found.high, ~found.low)


def _of_events(
    predicate: Predicate, holds: Callable[[Any, Any], Any], sign: Sign, columns: Columns
) -> Bounds:
    """Too few events taken in are too few, unless more are still to come in; time only makes them fewer."""
    derived = derived_of(predicate)
    if derived.window is None:
        return exact(columns.unknown)
    if sign not in (">", ">="):
        return unsure(columns)
    high = holds(columns.events_within(derived), predicate.value) | columns.unknown
    return Bounds(columns.false, high, columns.false, high)


def _bounded(surely: Expression, maybe: Expression) -> Bounds:
    """Nothing is sure of a number without bounds."""
    low, high = surely.is_(True), maybe.is_not(False)
    return Bounds(low, high, low, high)
