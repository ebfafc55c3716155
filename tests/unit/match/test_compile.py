"""Conditions as rules, and what is refused."""

from decimal import Decimal
from typing import Literal

import pytest

from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN
from engine.conditions.form import OutsideEnvelope
from engine.conditions.tree import Condition, Group, Predicate
from engine.match.compile import fact_properties, rules_of

HEALTH = BUILT_IN.get("account.health")


def below(number: str) -> Predicate:
    """Health below a number."""
    return Predicate("below", "when", field=HEALTH, value=Decimal(number))


def among(count: int) -> Predicate:
    """Health among so many numbers."""
    return Predicate("in", "when", field=HEALTH, value=tuple(Decimal(each) for each in range(count)))


ROW = Group("all", (below("1"), below("2"), below("3")), "when")


def nested(depth: int) -> Condition:
    """Groups of two inside each other, alternating so that none can be taken into another."""
    kinds: tuple[Literal["all"], Literal["any"]] = ("all", "any")
    condition: Condition = below("1")
    for level in range(depth):
        condition = Group(kinds[level % 2], (condition, below("2")), "when")
    return condition


def test_rules_push_negation_to_the_comparisons() -> None:
    """The rule for false is the inverse comparison, so a property left out matches neither."""
    yes, no = rules_of(below("40"), "c3")
    assert yes == {"$and": [{"slot": "c3"}, {"$lt": {"c3_p0": 40_000_000}}]}
    assert no == {"$and": [{"slot": "c3"}, {"$gte": {"c3_p0": 40_000_000}}]}


def test_none_is_true_when_every_member_is_false() -> None:
    """`none` becomes the conjunction of its members' negations, taken into the rule's own."""
    yes, no = rules_of(Group("none", (below("1"), among(2)), "when"), "c0")
    assert yes["$and"][1:] == [
        {"$gte": {"c0_p0": 1_000_000}},
        {"$neq": {"c0_p1": 0}},
        {"$neq": {"c0_p1": 1_000_000}},
    ]
    assert no["$and"][1:] == [
        {"$or": [{"$lt": {"c0_p0": 1_000_000}}, {"c0_p1": 0}, {"c0_p1": 1_000_000}]},
    ]


def test_same_connectives_are_taken_into_one() -> None:
    """Groups of one kind inside each other do not deepen the rule."""
    condition: Condition = below("1")
    for _ in range(49):
        condition = Group("all", (condition, below("2")), "when")
    yes, _ = rules_of(condition, "c0")
    assert len(yes["$and"]) == 51


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (among(201), "compares 201 things side by side"),
        (Group("all", (below("1"),) * 51, "when"), "has 51 predicates"),
        (Group("all", tuple(among(2) for _ in range(15)), "when"), "has 16 groups, ranges and lists"),
        (Group("any", tuple(ROW for _ in range(4)), "when"), "decided in 85 ways at once"),
        (nested(8), "nested more than 6 deep"),
        (Group("any", tuple(among(150) for _ in range(4)), "when"), "600 things side by side"),
        (Group("all", tuple(among(150) for _ in range(4)), "when"), "makes 601 comparisons"),
        (Group("all", (), "when"), "empty group"),
        (below("99999999999"), "too large"),
        (Predicate("event_within", "when", event="x", window=Duration(99_999, "w")), "too large"),
    ],
)
def test_condition_outside_the_envelope_is_refused(condition: Condition, why: str) -> None:
    """What durable-rules is not known to answer rightly is refused with the reason."""
    with pytest.raises(OutsideEnvelope, match=why):
        rules_of(condition, "c0")


def test_fact_carries_discriminator_and_prefixed_properties() -> None:
    """Facts use the names of their slot, so conditions of one shard never see each other's."""
    assert fact_properties("c7", {"p0": 5, "p2": "x"}) == {"slot": "c7", "c7_p0": 5, "c7_p2": "x"}
