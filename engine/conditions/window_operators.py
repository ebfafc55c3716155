"""Operators that look back over a stretch of time: how far a value has moved."""

from datetime import datetime, timedelta
from decimal import Context, Decimal

from engine.conditions.columns import Bounds, Columns, Expression, is_never
from engine.conditions.form import clamp, single
from engine.conditions.operator_row import (
    NUMERIC,
    Argument,
    Operator,
    field_of,
    value_of,
)
from engine.conditions.tree import Predicate, Shift
from engine.conditions.view import View
from engine.conditions.wording import label, show, show_duration

_EXACT = Context(prec=100)
_SCALE_OF_PRODUCT = Decimal(10) ** 12
_TICK = timedelta(microseconds=1)
_SLACK = 1e-9
"""Far beyond what is lost where the database computes with binary fractions."""


def shift(keyword: str, sign: int, wanted_words: str, found_words: str, extreme_words: str) -> Operator:
    """`drops_by` (sign -1) and `rises_by` (sign 1): how far the value is from its extreme in the window."""

    def excess(predicate: Predicate, view: View) -> Decimal | None:
        """How far the value has moved beyond what is asked; its sign is the answer."""
        actual, held, wanted = value_of(predicate, view), view.extreme(predicate), _shift(predicate)
        if not isinstance(actual, Decimal) or held is None:
            return None
        moved = _EXACT.multiply(_EXACT.subtract(actual, held.value), Decimal(sign))
        if not wanted.is_share:
            return _EXACT.subtract(moved, wanted.amount)
        if held.value <= 0:
            return None
        return _EXACT.subtract(
            _EXACT.multiply(moved, Decimal(100)), _EXACT.multiply(wanted.amount, held.value)
        )

    def evaluate(predicate: Predicate, view: View) -> bool | None:
        found = excess(predicate, view)
        return None if found is None else found >= 0

    def fact(predicate: Predicate, view: View) -> int | None:
        found = excess(predicate, view)
        return None if found is None else clamp(int(_EXACT.multiply(found, _SCALE_OF_PRODUCT)))

    def boundary(predicate: Predicate, view: View) -> datetime | None:
        held = view.extreme(predicate)
        if held is None or held.ended_at is None:
            return None
        end = held.ended_at + _window(predicate)
        return end if end > view.now else None

    def wanted(predicate: Predicate) -> str:
        asked = _shift(predicate)
        amount = f"{show(asked.amount)}%" if asked.is_share else show(asked.amount, predicate.field)
        return f"{amount} within {_window_words(predicate)}"

    def reason(predicate: Predicate, view: View) -> str:
        field, held, verdict = field_of(predicate), view.extreme(predicate), evaluate(predicate, view)
        found = f"{label(field)} is {show(value_of(predicate, view), field)}"
        if held is None:
            return found
        denied = "" if verdict else "not "
        asked = "no percentage of that" if verdict is None else f"{denied}{found_words} {wanted(predicate)}"
        return f"{found} ({extreme_words} was {show(held.value, field)}, {asked})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        """Unsure where a value held within the window lies far enough from the present one."""
        field, asked = field_of(predicate), _shift(predicate)
        value, present, amount = columns.value(field), columns.rough(field), float(asked.amount)

        def is_far(past: Expression) -> Expression:
            slack = (columns.size(present) + columns.size(past)) * _SLACK + _SLACK
            moved = (present - past) * float(sign)
            if not asked.is_share:
                return moved + slack >= amount
            excess = moved * 100.0 - past * amount
            is_enough = excess + slack * (100.0 + amount) >= 0.0
            # The percentage of such a value is unknown until it has left the window.
            return is_enough if sign < 0 else is_enough | (past <= 0.0)

        was_far = columns.has_been(field, columns.now - _window(predicate), is_far)
        low = is_never(value)
        high = was_far | (columns.unknown if asked.is_share else low)
        return Bounds(low, high, low, high)

    return Operator(
        keyword, Argument.SHIFT, NUMERIC, False, False,
        evaluate, value_of, fact, lambda p: single(">=", 0), boundary,
        lambda p: f"{label(field_of(p))} {wanted_words} {wanted(p)}", reason, narrow,
    )  # fmt: skip


def _shift(predicate: Predicate) -> Shift:
    assert isinstance(predicate.value, Shift)
    return predicate.value


def _window(predicate: Predicate) -> timedelta:
    assert predicate.window is not None
    return predicate.window.elapsed


def _window_words(predicate: Predicate) -> str:
    return "" if predicate.window is None else show_duration(predicate.window)
