"""What the database can say of a whole condition, from what it can say of each question in it.

False, unknown and true are ordered so. `all` is then the least of its members' answers, `any` the greatest
and `none` the opposite of the greatest, which is how SQL joins them too, with NULL for unknown. So bounds of
the members give bounds of the whole.
"""

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import chain
from operator import and_, or_

from engine.conditions.columns import Bounds, Columns, Expression
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition, Predicate


def bounds(condition: Condition, columns: Columns) -> Bounds:
    """Between which answers the condition's lies for the subject of `columns`, now and later."""
    if isinstance(condition, Predicate):
        return OPERATORS[condition.operator].narrow(condition, columns)
    members = [bounds(each, columns) for each in condition.members]
    if condition.kind == "all":
        return _joined(and_, members)
    found = _joined(or_, members)
    return found if condition.kind == "any" else _denied(found)


def both(first: Bounds, second: Bounds) -> Bounds:
    """The bounds of two conditions that must both hold."""
    return _joined(and_, [first, second])


def _joined(join: Callable[[Expression, Expression], Expression], members: list[Bounds]) -> Bounds:
    def joined(expressions: Iterable[Expression]) -> Expression:
        return reduce(join, expressions)

    return Bounds(
        joined(each.low for each in members),
        joined(each.high for each in members),
        joined(each.always for each in members),
        joined(each.ever for each in members),
        tuple(chain.from_iterable(each.turns_true for each in members)),
        tuple(chain.from_iterable(each.turns_false for each in members)),
    )


def _denied(found: Bounds) -> Bounds:
    return Bounds(~found.high, ~found.low, ~found.ever, ~found.always, found.turns_false, found.turns_true)
