"""Operators of a field's changes: the moment of one, and whether there lately was one."""

from datetime import datetime, timedelta
from typing import Any

from engine.clock.zones import local_date
from engine.conditions.catalogue import Value
from engine.conditions.columns import Bounds, Columns, unasked
from engine.conditions.form import single
from engine.conditions.operator_row import (
    ALL_TYPES,
    Argument,
    Operator,
    field_of,
    no_boundary,
    unanswered,
    value_of,
)
from engine.conditions.tree import Predicate
from engine.conditions.view import View
from engine.conditions.wording import label, show, show_duration

_TICK = timedelta(microseconds=1)


def is_change(predicate: Predicate, old: Value | None, new: Value | None) -> bool:
    """Whether one value that follows another is a change as the predicate wants it.

    What follows a missing value is no change, so that learning of something is not taken for its happening.
    """
    if old is None or old == new:
        return False
    return predicate.was in (None, old) and predicate.value in (None, new)


def change(keyword: str, argument: Argument) -> Operator:
    """`changes` and `changes_to`: the moment a field takes another value, or one value in particular."""
    return Operator(
        keyword, argument, ALL_TYPES, True, False,
        unanswered, value_of, unanswered, lambda p: single("==", 1), no_boundary,
        lambda p: f"{label(field_of(p))} changes{_ends(p)}",
        lambda p, v: f"{label(field_of(p))} changed{_ends(p)}", unasked,
    )  # fmt: skip


def changed_within() -> Operator:
    """Whether a field changed no longer ago than the window; false when it never did."""

    def evaluate(predicate: Predicate, view: View) -> bool:
        return view.last_change(predicate) is not None

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        last = view.last_change(predicate)
        return None if last is None else last + _window(predicate) + _TICK

    def words(predicate: Predicate) -> str:
        return f"{label(field_of(predicate))} changed{_ends(predicate)} within {_window_words(predicate)}"

    def reason(predicate: Predicate, view: View) -> str:
        last, name = view.last_change(predicate), label(field_of(predicate))
        if last is None:
            return f"{name} has not changed{_ends(predicate)} within {_window_words(predicate)}"
        day = local_date(last, view.zone)
        return f"{name} changed{_ends(predicate)} on {day} (within {_window_words(predicate)})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        """Without any change in time there is none as it is asked for, and time alone brings none."""
        wanted: Any = predicate.value
        since = columns.now - _window(predicate)
        may = columns.has_changed(field_of(predicate), since, wanted)
        return Bounds(columns.false, may, columns.false, may)

    return Operator(
        "changed_within", Argument.CHANGED, ALL_TYPES, False, False,
        evaluate, lambda p, v: v.last_change(p), lambda p, v: int(evaluate(p, v)), lambda p: single("==", 1),
        boundary, words, reason, narrow,
    )  # fmt: skip


def _ends(predicate: Predicate) -> str:
    """From what to what, in words."""
    value: Any = predicate.value
    start = "" if predicate.was is None else f" from {show(predicate.was, predicate.field)}"
    return start + ("" if value is None else f" to {show(value, predicate.field)}")


def _window(predicate: Predicate) -> timedelta:
    assert predicate.window is not None
    return predicate.window.elapsed


def _window_words(predicate: Predicate) -> str:
    return "" if predicate.window is None else show_duration(predicate.window)
