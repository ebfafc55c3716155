"""The operator table: everything there is to say about an operator is in its one row.

A comparison with a missing value is unknown (None). Time enters only through `View.now`, and each row knows
when it could next change an answer.
"""

import operator

from engine.conditions.change_operators import change, changed_within
from engine.conditions.event_operators import (
    event,
    event_absent_for,
    event_at_least,
    event_since,
    event_within,
)
from engine.conditions.operator_row import ALL_TYPES, ORDERED, Argument, Operator
from engine.conditions.staleness import unless_stale
from engine.conditions.text_operators import contains, matches
from engine.conditions.time_operators import day_count, step_is, step_outcome
from engine.conditions.value_operators import (
    between,
    comparison,
    crosses,
    membership,
    presence,
    threshold,
)
from engine.conditions.window_operators import shift

__all__ = ["OPERATORS", "Argument", "Operator"]

_ROWS: dict[str, Operator] = {
    "equals": comparison("equals", ALL_TYPES, operator.eq, "==", ""),
    "not_equals": comparison("not_equals", ALL_TYPES, operator.ne, "!=", "not ", takes_of=False),
    "in": membership("in", True, ""),
    "not_in": membership("not_in", False, "not "),
    "below": comparison("below", ORDERED, operator.lt, "<", "below "),
    "at_most": comparison("at_most", ORDERED, operator.le, "<=", "at most "),
    "above": comparison("above", ORDERED, operator.gt, ">", "above "),
    "at_least": comparison("at_least", ORDERED, operator.ge, ">=", "at least "),
    "between": between(),
    "contains": contains(),
    "matches": matches(),
    "is_set": presence("is_set", True, "known"),
    "is_missing": presence("is_missing", False, "missing"),
    "drops_below": threshold(
        "drops_below", operator.lt, "drops below", "dropped below", "has not dropped below"
    ),
    "rises_above": threshold("rises_above", operator.gt, "rises above", "rose above", "has not risen above"),
    "drops_by": shift("drops_by", -1, "drops by", "down by at least", "highest"),
    "rises_by": shift("rises_by", 1, "rises by", "up by at least", "lowest"),
    "changes": change("changes", Argument.CHANGE),
    "changes_to": change("changes_to", Argument.CHOICE),
    "changed_within": changed_within(),
    "crosses": crosses(),
    "days_until": day_count("days_until", Argument.DAYS, "until", "away"),
    "days_since": day_count("days_since", Argument.DAYS_SINCE, "since", "ago"),
    "event": event(),
    "event_within": event_within(),
    "event_absent_for": event_absent_for(),
    "event_since": event_since(),
    "event_at_least": event_at_least(),
    "step_is": step_is(),
    "step_outcome": step_outcome(),
}

OPERATORS = {keyword: unless_stale(row) for keyword, row in _ROWS.items()}
"""Every operator by its keyword."""
