"""What follows an operator that asks about time: days, events, and stretches over which something moved."""

from decimal import Decimal
from typing import Any, cast

from engine.clock.durations import Duration
from engine.conditions.catalogue import Field, FieldType
from engine.conditions.tree import Comparison, Predicate, Shift
from engine.rulefile.asked import Asked, field_of
from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_values import (
    article,
    choice,
    in_ascending_order,
    longer_than_zero,
    number,
    pair,
    percentage,
    text,
    whole,
)
from engine.rulefile.problem import quote
from engine.rulefile.source import Mapping, Scalar

MOST_DAYS = 36_600
RUN_START = "run_start"
DAY_COMPARISONS = ("equals", "below", "at_most", "above", "at_least", "between")


def read_days(asked: Asked) -> Predicate | None:
    """A comparison of whole days, and from what they count when there is no date."""
    if not isinstance(asked.node, Mapping):
        raise RefusedError(
            asked.node, "takes a comparison of whole days such as {at_most: 90} or {equals: 90}"
        )
    otherwise = _otherwise(asked)
    table = asked.scope.notes.table(asked.node, DAY_COMPARISONS, "a comparison of days")
    chosen = table.one_of(DAY_COMPARISONS, "a comparison of days")
    if chosen is None or len(asked.node.entries) > 1 or (otherwise is None and "else_since" in asked.table):
        return None
    days = whole(-MOST_DAYS, MOST_DAYS)
    operator = cast(Any, chosen)
    node = asked.node.entries[chosen][1]
    if chosen != "between":
        return asked.predicate(value=Comparison(operator, days(node)), otherwise=otherwise)
    low, high = (days(each) for each in pair(node))
    in_ascending_order(node, low, high)
    return asked.predicate(value=Comparison(operator, low, high), otherwise=otherwise)


def _otherwise(asked: Asked) -> Field | None:
    """The date or instant that counts when the first has no value."""
    found = asked.table.maybe("else_since", asked.scope.field)
    if found is None:
        return None
    node = asked.table.node.entries["else_since"][1]
    if not found.type.is_temporal:
        raise RefusedError(
            node,
            f"else_since: {found.path} is {article(found.type)}, not a date or an instant",
            stands_alone=True,
        )
    if found == asked.field:
        raise RefusedError(
            node, f"else_since: {found.path} is the same field; name another", stands_alone=True
        )
    return found


def read_event(asked: Asked) -> Predicate:
    """An event that happens."""
    return asked.predicate(event=text(asked.table.node.entries["event"][1]))


def read_event_window(asked: Asked) -> Predicate | None:
    """An event and how long ago it may be."""
    event = asked.table.maybe("event", text)
    window = longer_than_zero(asked.node)
    return asked.predicate(event=event, window=window) if event else None


def read_event_since(asked: Asked) -> Predicate | None:
    """An event after the start of the run."""
    event = asked.table.maybe("event", text)
    choice([RUN_START])(asked.node)
    return asked.predicate(event=event) if event else None


MOST_EVENTS = 10_000


def read_event_count(asked: Asked) -> Predicate | None:
    """How often an event happened, and over the last how long."""
    event, count = asked.table.maybe("event", text), whole(1, MOST_EVENTS)(asked.node)
    window = read_window(asked)
    return asked.predicate(event=event, value=Decimal(count), window=window) if event and window else None


def read_window(asked: Asked) -> Duration | None:
    """Over the last how long."""
    return asked.table.required("within", longer_than_zero, quote(asked.key))


def read_shift(asked: Asked) -> Predicate | None:
    """How far a number has moved, and over the last how long."""
    field, window = field_of(asked), read_window(asked)
    is_share = isinstance(asked.node, Scalar) and asked.node.text.strip().endswith("%")
    if is_share and field.type is FieldType.PERCENT:
        mend = "write the points as a plain number"
        raise RefusedError(asked.node, f"could be points or a part of {field.path}, a percent; {mend}")
    amount = percentage(asked.node) if is_share else number(asked.node)
    if amount <= 0:
        raise RefusedError(asked.node, "takes a number above 0")
    return asked.predicate(value=Shift(amount, is_share), window=window) if window else None
