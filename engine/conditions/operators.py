"""The operator table: everything there is to say about an operator is in its one row.

A comparison with a missing value is unknown (None). Time enters only through `View.now`, and each row knows
when it could next change an answer.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from enum import StrEnum
from typing import Any

from engine.conditions import days
from engine.conditions.catalogue import Field, FieldType, Value
from engine.conditions.form import (
    LIMIT,
    Check,
    Form,
    Sign,
    clamp,
    constant_of,
    fact_of,
    microseconds,
    single,
)
from engine.conditions.tree import Comparison, Predicate
from engine.conditions.view import View
from engine.conditions.wording import label, show, show_comparison, show_duration, show_list, show_number

_NEVER = LIMIT
"""The age of an event that never happened."""


class Argument(StrEnum):
    """What stands after the operator in a rule file, and where the predicate keeps it."""

    VALUE = "value"
    """One value of the field's type in `value`; where `takes_of`, a percentage when `of` is set."""
    VALUES = "values"
    """A tuple of values of the field's type in `value`, at least one."""
    RANGE = "range"
    """A tuple (low, high) of values of the field's type in `value`; both ends belong to it."""
    PRESENCE = "presence"
    """Nothing: `true` in the file, `value` stays None."""
    THRESHOLD = "threshold"
    """One number in `value`, with another in `recovers_at` or None."""
    CHOICE = "choice"
    """The one value of the field's type that it becomes, in `value`."""
    DAYS = "days"
    """A Comparison of whole days in `value`."""
    EVENT = "event"
    """The name of an event in `event`."""
    EVENT_WINDOW = "event_window"
    """The name of an event in `event`, elapsed time in `window`."""
    STEP_STATE = "step_state"
    """A step in `step`, one of its states in `value`."""
    STEP_OUTCOME = "step_outcome"
    """A step in `step`, one of its outcomes in `value`."""


@dataclass(frozen=True)
class Operator:
    """One operator with all that the rest of the engine asks about it."""

    keyword: str
    """The key in `Predicate.operator`."""
    argument: Argument
    types: frozenset[FieldType]
    """The types of field it takes; empty for operators that ask about events and steps."""
    is_moment: bool
    """Whether it happens at an instant (`on`) instead of holding over a stretch (`when`)."""
    takes_of: bool
    """Whether the value may be a percentage of another numeric field."""
    evaluate: Callable[[Predicate, View], bool | None]
    """The reference answer."""
    actual: Callable[[Predicate, View], Value | None]
    """What the answer was found from: the value, the number of days, the percentage, the last event."""
    fact: Callable[[Predicate, View], int | str | None]
    """The flat fact's property; None leaves it out, and the answer is unknown."""
    form: Callable[[Predicate], Form]
    """The comparisons of that property that are true exactly when the answer is. Raises OutsideEnvelope."""
    boundary: Callable[[Predicate, View], datetime | None]
    """The earliest instant strictly after `now` at which time alone could change the answer."""
    words: Callable[[Predicate], str]
    """The question in words: "health drops below 40 (recovers at 50)"."""


_ALL = frozenset(FieldType)
_NUMERIC = frozenset(each for each in FieldType if each.is_numeric)
_TEMPORAL = frozenset(each for each in FieldType if each.is_temporal)
_ORDERED = _NUMERIC | _TEMPORAL
_NO_FIELD: frozenset[FieldType] = frozenset()

_EXACT = Context(prec=100)
_SCALE_OF_PRODUCT = Decimal(10) ** 12


def _field(predicate: Predicate) -> Field:
    if predicate.field is None:
        raise ValueError(f"{predicate.path}: {predicate.operator} needs a field")
    return predicate.field


def _value(predicate: Predicate, view: View) -> Value | None:
    return view.value(_field(predicate))


def _no_boundary(predicate: Predicate, view: View) -> datetime | None:
    return None


def _unanswered(predicate: Predicate, view: View) -> None:
    return None


# Values


def _excess(predicate: Predicate, view: View) -> Decimal | None:
    """A hundred times the value less the wanted percentage of the other field; its sign is the answer."""
    actual: Any = _value(predicate, view)
    assert predicate.of is not None
    other: Any = view.value(predicate.of)
    if actual is None or not other:
        return None
    wanted: Any = predicate.value
    return _EXACT.subtract(_EXACT.multiply(actual, Decimal(100)), _EXACT.multiply(wanted, other))


def _compared_fact(predicate: Predicate, view: View) -> int | str | None:
    if predicate.of is None:
        return fact_of(_value(predicate, view))
    excess = _excess(predicate, view)
    return None if excess is None else clamp(int(_EXACT.multiply(excess, _SCALE_OF_PRODUCT)))


def _compared_actual(predicate: Predicate, view: View) -> Value | None:
    actual = _value(predicate, view)
    if predicate.of is None or not isinstance(actual, Decimal):
        return actual
    other: Any = view.value(predicate.of)
    return round(actual * 100 / other, 2) if other else None


def _comparison(
    keyword: str,
    types: frozenset[FieldType],
    holds: Callable[[Any, Any], bool],
    sign: Sign,
    phrase: str,
    takes_of: bool = True,
) -> Operator:
    """An operator that compares the field with one value."""

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        if predicate.of is not None:
            excess = _excess(predicate, view)
            return None if excess is None else holds(excess, 0)
        actual = _value(predicate, view)
        return None if actual is None else holds(actual, predicate.value)

    def form(predicate: Predicate) -> Form:
        wanted: Any = predicate.value
        return single(sign, constant_of(wanted) if predicate.of is None else 0)

    def words(predicate: Predicate) -> str:
        wanted: Any = predicate.value
        if predicate.of is not None:
            return f"{label(_field(predicate))} {phrase} {show_number(wanted)}% of {label(predicate.of)}"
        return f"{label(_field(predicate))} {phrase} {show(wanted, predicate.field)}"

    return Operator(
        keyword, Argument.VALUE, types, False, takes_of,
        evaluate, _compared_actual, _compared_fact, form, _no_boundary, words,
    )  # fmt: skip


def _membership(keyword: str, is_inside: bool, phrase: str) -> Operator:
    """`in` and `not_in`."""

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        actual = _value(predicate, view)
        return None if actual is None else (actual in _values(predicate)) is is_inside

    def form(predicate: Predicate) -> Form:
        inside = Form("any", tuple(Check("==", constant_of(each)) for each in _values(predicate)))
        return inside if is_inside else inside.inverse

    def words(predicate: Predicate) -> str:
        wanted = [show(each, predicate.field) for each in _values(predicate)]
        return f"{label(_field(predicate))} {phrase} {show_list(wanted)}"

    return Operator(
        keyword, Argument.VALUES, _ALL, False, False,
        evaluate, _value, lambda p, v: fact_of(_value(p, v)), form, _no_boundary, words,
    )  # fmt: skip


def _values(predicate: Predicate) -> tuple[Value, ...]:
    assert isinstance(predicate.value, tuple)
    return predicate.value


def _between_evaluate(predicate: Predicate, view: View) -> bool | None:
    actual: Any = _value(predicate, view)
    low: Any
    high: Any
    low, high = _values(predicate)
    return None if actual is None else bool(low <= actual <= high)


def _between_form(predicate: Predicate) -> Form:
    low, high = _values(predicate)
    return Form("all", (Check(">=", constant_of(low)), Check("<=", constant_of(high))))


def _between_words(predicate: Predicate) -> str:
    low, high = (show(each, predicate.field) for each in _values(predicate))
    return f"{label(_field(predicate))} is between {low} and {high}"


def _presence(keyword: str, wants_value: bool, phrase: str) -> Operator:
    """`is_set` and `is_missing`, which are never unknown."""

    def evaluate(predicate: Predicate, view: View) -> bool:
        return (_value(predicate, view) is not None) is wants_value

    return Operator(
        keyword, Argument.PRESENCE, _ALL, False, False,
        evaluate, _value, lambda p, v: int(evaluate(p, v)), lambda p: single("==", 1), _no_boundary,
        lambda p: f"{label(_field(p))} {phrase}",
    )  # fmt: skip


# Thresholds and changes


def _threshold(keyword: str, phrase: str) -> Operator:
    """`drops_below` and `rises_above`: latched until the value has recovered."""

    def fact(predicate: Predicate, view: View) -> int | None:
        latched = view.is_latched(predicate)
        return None if latched is None else int(latched)

    def words(predicate: Predicate) -> str:
        wanted: Any = predicate.value
        recovery: Any = predicate.recovers_at
        until = "" if recovery is None else f" (recovers at {show(recovery, predicate.field)})"
        return f"{label(_field(predicate))} {phrase} {show(wanted, predicate.field)}{until}"

    return Operator(
        keyword, Argument.THRESHOLD, _NUMERIC, False, False,
        lambda p, v: v.is_latched(p), _value, fact, lambda p: single("==", 1), _no_boundary, words,
    )  # fmt: skip


def _changes_to_words(predicate: Predicate) -> str:
    wanted: Any = predicate.value
    return f"{label(_field(predicate))} changes to {show(wanted, predicate.field)}"


# Days


def _day_count(keyword: str, direction: days.Direction, phrase: str) -> Operator:
    """`days_until` and `days_since`: whole local dates, whatever the hour."""

    def fact(predicate: Predicate, view: View) -> int | None:
        return days.count(_value(predicate, view), direction, view)

    def actual(predicate: Predicate, view: View) -> Decimal | None:
        counted = fact(predicate, view)
        return None if counted is None else Decimal(counted)

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        counted = fact(predicate, view)
        return None if counted is None else days.holds(_wanted_days(predicate), counted)

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        counted = fact(predicate, view)
        return (
            None if counted is None else days.next_change(_wanted_days(predicate), counted, direction, view)
        )

    def words(predicate: Predicate) -> str:
        return f"{label(_field(predicate))} is {show_comparison(_wanted_days(predicate))} {phrase}"

    return Operator(
        keyword, Argument.DAYS, _TEMPORAL, False, False,
        evaluate, actual, fact, lambda p: days.form(_wanted_days(p)), boundary, words,
    )  # fmt: skip


def _wanted_days(predicate: Predicate) -> Comparison:
    assert isinstance(predicate.value, Comparison)
    return predicate.value


# Events


def _last(predicate: Predicate, view: View) -> datetime | None:
    assert predicate.event is not None
    return view.last_event(predicate.event)


def _age(predicate: Predicate, view: View) -> int | None:
    """Microseconds since the last event."""
    last = _last(predicate, view)
    return None if last is None else clamp(microseconds(view.now - last))


def _window(predicate: Predicate) -> int:
    assert predicate.window is not None
    return microseconds(predicate.window.elapsed)


def _within_evaluate(predicate: Predicate, view: View) -> bool:
    age = _age(predicate, view)
    return age is not None and age <= _window(predicate)


def _within_fact(predicate: Predicate, view: View) -> int:
    age = _age(predicate, view)
    return _NEVER if age is None else age


def _within_boundary(predicate: Predicate, view: View) -> datetime | None:
    return _end_of_window(predicate, view, days.TICK)


def _absent_evaluate(predicate: Predicate, view: View) -> bool | None:
    age = _age(predicate, view)
    return None if age is None else age >= _window(predicate)


def _absent_boundary(predicate: Predicate, view: View) -> datetime | None:
    return _end_of_window(predicate, view, days.TICK * 0)


def _end_of_window(predicate: Predicate, view: View, after: Any) -> datetime | None:
    last = _last(predicate, view)
    if last is None or predicate.window is None:
        return None
    end: datetime = last + predicate.window.elapsed + after
    return end if end > view.now else None


def _event_words(phrase: str) -> Callable[[Predicate], str]:
    def words(predicate: Predicate) -> str:
        assert predicate.event is not None
        window = "" if predicate.window is None else show_duration(predicate.window)
        return phrase.format(event=predicate.event.replace("_", " "), window=window)

    return words


# Steps


def _step(predicate: Predicate) -> str:
    assert predicate.step is not None
    return predicate.step


def _step_state(predicate: Predicate, view: View) -> str | None:
    return view.step_state(_step(predicate))


def _step_outcome(predicate: Predicate, view: View) -> str | None:
    """The chosen outcome, empty while none is chosen, None outside a run."""
    if _step_state(predicate, view) is None:
        return None
    return view.step_outcome(_step(predicate)) or ""


def _step_operator(
    keyword: str, argument: Argument, ask: Callable[[Predicate, View], str | None], phrase: str
) -> Operator:
    def evaluate(predicate: Predicate, view: View) -> bool | None:
        actual = ask(predicate, view)
        return None if actual is None else actual == predicate.value

    def form(predicate: Predicate) -> Form:
        wanted: Any = predicate.value
        return single("==", constant_of(wanted))

    return Operator(
        keyword, argument, _NO_FIELD, False, False,
        evaluate, lambda p, v: ask(p, v) or None, lambda p, v: fact_of(ask(p, v)), form, _no_boundary,
        lambda p: f"step {p.step} {phrase} {p.value}",
    )  # fmt: skip


def _moment_form(predicate: Predicate) -> Form:
    """A moment has no answer as a state, so its property is always left out."""
    return single("==", 1)


_ROWS = (
    _comparison("equals", _ALL, operator.eq, "==", "is"),
    _comparison("not_equals", _ALL, operator.ne, "!=", "is not", takes_of=False),
    _membership("in", True, "is"),
    _membership("not_in", False, "is none of"),
    _comparison("below", _ORDERED, operator.lt, "<", "is below"),
    _comparison("at_most", _ORDERED, operator.le, "<=", "is at most"),
    _comparison("above", _ORDERED, operator.gt, ">", "is above"),
    _comparison("at_least", _ORDERED, operator.ge, ">=", "is at least"),
    Operator(
        "between", Argument.RANGE, _ORDERED, False, False,
        _between_evaluate, _value, lambda p, v: fact_of(_value(p, v)), _between_form, _no_boundary,
        _between_words,
    ),
    _presence("is_set", True, "is known"),
    _presence("is_missing", False, "is missing"),
    _threshold("drops_below", "drops below"),
    _threshold("rises_above", "rises above"),
    Operator(
        "changes_to", Argument.CHOICE, _ALL, True, False,
        _unanswered, _value, _unanswered, _moment_form, _no_boundary, _changes_to_words,
    ),
    _day_count("days_until", "until", "away"),
    _day_count("days_since", "since", "ago"),
    Operator(
        "event", Argument.EVENT, _NO_FIELD, True, False,
        _unanswered, _last, _unanswered, _moment_form, _no_boundary, _event_words("{event} happens"),
    ),
    Operator(
        "event_within", Argument.EVENT_WINDOW, _NO_FIELD, False, False,
        _within_evaluate, _last, _within_fact, lambda p: single("<=", constant_of(_window(p))),
        _within_boundary, _event_words("{event} happened within {window}"),
    ),
    Operator(
        "event_absent_for", Argument.EVENT_WINDOW, _NO_FIELD, False, False,
        _absent_evaluate, _last, _age, lambda p: single(">=", constant_of(_window(p))),
        _absent_boundary, _event_words("no {event} for {window}"),
    ),
    _step_operator("step_is", Argument.STEP_STATE, _step_state, "is"),
    _step_operator("step_outcome", Argument.STEP_OUTCOME, _step_outcome, "ended with"),
)  # fmt: skip

OPERATORS: dict[str, Operator] = {row.keyword: row for row in _ROWS}
"""Every operator by its keyword."""
