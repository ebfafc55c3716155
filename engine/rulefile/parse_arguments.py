"""What follows an operator: one reader for every shape of argument in the operator table."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from engine.conditions.catalogue import FieldType, Value
from engine.conditions.operators import Argument
from engine.conditions.tree import Crossing, Predicate
from engine.rulefile.asked import Asked, field_of
from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_time_arguments import (
    read_days,
    read_event,
    read_event_count,
    read_event_since,
    read_event_window,
    read_shift,
    read_window,
)
from engine.rulefile.parse_values import (
    choice,
    flag,
    in_ascending_order,
    number,
    pair,
    percentage,
    text,
    typed,
    whole,
)
from engine.rulefile.problem import quote
from engine.rulefile.source import Node, Sequence

STEP_STATES = ("waiting", "open", "done", "skipped", "cancelled")


MOST_COUNTED = 1_000_000


def _reader(asked: Asked) -> Callable[[Node], Any]:
    """The reader of a value of what is asked about."""
    if asked.derived is None:
        return typed(field_of(asked))
    if asked.derived.is_count:
        return lambda node: Decimal(whole(0, MOST_COUNTED)(node))
    return number


def _read_value(asked: Asked) -> Predicate | None:
    if not asked.is_share:
        return asked.predicate(value=_reader(asked)(asked.node))
    other = asked.table.maybe("of", asked.scope.field)
    for field in (asked.field, other):
        if field is not None and (not field.type.is_numeric or field.type is FieldType.PERCENT):
            message = f"{field.path} is not an amount, and a percentage is taken between two amounts"
            asked.scope.notes.add(asked.table.key("of"), f"of: {message}")
            return None
    value = percentage(asked.node)
    return asked.predicate(value=value, of=other) if other else None


def _read_values(asked: Asked) -> Predicate | None:
    found: list[Value] = asked.scope.notes.each(_reader(asked), asked.node, asked.key)
    if len(set(found)) < len(found):
        raise RefusedError(asked.node, "names a value twice; keep one of them")
    return asked.predicate(value=tuple(found)) if _is_whole(asked.node, found) else None


def _is_whole(node: Node, found: list[Value]) -> bool:
    return isinstance(node, Sequence) and 0 < len(found) == len(node.items)


def _read_range(asked: Asked) -> Predicate | None:
    read = _reader(asked)
    low, high = (read(each) for each in pair(asked.node))
    in_ascending_order(asked.node, low, high)
    return asked.predicate(value=(low, high))


def _read_text_part(asked: Asked) -> Predicate:
    return asked.predicate(value=text(asked.node))


def _read_pattern(asked: Asked) -> Predicate:
    pattern = text(asked.node)
    if "*" not in pattern:
        mend = f'write "*{pattern}*" for text that holds it, or use "equals"'
        raise RefusedError(asked.node, f"{quote(pattern)} has no * in it, which stands for any text; {mend}")
    if not pattern.replace("*", "").strip():
        raise RefusedError(asked.node, f'{quote(pattern)} is true of any text; write "is_set: true"')
    return asked.predicate(value=pattern)


def _read_presence(asked: Asked) -> Predicate:
    if not flag(asked.node):
        opposite = {"is_set": "is_missing", "is_missing": "is_set"}.get(asked.key)
        mend = f'; write "{opposite}: true"' if opposite else ""
        raise RefusedError(asked.node, f"takes only true{mend}")
    return asked.predicate()


def _read_threshold(asked: Asked) -> Predicate:
    read = typed(field_of(asked))
    value: Any = read(asked.node)
    recovery: Any = asked.table.maybe("recovers_at", read)
    if recovery is not None and asked.key in _WRONG_RECOVERY:
        is_wrong, words = _WRONG_RECOVERY[asked.key]
        if is_wrong(recovery, value):
            node = asked.table.node.entries["recovers_at"][1]
            raise RefusedError(node, f"recovers_at must not be {words} the threshold", stands_alone=True)
    return asked.predicate(value=value, recovers_at=recovery)


_WRONG_RECOVERY: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "drops_below": (lambda recovery, threshold: recovery < threshold, "below"),
    "rises_above": (lambda recovery, threshold: recovery > threshold, "above"),
}


def _read_choice(asked: Asked) -> Predicate:
    read = typed(field_of(asked))
    value, was = read(asked.node), asked.table.maybe("from", read)
    if was == value:
        node = asked.table.node.entries["from"][1]
        raise RefusedError(node, "from must be another value than the one it changes to", stands_alone=True)
    return asked.predicate(value=value, was=was)


def _read_change(asked: Asked) -> Predicate:
    was = asked.table.maybe("from", typed(field_of(asked)))
    if not flag(asked.node):
        raise RefusedError(asked.node, "takes only true; remove it, or write changes_to: VALUE")
    return asked.predicate(was=was)


def _read_changed(asked: Asked) -> Predicate | None:
    """A change that looks back: what it is, and over the last how long."""
    found = _read_choice(asked) if asked.key == "changes_to" else _read_change(asked)
    window = read_window(asked)
    return replace(found, window=window) if window else None


DIRECTIONS = ("up", "down")
TAKES = ("highest", "each")
ONCE = ("per_threshold", "never")


def _read_crossing(asked: Asked) -> Predicate | None:
    read = asked.table.optional
    direction = read("direction", choice(DIRECTIONS), "up")
    takes, once = read("take", choice(TAKES), "highest"), read("once", choice(ONCE), "per_threshold")
    found: list[Any] = asked.scope.notes.each(typed(field_of(asked)), asked.node, asked.key)
    if len(set(found)) < len(found):
        raise RefusedError(asked.node, "names a threshold twice; keep one of them")
    crossing = Crossing(
        tuple(sorted(found)), cast(Any, direction), takes == "highest", once == "per_threshold"
    )
    return asked.predicate(value=crossing) if _is_whole(asked.node, found) else None


def _read_step_state(asked: Asked) -> Predicate | None:
    step = asked.table.maybe("step", asked.scope.step)
    state = choice(STEP_STATES)(asked.node)
    return asked.predicate(step=step, value=state) if step else None


def _read_step_outcome(asked: Asked) -> Predicate | None:
    step = asked.table.maybe("step", asked.scope.step)
    if step is None:
        return None
    outcomes = asked.scope.steps[step]
    if not outcomes:
        raise RefusedError(asked.node, f"step {quote(step)} has no task with outcomes; add some to it")
    return asked.predicate(step=step, value=choice(outcomes)(asked.node))


READERS: dict[Argument, Callable[[Asked], Predicate | None]] = {
    Argument.VALUE: _read_value,
    Argument.VALUES: _read_values,
    Argument.RANGE: _read_range,
    Argument.TEXT_PART: _read_text_part,
    Argument.PATTERN: _read_pattern,
    Argument.PRESENCE: _read_presence,
    Argument.THRESHOLD: _read_threshold,
    Argument.CHOICE: _read_choice,
    Argument.CHANGE: _read_change,
    Argument.CHANGED: _read_changed,
    Argument.CROSSING: _read_crossing,
    Argument.SHIFT: read_shift,
    Argument.DAYS: read_days,
    Argument.DAYS_SINCE: read_days,
    Argument.EVENT_SINCE: read_event_since,
    Argument.EVENT: read_event,
    Argument.EVENT_WINDOW: read_event_window,
    Argument.EVENT_COUNT: read_event_count,
    Argument.STEP_STATE: _read_step_state,
    Argument.STEP_OUTCOME: _read_step_outcome,
}
