"""Conditions as rule files write them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN
from engine.conditions.operators import OPERATORS, Argument
from engine.conditions.tree import Comparison, Condition, Crossing, Group, Predicate, Shift, predicates
from engine.rulefile.model import OnTiming, Playbook
from engine.rulefile.parse_arguments import READERS
from engine.rulefile.parse_predicates import FAMILIES

FIELDS = BUILT_IN.fields


@pytest.mark.parametrize(
    ("text", "operator", "path", "value"),
    [
        ("equals: high_touch", "equals", "account.segment", "high_touch"),
        ("not_equals: low_touch", "not_equals", "account.segment", "low_touch"),
        ("in: [low_touch, tech_touch]", "in", "account.segment", ("low_touch", "tech_touch")),
        ("not_in: [low_touch]", "not_in", "account.segment", ("low_touch",)),
        ("equals: no", "equals", "account.country", "no"),
        ("equals: 12:30", "equals", "account.plan", "12:30"),
        ("equals: 7", "equals", "account.plan", "7"),
        ("equals: true", "equals", "account.strategic", True),
        ("equals: False", "equals", "account.strategic", False),
        ("below: 40", "below", "account.health", Decimal(40)),
        ("at_most: -1.5", "at_most", "account.health", Decimal("-1.5")),
        ("above: 1e3", "above", "account.arr", Decimal(1000)),
        ("at_least: 0.000001", "at_least", "account.arr", Decimal("0.000001")),
        ("at_least: 60%", "at_least", "account.adoption", Decimal(60)),
        ("at_least: 60", "at_least", "account.adoption", Decimal(60)),
        ("between: [40, 60]", "between", "account.health", (Decimal(40), Decimal(60))),
        ("below: 2026-01-31", "below", "account.renews_on", date(2026, 1, 31)),
        (
            'below: "2026-01-31T09:00:00+01:00"',
            "below",
            "account.last_touch_at",
            datetime(2026, 1, 31, 8, tzinfo=UTC),
        ),
        ("contains: Two words", "contains", "account.plan", "Two words"),
        ("contains: 7", "contains", "account.plan", "7"),
        ('matches: "*@acme.example"', "matches", "account.csm", "*@acme.example"),
        ("is_set: true", "is_set", "account.health", None),
        ("is_missing: true", "is_missing", "account.health", None),
        ("drops_below: 40", "drops_below", "account.health", Decimal(40)),
        ("rises_above: 40", "rises_above", "account.health", Decimal(40)),
        ("days_until: {at_most: 90}", "days_until", "account.renews_on", Comparison("at_most", 90)),
        ("days_until: {between: [0, 120]}", "days_until", "account.renews_on", Comparison("between", 0, 120)),
        ("days_until: {equals: -3}", "days_until", "account.renews_on", Comparison("equals", -3)),
        ("days_since: {above: 30}", "days_since", "account.last_touch_at", Comparison("above", 30)),
        ("above: 3", "above", "subscription.seats", Decimal(3)),
    ],
)
def test_field_operator_is_read(
    condition: Callable[[str], Condition], text: str, operator: str, path: str, value: Any
) -> None:
    """Every operator takes its argument, typed by the field."""
    assert condition(f"{{field: {path}, {text}}}") == Predicate(operator, "when", FIELDS[path], value)


def test_percentage_is_taken_of_another_field(condition: Callable[[str], Condition]) -> None:
    """80% is kept as 80 beside the field it is a part of."""
    found = condition('{field: subscription.usage, at_least: "80%", of: subscription.limit}')
    expected = Predicate(
        "at_least", "when", FIELDS["subscription.usage"], Decimal(80), FIELDS["subscription.limit"]
    )
    assert found == expected


@pytest.mark.parametrize(
    ("operator", "recovery"),
    [("drops_below", 50), ("drops_below", 40), ("rises_above", 30), ("rises_above", 40)],
)
def test_threshold_may_recover_elsewhere(
    condition: Callable[[str], Condition], operator: str, recovery: int
) -> None:
    """The recovery lies at the threshold or on its far side."""
    found = condition(f"{{field: account.health, {operator}: 40, recovers_at: {recovery}}}")
    assert isinstance(found, Predicate)
    assert (found.value, found.recovers_at) == (Decimal(40), Decimal(recovery))


@pytest.mark.parametrize(
    ("text", "operator", "window"),
    [
        ("{event: login, within: 14d}", "event_within", Duration(14, "d")),
        ("{event: login, absent_for: 2w}", "event_absent_for", Duration(2, "w")),
    ],
)
def test_event_window_is_a_state(
    condition: Callable[[str], Condition], text: str, operator: str, window: Duration
) -> None:
    """An event within a time, or absent for one, holds over a stretch."""
    assert condition(text) == Predicate(operator, "when", event="login", window=window)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("changes: true", Predicate("changes", "on", FIELDS["account.plan"])),
        ("changes: true, from: pro", Predicate("changes", "on", FIELDS["account.plan"], was="pro")),
        ("changes_to: a, from: b", Predicate("changes_to", "on", FIELDS["account.plan"], "a", was="b")),
    ],
)
def test_change_is_read(sound: Callable[..., Playbook], text: str, expected: Predicate) -> None:
    """Any change, or one from a value to another."""
    assert sound(on=f"{{field: account.plan, {text}}}").on[0].predicate == expected


@pytest.mark.parametrize(
    ("text", "value", "was"),
    [
        ("changes: true", None, None),
        ("changes: true, from: pro", None, "pro"),
        ("changes_to: a", "a", None),
        ("changes_to: a, from: b", "a", "b"),
    ],
)
def test_change_within_a_time_is_a_state(
    condition: Callable[[str], Condition], text: str, value: str | None, was: str | None
) -> None:
    """The same change, looked back on."""
    expected = Predicate(
        "changed_within", "when", FIELDS["account.plan"], value, was=was, window=Duration(9, "d")
    )
    assert condition(f"{{field: account.plan, {text}, within: 9d}}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1000, 100]", Crossing((Decimal(100), Decimal(1000)), "up", True, True)),
        ("[5], direction: down", Crossing((Decimal(5),), "down", True, True)),
        ("[5], direction: up, take: each, once: never", Crossing((Decimal(5),), "up", False, False)),
        ("[5], take: highest, once: per_threshold", Crossing((Decimal(5),))),
    ],
)
def test_crossing_is_read(sound: Callable[..., Playbook], text: str, expected: Crossing) -> None:
    """The thresholds in ascending order, and what is left out as documented."""
    predicate = sound(on=f"{{field: account.usage, crosses: {text}}}").on[0].predicate
    assert predicate == Predicate("crosses", "on", FIELDS["account.usage"], expected)


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("{field: account.health, drops_by: 15, within: 14d}", Shift(Decimal(15))),
        ("{field: account.usage, rises_by: 20%, within: 14d}", Shift(Decimal(20), is_share=True)),
        ("{field: account.adoption, drops_by: 0.5, within: 14d}", Shift(Decimal("0.5"))),
    ],
)
def test_shift_is_read(condition: Callable[[str], Condition], text: str, shift: Shift) -> None:
    """By an amount, or by a part of where it moved from."""
    found = condition(text)
    assert isinstance(found, Predicate)
    assert (found.value, found.window) == (shift, Duration(14, "d"))


def test_count_of_events_is_read(condition: Callable[[str], Condition]) -> None:
    """So many within a time."""
    expected = Predicate("event_at_least", "when", event="login", value=Decimal(3), window=Duration(7, "d"))
    assert condition("{event: login, at_least: 3, within: 7d}") == expected


def test_metric_declared_in_the_catalogue_can_be_asked(condition: Callable[[str], Condition]) -> None:
    """A subject sees its account's metrics."""
    found = condition("{field: metric.logins, below: 3}")
    assert isinstance(found, Predicate)
    assert found.field is not None
    assert found.field.path == "metric.logins"


def test_groups_nest_and_every_member_knows_its_place(condition: Callable[[str], Condition]) -> None:
    """The path leads to the place in the file."""
    found = condition(
        "{all: [{field: account.health, below: 40}, {any: [{event: login, within: 1d}, "
        "{none: [{field: account.csm, is_set: true}]}]}]}"
    )
    assert isinstance(found, Group)
    assert [found.kind, found.path] == ["all", "when"]
    assert [each.path for each in predicates(found)] == [
        "when.all[0]",
        "when.all[1].any[0]",
        "when.all[1].any[1].none[0]",
    ]


def test_paths_are_unique_in_a_playbook(sound: Callable[..., Playbook]) -> None:
    """Two predicates never share a place, wherever they stand."""
    playbook = sound(
        audience="{field: account.segment, equals: high_touch}",
        on="[{event: a, if: {field: account.health, below: 4}}, {event: a}]",
        steps="[{id: one, on: {event: b}, if: {step: two, is: open}, task: {to: csm, title: x}},"
        " {id: two, on: {event: b}, task: {to: csm, title: x}}]",
        exit="[{outcome: x, on: {event: c}}, {outcome: x, when: {step: one, is: done}}]",
    )
    conditions: list[Condition | None] = [playbook.audience, playbook.when]
    conditions += [part for moment in playbook.on for part in (moment.predicate, moment.condition)]
    conditions += [step.timing.condition for step in playbook.steps if isinstance(step.timing, OnTiming)]
    conditions += [step.condition for step in playbook.steps] + [each.condition for each in playbook.exits]
    paths = [each.path for whole in conditions if whole for each in predicates(whole)]
    assert sorted(paths) == [
        "audience", "exit[0].on", "exit[1].when", "on[0]", "on[0].if", "on[1]",
        "steps.one.if", "steps.one.on", "steps.two.on", "when",
    ]  # fmt: skip


def test_every_argument_and_operator_can_be_read() -> None:
    """A row of the operator table with a known argument needs nothing here."""
    assert set(READERS) == set(Argument)
    keywords = {row.keyword for family in FAMILIES.values() for row in family.values()}
    assert keywords | {"changed_within"} == set(OPERATORS)


def test_all_problems_of_a_condition_are_found_at_once(messages: Callable[..., list[str]]) -> None:
    """One mistake does not hide the next."""
    found = messages(
        when="{all: [{field: account.helth, below: 4}, {field: account.health, belw: 4}, {any: []}, 7]}"
    )
    assert found == [
        'playbook "small": unknown field "account.helth" (did you mean "account.health"?)',
        'playbook "small": unknown operator "belw" (did you mean "below"?)',
        'playbook "small": any: is an empty list; add a member or remove the key',
        'playbook "small": all: takes a condition such as {field: account.health, below: 40}',
    ]
