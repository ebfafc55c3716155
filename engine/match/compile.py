"""Conditions as rules of durable-rules.

Each condition becomes two rules: one that matches exactly when the verdict is true, one exactly when it is
false. Negation is pushed down to the comparisons, and no comparison holds for a property that is left out, so
that neither rule matches where the verdict is unknown: this is Kleene logic without a word for unknown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from math import prod
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

MOST_CONNECTIVES = 12
"""`$and` and `$or` of one rule in all; at sixteen, durable-rules refuses the rule set."""

MOST_PATHS = 64
"""Ways in which a condition's two rules may match one fact. The library follows each of them, and gives up
with error 303 when more than 64 members of an `$or` hold."""

MOST_COMPARISONS = 500
"""Comparisons of one rule in all: the largest that was measured."""

MOST_FIELDS = 50
"""Predicates of one condition, each a property of its facts. The library takes 254 properties; the self-test,
which gives every predicate its turn, would take too long."""

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
    paths = sum(_checked_paths(each) for each in (yes, no))
    if paths > MOST_PATHS:
        raise OutsideEnvelope(f"it can be decided in {paths} ways at once; at most {MOST_PATHS}")
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


def _checked_paths(rule: Expression) -> int:
    """In how many ways one fact may match the rule. Raises OutsideEnvelope when the rule is too large."""
    size = _size(rule)
    if size.widest > MOST_CONJUNCTS:
        raise OutsideEnvelope(f"it compares {size.widest} things side by side; at most {MOST_CONJUNCTS}")
    if size.depth > MOST_NESTING:
        raise OutsideEnvelope(f"its groups are nested more than {MOST_NESTING} deep")
    if size.connectives > MOST_CONNECTIVES:
        raise OutsideEnvelope(
            f"it has {size.connectives} groups, ranges and lists; at most {MOST_CONNECTIVES}"
        )
    if size.comparisons > MOST_COMPARISONS:
        raise OutsideEnvelope(f"it makes {size.comparisons} comparisons; at most {MOST_COMPARISONS}")
    return size.paths


@dataclass(frozen=True, slots=True)
class _Size:
    """The measures of an expression that durable-rules limits."""

    comparisons: int = 1
    connectives: int = 0
    depth: int = 0
    widest: int = 0
    paths: int = 1


def _size(expression: Expression) -> _Size:
    connective = next((each for each in _CONNECTIVES.values() if each in expression), None)
    if connective is None:
        return _Size()
    members = expression[connective]
    sizes = [_size(each) for each in members]
    return _Size(
        comparisons=sum(each.comparisons for each in sizes),
        connectives=1 + sum(each.connectives for each in sizes),
        depth=1 + max(each.depth for each in sizes),
        widest=max(len(members), *(each.widest for each in sizes)),
        paths=prod(each.paths for each in sizes) if connective == "$and" else _alternatives(members, sizes),
    )


def _alternatives(members: list[Expression], sizes: list[_Size]) -> int:
    """How many ways through an `$or` there can be at once: of several values, a property equals one."""
    equalities = {name for each in members for name in each if not name.startswith("$")}
    return len(equalities) + sum(
        size.paths
        for each, size in zip(members, sizes, strict=True)
        if any(name.startswith("$") for name in each)
    )
