"""A condition called impossible never holds: compared with the evaluator over many made-up subjects."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.authoring.possible import conflict
from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN, Field, FieldType, Kind, Value
from engine.conditions.evaluate import evaluate
from engine.conditions.properties import counts
from engine.conditions.tree import Comparison, Condition, Derived, Group, Predicate, Stream
from engine.match.synthetic import SyntheticView

HEALTH, SEGMENT = BUILT_IN.get("account.health"), BUILT_IN.get("account.segment")
STRATEGIC, RENEWS = BUILT_IN.get("account.strategic"), BUILT_IN.get("account.renews_on")
CONTACTS = Derived(Kind.CONTACT)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)

numbers = st.integers(0, 4).map(Decimal)
segments = st.sampled_from(SEGMENT.choices)
ORDER = ["equals", "not_equals", "below", "at_most", "above", "at_least"]


def about(field: Any, operators: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Predicate]:
    """Predicates of one field."""
    return st.builds(
        lambda operator, value: Predicate(operator, "when", field=field, value=value),
        st.sampled_from(operators),
        values,
    )


days = st.integers(-2, 2)
predicates = st.one_of(
    about(HEALTH, ORDER, numbers),
    about(HEALTH, ["in", "not_in"], st.lists(numbers, min_size=1, max_size=3).map(tuple)),
    about(HEALTH, ["between"], st.lists(numbers, min_size=2, max_size=2).map(sorted).map(tuple)),
    about(HEALTH, ["is_set", "is_missing"], st.none()),
    about(SEGMENT, ["equals", "not_equals"], segments),
    about(SEGMENT, ["in", "not_in"], st.lists(segments, min_size=1, max_size=3, unique=True).map(tuple)),
    about(STRATEGIC, ["equals", "not_equals"], st.booleans()),
    about(
        RENEWS,
        ["days_until", "days_since"],
        st.builds(Comparison, st.sampled_from(["equals", "below", "at_most", "above", "at_least"]), days)
        | st.lists(days, min_size=2, max_size=2).map(sorted).map(lambda ends: Comparison("between", *ends)),
    ),
    st.builds(
        lambda operator, window: Predicate(operator, "when", event="login", window=Duration(window, "d")),
        st.sampled_from(["event_within", "event_absent_for"]),
        st.integers(1, 3),
    ),
    st.builds(
        lambda operator, count: Predicate(operator, "when", derived=CONTACTS, value=count),
        st.sampled_from(ORDER),
        numbers,
    ),
    st.builds(
        lambda state: Predicate("step_is", "when", step="call", value=state),
        st.sampled_from(["open", "done"]),
    ),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    predicates,
    lambda inner: st.builds(
        Group,
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=4).map(tuple),
        st.just("when"),
    ),
    max_leaves=6,
)
subjects = st.builds(
    lambda values, login, state: SyntheticView(
        NOW, values=values, events={Stream("login"): login}, states={"call": state}
    ),
    st.fixed_dictionaries(
        {
            HEALTH.path: st.none() | numbers,
            SEGMENT.path: st.none() | segments,
            STRATEGIC.path: st.none() | st.booleans(),
            RENEWS.path: st.none()
            | st.integers(-3, 3).map(lambda ahead: date(2026, 3, 10) + timedelta(ahead)),
        }
    ),
    st.none() | st.integers(0, 8).map(lambda ago: NOW - timedelta(hours=12 * ago)),
    st.sampled_from(["waiting", "open", "done"]),
)


@given(conditions, st.lists(subjects, min_size=5, max_size=15))
def test_conflict_is_only_found_where_no_subject_has_that_verdict(
    condition: Condition, seen: list[SyntheticView]
) -> None:
    """Neither true where it is said never to hold, nor false where it is said never to fail."""
    verdicts = {evaluate(condition, view) for view in seen}
    for verdict in (True, False):
        if verdict in verdicts:
            assert conflict([(condition, verdict)]) is None


@given(st.lists(about(HEALTH, [*ORDER, "is_missing"], numbers), min_size=2, max_size=4))
def test_conflict_of_comparisons_is_always_found(members: list[Predicate]) -> None:
    """Of comparisons of one number: whatever no number and no absence meets."""
    condition = Group("all", tuple(members), "when")
    halves: list[Value | None] = [None, *(Decimal(each) / 2 for each in range(-1, 10))]
    possible = any(evaluate(condition, SyntheticView(NOW, values={HEALTH.path: each})) for each in halves)
    assert (conflict([(condition, True)]) is None) == possible


def threshold(operator: str, at: int, recovers: int | None = None) -> Predicate:
    """A latched threshold on health."""
    end = None if recovers is None else Decimal(recovers)
    return Predicate(operator, "when", field=HEALTH, value=Decimal(at), recovers_at=end)


def below(value: int) -> Predicate:
    """A comparison of health."""
    return Predicate("below", "when", field=HEALTH, value=Decimal(value))


def above(value: int) -> Predicate:
    """A comparison of health."""
    return Predicate("above", "when", field=HEALTH, value=Decimal(value))


@pytest.mark.parametrize(
    ("one", "other", "is_possible"),
    [
        (threshold("drops_below", 40), above(39), True),
        (threshold("drops_below", 40), above(40), False),
        (threshold("drops_below", 40, 50), above(45), True),
        (threshold("drops_below", 40, 50), above(50), False),
        (threshold("rises_above", 80), below(80), False),
        (threshold("rises_above", 80, 70), below(75), True),
    ],
)
def test_conflict_with_a_threshold_looks_at_where_it_recovers(
    one: Predicate, other: Predicate, is_possible: bool
) -> None:
    """A latched threshold says that the value has not come back yet."""
    assert (conflict([(one, True), (other, True)]) is None) is is_possible


def test_conflict_names_the_two_that_exclude_each_other() -> None:
    """Among everything else that is asked."""
    inner = Group("all", (Predicate("equals", "a", field=STRATEGIC, value=True), below(3)), "b")
    assert conflict([(inner, True), (above(4), True)]) == '"health is below 3" excludes "health is above 4"'


def test_conflict_gives_up_on_too_many_alternatives() -> None:
    """What would take too long to decide counts as possible."""
    week = Duration(7, "d")
    choices = [
        Group(
            "any",
            tuple(Predicate("event_within", "a", event=f"{name} {each}", window=week) for name in "xy"),
            "b",
        )
        for each in range(20)
    ]
    never = Group(
        "any", (Group("all", (below(5), above(6)), "c"), Group("all", (below(7), above(8)), "d")), "e"
    )
    assert conflict([(each, True) for each in (*choices[:3], never)]) == "its parts exclude one another"
    assert conflict([(each, True) for each in (*choices, never)]) is None
    many = tuple(choices[each % 20] for each in range(4_000))
    assert conflict([(Group("all", (*many, never), "f"), True)]) is None


def test_conflict_does_not_look_into_shares_of_other_fields() -> None:
    """80 % of another amount says nothing about the amount itself."""
    usage, limit = BUILT_IN.get("account.usage"), BUILT_IN.get("account.usage_limit")
    share = Predicate("at_least", "a", field=usage, value=Decimal(80), of=limit)
    less = Predicate("below", "b", field=usage, value=Decimal(3))
    lower_share = Predicate("below", "c", field=usage, value=Decimal(70), of=limit)
    assert conflict([(share, True), (less, True)]) is None
    assert conflict([(share, True), (lower_share, True)]) is not None


def carried(operator: str, value: Any, kind: FieldType = FieldType.TEXT, name: str = "plan") -> Predicate:
    """A question about what an event carries."""
    return Predicate(operator, "", field=Field(Kind.EVENT, name, kind), value=value)


CARRIED: dict[str, tuple[list[str], FieldType, list[Any]]] = {
    "text": (["equals", "not_equals"], FieldType.TEXT, ["trial", "pro"]),
    "number": (["equals", "below", "above"], FieldType.NUMBER, [Decimal(0), Decimal(1)]),
    "flag": (["equals", "not_equals"], FieldType.FLAG, [True, False]),
}
carries = st.recursive(
    st.one_of(
        *(
            st.builds(carried, st.sampled_from(keys), st.sampled_from(values), st.just(kind))
            for keys, kind, values in CARRIED.values()
        ),
        st.sampled_from(["is_set", "is_missing"]).map(
            lambda key: Predicate(key, "", field=Field(Kind.EVENT, "plan", FieldType.TEXT, is_any=True))
        ),
    ),
    lambda inner: st.builds(
        lambda kind, members: Group(kind, tuple(members), ""),
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)


@given(carries, st.booleans())
def test_conflict_of_what_an_event_carries_is_sure(condition: Condition, verdict: bool) -> None:
    """A property has one type: what asks for two of them is never known to be so."""
    seen: list[Any] = [None, "trial", "pro", "other", -1, 0, 0.5, 1, 2, True, False, []]
    if any(counts(condition, {"plan": each}) is verdict for each in seen):
        assert conflict([(condition, verdict)]) is None


@pytest.mark.parametrize(
    ("operator", "is_true", "is_possible"),
    [
        ("event_within", True, False),
        ("event_within", False, True),
        ("event_absent_for", True, False),
        ("event_absent_for", False, False),
    ],
)
def test_conflict_knows_events_that_cannot_be(operator: str, is_true: bool, is_possible: bool) -> None:
    """None ever happens, so it is never known for how long there was none."""
    nothing = Group("all", (carried("equals", "trial"), carried("above", Decimal(1), FieldType.NUMBER)), "")
    asked = Predicate(operator, "when", event="login", window=Duration(3, "d"), where=nothing)
    assert (conflict([(asked, is_true)]) is None) is is_possible
