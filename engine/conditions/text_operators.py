"""Operators that look into text. Capitals never matter to them."""

from collections.abc import Callable

from engine.conditions.columns import Bounds, Columns
from engine.conditions.form import single
from engine.conditions.operator_row import TEXTS, Argument, Operator, field_of, no_boundary, value_of
from engine.conditions.tree import Predicate
from engine.conditions.view import View
from engine.conditions.wording import label, show


def contains() -> Operator:
    """Whether the text holds another somewhere within it."""
    return _text_operator(
        "contains",
        Argument.TEXT_PART,
        lambda text, part: part in text,
        lambda part: ["", part, ""],
        "contains",
        "does not contain",
    )


def matches() -> Operator:
    """Whether the whole text has the form of a pattern in which `*` stands for any text.

    Not a regular expression: a pattern of a few characters could then take hours over a long text. This takes
    one pass over it.
    """
    return _text_operator(
        "matches", Argument.PATTERN, has_form, lambda pattern: pattern.split("*"), "matches", "does not match"
    )


def has_form(text: str, pattern: str) -> bool:
    """Whether `text` is the parts of `pattern` between its stars, in their order, from end to end."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    end = len(text) - len(last)
    position = len(first)
    if not (text.startswith(first) and text.endswith(last) and position <= end):
        return False
    for part in middle:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _text_operator(
    keyword: str,
    argument: Argument,
    answers: Callable[[str, str], bool],
    parts: Callable[[str], list[str]],
    wanted_words: str,
    negated_words: str,
) -> Operator:
    def evaluate(predicate: Predicate, view: View) -> bool | None:
        actual = value_of(predicate, view)
        if not isinstance(actual, str):
            return None
        return answers(actual.casefold(), _wanted(predicate).casefold())

    def fact(predicate: Predicate, view: View) -> int | None:
        verdict = evaluate(predicate, view)
        return None if verdict is None else int(verdict)

    def reason(predicate: Predicate, view: View) -> str:
        verdict = evaluate(predicate, view)
        found = f"{label(field_of(predicate))} is {show(value_of(predicate, view))}"
        if verdict is None:
            return found
        return f"{found} ({wanted_words if verdict else negated_words} {show(_wanted(predicate))})"

    def narrow(predicate: Predicate, columns: Columns) -> Bounds:
        return columns.has_form(field_of(predicate), parts(_wanted(predicate).casefold()))

    return Operator(
        keyword, argument, TEXTS, False, False,
        evaluate, value_of, fact, lambda p: single("==", 1), no_boundary,
        lambda p: f"{label(field_of(p))} {wanted_words} {show(_wanted(p))}", reason, narrow,
    )  # fmt: skip


def _wanted(predicate: Predicate) -> str:
    assert isinstance(predicate.value, str)
    return predicate.value
