"""Operators that compare a field's value."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

from engine.conditions import spans
from engine.conditions.absence import once_seen
from engine.conditions.catalogue import FieldType, Value
from engine.conditions.columns import Bounds, Columns, exact, is_never, unasked
from engine.conditions.derived import certain_from, next_turn, settled, show_extent
from engine.conditions.form import Check, Form, Sign, clamp, constant_of, fact_of, single
from engine.conditions.operator_row import (
    ALL_TYPES,
    NUMERIC,
    ORDERED,
    Argument,
    Operator,
    asked_of,
    field_of,
    no_boundary,
    unanswered,
    value_of,
)
from engine.conditions.staleness import is_stale
from engine.conditions.tree import Crossing, Predicate
from engine.conditions.view import View
from engine.conditions.wording import label, show, show_list, show_number

_EXACT = Context(prec=100)
_SCALE_OF_PRODUCT = Decimal(10) ** 12
_HUNDRED = Decimal(100)


def comparison(
    keyword: str,
    types: frozenset[FieldType],
    holds: Callable[[Any, Any], bool],
    sign: Sign,
    wanted_words: str,
    takes_of: bool = True,
) -> Operator:
    """An operator that compares with one value, or with a percentage of another field."""

    def answer(predicate: Predicate, actual: Any, view: View) -> bool | None:
        if predicate.of is None:
            return holds(actual, predicate.value)
        excess = _excess(predicate, actual, view)
        return None if excess is None else holds(excess, 0)

    def turns(predicate: Predicate, view: View) -> list[Any]:
        if predicate.of is None:
            return [predicate.value]
        wanted, whole = _share(predicate, view)
        return [] if not whole else [_EXACT.divide(_EXACT.multiply(wanted, whole), _HUNDRED)]

    asks = _Asks(answer, turns)

    def fact(predicate: Predicate, view: View) -> int | str | None:
        actual = asks.value(predicate, view)
        if predicate.of is None or actual is None:
            return fact_of(actual)
        excess = _excess(predicate, actual, view)
        return None if excess is None else clamp(int(_EXACT.multiply(excess, _SCALE_OF_PRODUCT)))

    def form(predicate: Predicate) -> Form:
        wanted: Any = predicate.value
        return single(sign, constant_of(wanted) if predicate.of is None else 0)

    def wanted_text(predicate: Predicate) -> str:
        wanted: Any = predicate.value
        return show(wanted, predicate.field) if predicate.of is None else f"{show_number(wanted)}%"

    def words(predicate: Predicate) -> str:
        whole = "" if predicate.of is None else f" of {label(predicate.of)}"
        return f"{label(asked_of(predicate))} is {wanted_words}{wanted_text(predicate)}{whole}"

    def reason(predicate: Predicate, view: View) -> str:
        found = _found(predicate, view)
        verdict = asks.evaluate(predicate, view)
        if verdict is None or (verdict and sign == "==") or (not verdict and sign == "!="):
            return found
        denied = "" if verdict or sign == "!=" else "not "
        return f"{found} ({denied}{wanted_words}{wanted_text(predicate)})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        if predicate.derived is not None:
            return spans.compared(predicate, holds, sign, columns)
        if predicate.of is None:
            return exact(holds(columns.value(field_of(predicate)), predicate.value))
        excess, margin = columns.excess(predicate)
        if sign == "==":
            low, high = is_never(excess), (excess >= -margin) & (excess <= margin)
        else:
            least, most = holds(excess - margin, 0), holds(excess + margin, 0)
            low, high = least & most, least | most
        return Bounds(low, high, low, high)

    row = Operator(
        keyword, Argument.VALUE, types, False, takes_of,
        asks.evaluate, _compared_actual, fact, form, asks.boundary, words, reason, narrow, asks.awaits,
    )  # fmt: skip
    return once_seen(row, asks.certain_from, _counts_events)


@dataclass(frozen=True)
class _Asks:
    """How a comparison answers to one value, and where its answers change: enough for a range of them."""

    answer: Callable[[Predicate, Any, View], bool | None]
    turns: Callable[[Predicate, View], Iterable[Any]]

    def value(self, predicate: Predicate, view: View) -> Value | None:
        """The value that is compared. Of a number known only as a range one that stands for it, or None."""
        if predicate.derived is None:
            return value_of(predicate, view)
        extent = view.extent(predicate.derived)
        return settled(predicate.derived, extent, *self._numbers(predicate, view))

    def evaluate(self, predicate: Predicate, view: View) -> bool | None:
        """The answer; unknown where the value is missing, or the range has values of either answer."""
        actual = self.value(predicate, view)
        return None if actual is None else self.answer(predicate, actual, view)

    def boundary(self, predicate: Predicate, view: View) -> datetime | None:
        """When time alone could change what a count or sum answers."""
        if predicate.derived is None:
            return None
        return next_turn(predicate, view, *self._numbers(predicate, view))

    def awaits(self, predicate: Predicate, view: View) -> Iterable[tuple[str, datetime]]:
        """The sources for which a count or sum waits."""
        if predicate.derived is None or self.evaluate(predicate, view) is not None:
            return ()
        return view.extent(predicate.derived).awaits

    def certain_from(self, predicate: Predicate, view: View) -> datetime | None:
        """Up to when the source of counted events must have been seen for the answer to count."""
        return certain_from(predicate, view, *self._numbers(predicate, view))

    def _numbers(self, predicate: Predicate, view: View) -> tuple[list[Any], Callable[[Any], bool | None]]:
        return list(self.turns(predicate, view)), lambda number: self.answer(predicate, number, view)


def _counts_events(predicate: Predicate) -> bool:
    return predicate.derived is not None and predicate.derived.event is not None


def _share(predicate: Predicate, view: View) -> tuple[Decimal, Any]:
    """The wanted percentage, and the amount it is taken of."""
    wanted: Any = predicate.value
    assert predicate.of is not None
    return wanted, view.value(predicate.of)


def _excess(predicate: Predicate, actual: Any, view: View) -> Decimal | None:
    """A hundred times the value less the wanted percentage of the other field; its sign is the answer."""
    wanted, whole = _share(predicate, view)
    return (
        _EXACT.subtract(_EXACT.multiply(actual, _HUNDRED), _EXACT.multiply(wanted, whole)) if whole else None
    )


def _compared_actual(predicate: Predicate, view: View) -> Value | None:
    """The value, or what percentage of the other field it is, to two places."""
    actual = _known(predicate, view)
    if predicate.of is None or not isinstance(actual, Decimal):
        return actual
    other = view.value(predicate.of)
    return round(actual * 100 / other, 2) if isinstance(other, Decimal) and other else None


def _known(predicate: Predicate, view: View) -> Value | None:
    """The value, if it is known as one."""
    derived = predicate.derived
    return value_of(predicate, view) if derived is None else view.extent(derived).exact


def _found(predicate: Predicate, view: View) -> str:
    """The comparison's left side as it is, or what keeps it from having one."""
    name, actual = label(asked_of(predicate)), _known(predicate, view)
    if predicate.derived is not None and (predicate.of is None or actual is None):
        return f"{name} is {show_extent(view.extent(predicate.derived))}"
    if predicate.of is None or actual is None:
        return f"{name} is {show(actual, predicate.field)}"
    share = _compared_actual(predicate, view)
    if not isinstance(share, Decimal):
        return f"{label(predicate.of)} is {show(view.value(predicate.of), predicate.of)}"
    return f"{name} is {show_number(share)}% of {label(predicate.of)}"


def membership(keyword: str, is_inside: bool, wanted_words: str) -> Operator:
    """`in` and `not_in`."""
    asks = _Asks(lambda p, actual, v: (actual in _values(p)) is is_inside, lambda p, v: _values(p))

    def form(predicate: Predicate) -> Form:
        inside = Form("any", tuple(Check("==", constant_of(each)) for each in _values(predicate)))
        return inside if is_inside else inside.inverse

    def reason(predicate: Predicate, view: View) -> str:
        is_outside = asks.evaluate(predicate, view) is (not is_inside)
        return _found(predicate, view) + (f" (not {_listed(predicate)})" if is_outside else "")

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        if predicate.derived is not None:
            wanted = [float(each) for each in _numbers(predicate)]
            found = spans.within(predicate, [(each, each) for each in wanted], columns)
            return found if is_inside else spans.denied(found)
        inside = columns.value(field_of(predicate)).in_(_values(predicate))
        return exact(inside if is_inside else ~inside)

    row = Operator(
        keyword, Argument.VALUES, ALL_TYPES, False, False,
        asks.evaluate, _known, lambda p, v: fact_of(asks.value(p, v)), form, asks.boundary,
        lambda p: f"{label(asked_of(p))} is {wanted_words}{_listed(p)}", reason, narrow, asks.awaits,
    )  # fmt: skip
    return once_seen(row, asks.certain_from, _counts_events)


def _values(predicate: Predicate) -> tuple[Value, ...]:
    assert isinstance(predicate.value, tuple)
    return predicate.value


def _numbers(predicate: Predicate) -> list[Decimal]:
    return [each for each in _values(predicate) if isinstance(each, Decimal)]


def _listed(predicate: Predicate) -> str:
    return show_list([show(each, predicate.field) for each in _values(predicate)])


def between() -> Operator:
    """`between`, which includes both ends."""

    def answer(predicate: Predicate, actual: Any, view: View) -> bool:
        low: Any
        high: Any
        low, high = _values(predicate)
        return bool(low <= actual <= high)

    asks = _Asks(answer, lambda p, v: _values(p))

    def form(predicate: Predicate) -> Form:
        low, high = _values(predicate)
        return Form("all", (Check(">=", constant_of(low)), Check("<=", constant_of(high))))

    def wanted(predicate: Predicate) -> str:
        low, high = (show(each, predicate.field) for each in _values(predicate))
        return f"between {low} and {high}"

    def reason(predicate: Predicate, view: View) -> str:
        verdict = asks.evaluate(predicate, view)
        note = "" if verdict is None else f" ({'' if verdict else 'not '}{wanted(predicate)})"
        return _found(predicate, view) + note

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        if predicate.derived is not None:
            first, last = (float(each) for each in _numbers(predicate))
            return spans.within(predicate, [(first, last)], columns)
        value = columns.value(field_of(predicate))
        low, high = _values(predicate)
        return exact((value >= low) & (value <= high))

    row = Operator(
        "between", Argument.RANGE, ORDERED, False, False,
        asks.evaluate, _known, lambda p, v: fact_of(asks.value(p, v)), form, asks.boundary,
        lambda p: f"{label(asked_of(p))} is {wanted(p)}", reason, narrow, asks.awaits,
    )  # fmt: skip
    return once_seen(row, asks.certain_from, _counts_events)


def presence(keyword: str, wants_value: bool, wanted_words: str) -> Operator:
    """`is_set` and `is_missing`, which are unknown only while the source of the value is silent."""

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        if is_stale(field_of(predicate), view):
            return None
        return (value_of(predicate, view) is not None) is wants_value

    def fact(predicate: Predicate, view: View) -> int | None:
        answer = evaluate(predicate, view)
        return None if answer is None else int(answer)

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        value = columns.value(field_of(predicate))
        return exact(value.is_not(None) if wants_value else value.is_(None))

    return Operator(
        keyword, Argument.PRESENCE, ALL_TYPES, False, False,
        evaluate, value_of, fact, lambda p: single("==", 1), no_boundary,
        lambda p: f"{label(field_of(p))} is {wanted_words}", _found, narrow,
    )  # fmt: skip


def threshold(
    keyword: str,
    is_past: Callable[[Any, Any], Any],
    wanted_words: str,
    past_words: str,
    negated_words: str,
) -> Operator:
    """`drops_below` and `rises_above`: latched from the crossing until the value has recovered."""

    def fact(predicate: Predicate, view: View) -> int | None:
        latched = view.is_latched(predicate)
        return None if latched is None else int(latched)

    def limit(predicate: Predicate) -> str:
        wanted: Any = predicate.value
        return show(wanted, predicate.field)

    def recovery(predicate: Predicate) -> str:
        at: Any = predicate.recovers_at
        return "" if at is None else f"recovers at {show(at, predicate.field)}"

    def words(predicate: Predicate) -> str:
        until = f" ({recovery(predicate)})" if recovery(predicate) else ""
        return f"{label(field_of(predicate))} {wanted_words} {limit(predicate)}{until}"

    def reason(predicate: Predicate, view: View) -> str:
        latched = view.is_latched(predicate)
        if latched is None:
            return _found(predicate, view)
        until = f", {recovery(predicate)}" if latched and recovery(predicate) else ""
        verb = past_words if latched else negated_words
        return f"{_found(predicate, view)} ({verb} {limit(predicate)}{until})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        value, end = columns.value(field_of(predicate)), predicate.recovers_at
        low = is_past(value, predicate.value)
        high = low if end is None else low | is_past(value, end)
        return Bounds(low, high, low, high)

    return Operator(
        keyword, Argument.THRESHOLD, NUMERIC, False, False,
        lambda p, v: v.is_latched(p), value_of, fact, lambda p: single("==", 1), no_boundary, words, reason,
        narrow,
    )  # fmt: skip


def crosses() -> Operator:
    """The moment a number reaches one of some thresholds."""

    def wanted(predicate: Predicate) -> str:
        assert isinstance(predicate.value, Crossing)
        listed = show_list([show(each, predicate.field) for each in predicate.value.thresholds])
        return f"{predicate.value.direction} across {listed}"

    return Operator(
        "crosses", Argument.CROSSING, NUMERIC, True, False,
        unanswered, value_of, unanswered, lambda p: single("==", 1), no_boundary,
        lambda p: f"{label(field_of(p))} goes {wanted(p)}",
        lambda p, v: f"{label(field_of(p))} went {wanted(p)}", unasked,
    )  # fmt: skip
