"""Operators of dates, whose answers change with the days, and those of a run's steps."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.clock.zones import first_instant
from engine.conditions import days
from engine.conditions.absence import once_seen
from engine.conditions.catalogue import Field, FieldType
from engine.conditions.columns import Bounds, Columns, Expression, unasked
from engine.conditions.form import LIMIT, Form, constant_of, fact_of, single
from engine.conditions.operator_row import (
    NO_FIELD,
    TEMPORAL,
    Argument,
    Operator,
    asked_label,
    field_of,
    no_boundary,
)
from engine.conditions.staleness import is_stale
from engine.conditions.tree import Comparison, Predicate
from engine.conditions.view import View
from engine.conditions.wording import label, show_comparison, show_days_ahead

_NEVER = LIMIT
"""The age of an event that never happened."""

_TICK = timedelta(microseconds=1)
"""The smallest step of time."""


def day_count(keyword: str, argument: Argument, direction: days.Direction, wanted_words: str) -> Operator:
    """`days_until` and `days_since`: whole local dates, whatever the hour."""

    def fact(predicate: Predicate, view: View) -> int | None:
        return days.count(view.value(_dated(predicate, view)), direction, view)

    def actual(predicate: Predicate, view: View) -> Decimal | None:
        counted = fact(predicate, view)
        return None if counted is None else Decimal(counted)

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        counted = fact(predicate, view)
        return None if counted is None else days.holds(_wanted_days(predicate), counted)

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        counted = fact(predicate, view)
        if counted is None:
            return None
        return days.next_change(_wanted_days(predicate), counted, direction, view)

    def wanted(predicate: Predicate) -> str:
        return f"{show_comparison(_wanted_days(predicate))} {wanted_words}"

    def reason(predicate: Predicate, view: View) -> str:
        counted = fact(predicate, view)
        name = label(_dated(predicate, view))
        if counted is None:
            return f"{name} is missing"
        ahead = counted if direction == "until" else -counted
        denied = "" if evaluate(predicate, view) else "not "
        day = days.today(view) + timedelta(days=ahead)
        return f"{name} {day} ({show_days_ahead(ahead)}, {denied}{wanted(predicate)})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        first, wanted = field_of(predicate), _wanted_days(predicate)
        found = days.narrow(wanted, first, direction, columns)
        if predicate.otherwise is None:
            return found
        other = days.narrow(wanted, predicate.otherwise, direction, columns)
        return _either(columns.value(first).is_(None), other, found)

    row = Operator(
        keyword, argument, TEMPORAL, False, False,
        evaluate, actual, fact, lambda p: days.form(_wanted_days(p)), boundary,
        lambda p: f"{asked_label(p)} is {wanted(p)}", reason, narrow,
    )  # fmt: skip
    return once_seen(row, _since_when) if direction == "since" else row


def _either(is_first: Expression, first: Bounds, second: Bounds) -> Bounds:
    """The bounds of the first where so, else those of the second."""

    def chosen(one: Expression, other: Expression) -> Expression:
        return (is_first & one) | (~is_first & other)

    return Bounds(
        chosen(first.low, second.low),
        chosen(first.high, second.high),
        chosen(first.always, second.always),
        chosen(first.ever, second.ever),
        (*first.turns_true, *second.turns_true),
        (*first.turns_false, *second.turns_false),
    )


def _since_when(predicate: Predicate, view: View) -> datetime | None:
    """Since when time alone gives the present answer about an instant; a date is what it is, however old."""
    if field_of(predicate).type is not FieldType.INSTANT:
        return None
    value = view.value(_dated(predicate, view))
    if isinstance(value, date) and not isinstance(value, datetime):
        value = first_instant(value, view.zone)
    if not isinstance(value, datetime):
        return None
    counted = days.count(value, "since", view)
    return None if counted is None else days.last_change(_wanted_days(predicate), counted, value, view)


def _dated(predicate: Predicate, view: View) -> Field:
    """The field from which is counted: the one asked about, or the other when that has no value."""
    first = field_of(predicate)
    if predicate.otherwise is None or view.value(first) is not None or is_stale(first, view):
        return first
    return predicate.otherwise


def _wanted_days(predicate: Predicate) -> Comparison:
    assert isinstance(predicate.value, Comparison)
    return predicate.value


def step_is() -> Operator:
    """The state of a step within the run."""

    def reason(predicate: Predicate, view: View) -> str:
        state = _step_state(predicate, view)
        if state is None:
            return f"step {predicate.step} is not under way"
        note = "" if state == predicate.value else f" (not {predicate.value})"
        return f"step {predicate.step} is {state}{note}"

    return _step_operator("step_is", Argument.STEP_STATE, _step_state, "is", reason)


def step_outcome() -> Operator:
    """The outcome a person chose for a step; false until one is chosen."""

    def reason(predicate: Predicate, view: View) -> str:
        outcome = _step_outcome(predicate, view)
        if outcome is None:
            return f"step {predicate.step} is not under way"
        if outcome == "":
            return f"step {predicate.step} has no outcome yet"
        note = "" if outcome == predicate.value else f" (not {predicate.value})"
        return f"step {predicate.step} ended with {outcome}{note}"

    return _step_operator("step_outcome", Argument.STEP_OUTCOME, _step_outcome, "ended with", reason)


def _step_operator(
    keyword: str,
    argument: Argument,
    ask: Callable[[Predicate, View], str | None],
    wanted_words: str,
    reason: Callable[[Predicate, View], str],
) -> Operator:
    def evaluate(predicate: Predicate, view: View) -> bool | None:
        actual = ask(predicate, view)
        return None if actual is None else actual == predicate.value

    def form(predicate: Predicate) -> Form:
        wanted: Any = predicate.value
        return single("==", constant_of(wanted))

    return Operator(
        keyword, argument, NO_FIELD, False, False,
        evaluate, lambda p, v: ask(p, v) or None, lambda p, v: fact_of(ask(p, v)), form, no_boundary,
        lambda p: f"step {p.step} {wanted_words} {p.value}", reason, unasked,
    )  # fmt: skip


def _step_state(predicate: Predicate, view: View) -> str | None:
    assert predicate.step is not None
    return view.step_state(predicate.step)


def _step_outcome(predicate: Predicate, view: View) -> str | None:
    """The chosen outcome, empty while none is chosen, None outside a run."""
    assert predicate.step is not None
    if view.step_state(predicate.step) is None:
        return None
    return view.step_outcome(predicate.step) or ""
