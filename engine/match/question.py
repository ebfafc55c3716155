"""What the matching engine is asked: one condition, one subject, the facts, and the answer it should give."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Condition, predicates
from engine.conditions.view import View


@dataclass(frozen=True, slots=True)
class Question:
    """One verdict to confirm. The facts hold the instant of judgement, so the answer needs nothing else."""

    rule: str
    """The name under which the condition was loaded."""
    subject: str
    facts: Mapping[str, int | str]
    """The predicates' properties by `property_name`; a missing one is left out."""
    expected: bool | None
    """The reference evaluator's verdict."""


def property_name(index: int) -> str:
    """The fact property of a condition's predicate, counted from 0 in the order of the file."""
    return f"p{index}"


def question(rule: str, subject: str, condition: Condition, view: View, expected: bool | None) -> Question:
    """The question whether the condition loaded as `rule` has the expected verdict for what `view` shows."""
    facts: dict[str, int | str] = {}
    for index, predicate in enumerate(predicates(condition)):
        fact = OPERATORS[predicate.operator].fact(predicate, view)
        if fact is not None:
            facts[property_name(index)] = fact
    return Question(rule, subject, facts, expected)
