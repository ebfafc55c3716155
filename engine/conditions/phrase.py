"""A condition as one phrase, and what a count or sum is called."""

from dataclasses import replace

from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition, Derived, Group
from engine.conditions.wording import label, show_duration

_JOINED = {"all": " and ", "any": " or "}


def condition_words(condition: Condition | None, *, is_inner: bool = False) -> str:
    """The condition as one phrase; inner groups stand in brackets."""
    if condition is None:
        return ""
    if not isinstance(condition, Group):
        return OPERATORS[condition.operator].words(condition)
    members = [condition_words(each, is_inner=True) for each in condition.members]
    if condition.kind == "none":
        return "none of (" + "; ".join(members) + ")"
    joined = _JOINED[condition.kind].join(members)
    return f"({joined})" if is_inner and len(members) > 1 else joined


def named(derived: Derived) -> Derived:
    """The same with its label: "number of contacts where contact status is active"."""
    return replace(derived, label=_label(derived))


def _label(derived: Derived) -> str:
    about = f"number of {derived.kind}s" if derived.summed is None else f"sum of {label(derived.summed)}"
    if derived.event is not None:
        about = _of_events(derived)
    return about if derived.where is None else f"{about} where {condition_words(derived.where)}"


def _of_events(derived: Derived) -> str:
    events = f"{(derived.event or '').replace('_', ' ')} events"
    about = "number of" if derived.summed is None else f"sum of {label(derived.summed)} of"
    window = derived.window
    span = "since the run started" if window is None else f"within {show_duration(window)}"
    return f"{about} {events} {span}"
