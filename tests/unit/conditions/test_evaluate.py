"""Kleene logic, traces and the sentences made of them."""

import json
from decimal import Decimal
from itertools import product
from typing import Literal

import pytest

from engine.conditions.catalogue import BUILT_IN
from engine.conditions.evaluate import because, evaluate, evidence, trace
from engine.conditions.tree import Condition, Group, Predicate
from engine.match.synthetic import SyntheticView

Kind = Literal["all", "any", "none"]
_HEALTH: dict[bool | None, str] = {True: "account.health", False: "account.nps", None: "account.csat"}
VIEW = SyntheticView(values={"account.health": Decimal(35), "account.nps": Decimal(60)})


def known(verdict: bool | None, path: str = "when") -> Predicate:
    """A predicate that has this verdict in VIEW."""
    return Predicate("below", path, field=BUILT_IN.get(_HEALTH[verdict]), value=Decimal(40))


def kleene(kind: Kind, verdicts: tuple[bool | None, ...]) -> bool | None:
    """The textbook definition: false < unknown < true, all is the least, any the greatest."""
    order: list[bool | None] = [False, None, True]
    ranks = [order.index(each) for each in verdicts]
    if kind == "all":
        return order[min(ranks)]
    return order[max(ranks)] if kind == "any" else order[2 - max(ranks)]


@pytest.mark.parametrize("kind", ["all", "any", "none"])
@pytest.mark.parametrize("verdicts", list(product([True, False, None], repeat=3)))
def test_group_follows_kleene(kind: Kind, verdicts: tuple[bool | None, ...]) -> None:
    """Every group of three verdicts has the textbook answer, with and without a trace."""
    group = Group(kind, tuple(known(each) for each in verdicts), "when")
    assert evaluate(group, VIEW) is kleene(kind, verdicts)
    assert trace(group, VIEW).verdict is kleene(kind, verdicts)


def test_evaluate_asks_no_more_than_it_needs() -> None:
    """A member that settles the group ends the asking."""
    broken = Predicate("below", "when.all[1]", value=Decimal(1))
    assert evaluate(Group("all", (known(False), broken), "when"), VIEW) is False


def test_trace_keeps_the_tree() -> None:
    """A trace has every part with its place, question, answer and what was found."""
    condition = Group("all", (known(True, "when.all[0]"), known(None, "when.all[1]")), "when")
    traced = trace(condition, VIEW)
    assert (traced.path, traced.kind, traced.words, traced.actual) == ("when", "all", "all of", None)
    low, unknown = traced.children
    assert (low.path, low.words, low.wanted, low.actual, low.verdict) == (
        "when.all[0]", "health is below 40", "below 40", "35", True,
    )  # fmt: skip
    assert (unknown.actual, unknown.verdict, unknown.reason) == (None, None, "csat is missing")


def test_trace_names_a_shared_condition() -> None:
    """Before what it asks, so that a reader knows it by the name the rule file uses."""
    shared = Group("any", (known(True),), "when.at_risk", name="at_risk")
    assert trace(shared, VIEW).words == "at_risk: any of"


def test_trace_shows_a_share_as_percentage() -> None:
    """What was found for a percentage of another field is a percentage."""
    predicate = Predicate(
        "at_least",
        "when",
        field=BUILT_IN.get("account.health"),
        value=Decimal(50),
        of=BUILT_IN.get("account.nps"),
    )
    assert trace(predicate, VIEW).actual == "58.33%"


def test_evidence_is_plain_json() -> None:
    """The evidence is a flat list that JSON carries unchanged."""
    inner = Group("none", (known(False, "when.all[1].none[0]"),), "when.all[1]")
    found = evidence(trace(Group("all", (known(True, "when.all[0]"), inner), "when"), VIEW))
    assert json.loads(json.dumps(found)) == found
    assert found == [
        {"path": "when.all[0]", "words": "health is below 40", "actual": "35", "verdict": True},
        {"path": "when.all[1].none[0]", "words": "nps is below 40", "actual": "60", "verdict": False},
    ]


HIGH = "nps is 60 (not below 40)"
LOW = "health is 35 (below 40)"
GONE = "csat is missing"


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (known(True), LOW),
        (Group("all", (known(True), known(True)), "when"), LOW),
        (Group("all", (known(True), known(False)), "when"), HIGH),
        (Group("all", (known(True), known(None)), "when"), GONE),
        (Group("any", (known(False), known(True), known(None)), "when"), LOW),
        (Group("any", (known(False), known(None)), "when"), GONE),
        (Group("none", (known(False),), "when"), HIGH),
        (Group("none", (known(False), known(True)), "when"), LOW),
        (
            Group("all", (known(True), Group("none", (known(False),), "when.all[1]")), "when"),
            f"{LOW} and {HIGH}",
        ),
    ],
)
def test_because_names_what_decided(condition: Condition, sentence: str) -> None:
    """The sentence has the predicates that the verdict rests on, each once, and no others."""
    assert because(trace(condition, VIEW)) == sentence
