"""Conditions as rules of durable-rules.

Each condition becomes two rules: one that matches exactly when the verdict is true, one exactly when it is
false. Negation is pushed down to the comparisons, and no comparison holds for a property that is left out, so
that neither rule matches where the verdict is unknown: this is Kleene logic without a word for unknown.
"""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, TypeAlias

from engine.conditions.form import Check, Form, OutsideEnvelope
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition, Predicate, predicates
from engine.match.question import property_name

Expression: TypeAlias = dict[str, Any]
"""A pattern as durable-rules reads it: {"$and": [{"slot": "c0"}, {"$lt": {"c0_p0": 40}}]}."""

DISCRIMINATOR = "slot"
"""The property that tells which condition of its shard a fact is meant for."""

MOST_CONJUNCTS = 200
"""Members of one `$and` or `$or`; from 250 on, durable-rules silently matches nothing."""

MOST_NESTING = 6
"""`$and` and `$or` inside each other; at eight, durable-rules refuses the rule."""

MOST_COMPARISONS = 500
"""Comparisons of one rule in all: the largest that was measured."""

MOST_FIELDS = 200
"""Properties of one fact; at 255, durable-rules refuses it."""

MOST_CONDITIONS = 24
"""Conditions of one rule set: two rules each and one more stay below 50. At about 130 the library crashes."""

BATCH = 500
"""Facts asserted at once. State is deleted after each batch, which keeps memory flat."""

_OPERATORS = {"!=": "$neq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_CONNECTIVES = {"all": "$and", "any": "$or"}


def rules_of(condition: Condition, slot: str) -> tuple[Expression, Expression]:
    """The patterns for "true" and for "false" of the condition that has this slot of a shard.

    Raises OutsideEnvelope, with the reason, where durable-rules is not known to answer rightly.
    """
    fields = sum(1 for _ in predicates(condition))
    if fields > MOST_FIELDS:
        raise OutsideEnvelope(f"it has {fields} predicates; at most {MOST_FIELDS} fit one fact")
    yes, no = (_guarded(_expression(condition, wanted, slot, count()), slot) for wanted in (True, False))
    for each in (yes, no):
        if _checked_size(each) > MOST_COMPARISONS:
            raise OutsideEnvelope(f"it makes more than {MOST_COMPARISONS} comparisons")
    return yes, no


def fact_properties(slot: str, facts: Mapping[str, int | str]) -> dict[str, int | str]:
    """A question's facts under the names that the rules of this slot use, with the discriminator."""
    return {DISCRIMINATOR: slot, **{f"{slot}_{name}": value for name, value in facts.items()}}


def _expression(condition: Condition, wanted: bool, slot: str, indices: Iterator[int]) -> Expression:
    if isinstance(condition, Predicate):
        name = f"{slot}_{property_name(next(indices))}"
        form = OPERATORS[condition.operator].form(condition)
        return _form_expression(form if wanted else form.inverse, name)
    is_none = condition.kind == "none"
    members = [_expression(each, wanted is not is_none, slot, indices) for each in condition.members]
    is_conjunction = (condition.kind != "any") is wanted
    return _joined("$and" if is_conjunction else "$or", members)


def _form_expression(form: Form, name: str) -> Expression:
    return _joined(_CONNECTIVES[form.join], [_check_expression(each, name) for each in form.checks])


def _check_expression(check: Check, name: str) -> Expression:
    if check.sign == "==":
        return {name: check.constant}
    return {_OPERATORS[check.sign]: {name: check.constant}}


def _joined(connective: str, members: list[Expression]) -> Expression:
    """The members under one connective; those of the same connective are taken in, which keeps it shallow."""
    if not members:
        raise OutsideEnvelope("it has an empty group or list")
    flat = [inner for each in members for inner in each.get(connective, [each])]
    return flat[0] if len(flat) == 1 else {connective: flat}


def _guarded(expression: Expression, slot: str) -> Expression:
    return _joined("$and", [{DISCRIMINATOR: slot}, expression])


def _checked_size(expression: Expression, depth: int = 1) -> int:
    """How many comparisons the expression makes. Raises OutsideEnvelope when it is too wide or too deep."""
    members = expression.get("$and") or expression.get("$or")
    if members is None:
        return 1
    if len(members) > MOST_CONJUNCTS:
        raise OutsideEnvelope(f"it compares {len(members)} things side by side; at most {MOST_CONJUNCTS}")
    if depth > MOST_NESTING:
        raise OutsideEnvelope(f"its groups are nested more than {MOST_NESTING} deep")
    return sum(_checked_size(each, depth + 1) for each in members)
