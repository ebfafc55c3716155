"""The reference evaluator: Kleene logic over a condition, with and without the reasons.

A verdict is True, False or None, which is unknown. `all` is false as soon as one member is, `any` true as
soon as one member is, `none` true when every member is false; what cannot be decided so is unknown.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.conditions.derived import show_extent
from engine.conditions.operator_row import asked_label
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition, Group, Predicate, predicates
from engine.conditions.view import View
from engine.conditions.wording import show, show_list

_GROUP_WORDS = {"all": "all of", "any": "any of", "none": "none of"}


@dataclass(frozen=True, slots=True)
class Trace:
    """One node of a condition with its verdict and how it came about."""

    path: str
    words: str
    """The question: "health is below 40", or "all of" for a group."""
    verdict: bool | None
    actual: str | None
    """What was found, for people; None when nothing was, and for a group."""
    wanted: str | None
    """What the predicate asks for, for people; None for a group."""
    reason: str = ""
    """The answer: "health is 35 (below 40)"; empty for a group."""
    kind: str = "predicate"
    """`predicate`, or the group's kind."""
    children: tuple["Trace", ...] = ()


def evaluate(condition: Condition, view: View) -> bool | None:
    """The verdict of a condition for one subject at one instant."""
    if isinstance(condition, Predicate):
        return OPERATORS[condition.operator].evaluate(condition, view)
    return _decided(condition.kind, (evaluate(member, view) for member in condition.members))


def _decided(kind: str, verdicts: Iterator[bool | None]) -> bool | None:
    """The verdict of a group, asking no more members than it takes."""
    settling = kind != "all"
    is_unknown = False
    for verdict in verdicts:
        if verdict is settling:
            return kind == "any"
        is_unknown = is_unknown or verdict is None
    return None if is_unknown else kind != "any"


def trace(condition: Condition, view: View) -> Trace:
    """The verdict of every part of a condition, none left out."""
    if isinstance(condition, Predicate):
        return _predicate_trace(condition, view)
    children = tuple(trace(member, view) for member in condition.members)
    verdict = _decided(condition.kind, (child.verdict for child in children))
    return Trace(
        condition.path, _group_words(condition), verdict, None, None, kind=condition.kind, children=children
    )


def _group_words(group: Group) -> str:
    """ "all of", and before it the name of a shared condition."""
    words = _GROUP_WORDS[group.kind]
    return f"{group.name}: {words}" if group.name else words


def _predicate_trace(predicate: Predicate, view: View) -> Trace:
    row = OPERATORS[predicate.operator]
    words = row.words(predicate)
    return Trace(
        path=predicate.path,
        words=words,
        verdict=row.evaluate(predicate, view),
        actual=_actual_words(predicate, view),
        wanted=_wanted_words(predicate, words),
        reason=row.reason(predicate, view),
    )


def _actual_words(predicate: Predicate, view: View) -> str | None:
    actual = OPERATORS[predicate.operator].actual(predicate, view)
    if actual is None and predicate.derived is not None:
        return show_extent(view.extent(predicate.derived))
    if actual is None:
        return None
    if predicate.of is not None:
        return f"{show(actual)}%"
    return show(actual, predicate.field)


def _wanted_words(predicate: Predicate, words: str) -> str:
    """The question without the name of its field: "below 40"."""
    if predicate.field is None and predicate.derived is None:
        return words
    return words.removeprefix(asked_label(predicate)).removeprefix(" is").strip()


def next_boundary(condition: Condition, view: View) -> datetime | None:
    """The earliest instant after `now` at which time alone could change the verdict, or None."""
    return earliest_boundary(predicates(condition), view)


def earliest_boundary(asked: Iterable[Predicate], view: View) -> datetime | None:
    """The earliest instant after `now` at which time alone could change one of the answers, or None."""
    found = [OPERATORS[each.operator].boundary(each, view) for each in asked]
    return min((instant for instant in found if instant is not None), default=None)


def awaited(asked: Iterable[Predicate], view: View) -> Iterator[tuple[str, datetime]]:
    """The sources for which one of the answers waits, each with the watermark that it has to reach."""
    for each in asked:
        yield from OPERATORS[each.operator].awaits(each, view)


def evidence(traced: Trace) -> list[dict[str, str | bool | None]]:
    """What a decision keeps of a trace: every predicate with what was found, as plain JSON values."""
    return [
        {"path": each.path, "words": each.words, "actual": each.actual, "verdict": each.verdict}
        for each in _leaves(traced)
    ]


def because(traced: Trace) -> str:
    """The predicates that made the verdict, in a sentence: "health is 35 (below 40) and stage is active"."""
    reasons = dict.fromkeys(each.reason for each in _deciders(traced))
    return show_list(list(reasons), joiner="and")


def _leaves(traced: Trace) -> Iterator[Trace]:
    if traced.kind == "predicate":
        yield traced
    for child in traced.children:
        yield from _leaves(child)


def _deciders(traced: Trace) -> Iterator[Trace]:
    """The predicates that the verdict rests on: those that settled a group, else all it had to ask."""
    if traced.kind == "predicate":
        yield traced
        return
    for child in traced.children:
        if child.verdict is _deciding_verdict(traced):
            yield from _deciders(child)


def _deciding_verdict(traced: Trace) -> bool | None:
    """The verdict that the deciding members of a group have."""
    if traced.verdict is None:
        return None
    return traced.verdict if traced.kind != "none" else not traced.verdict
