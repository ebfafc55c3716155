"""What an event carries, read as what it is asked about as."""

from decimal import Decimal
from typing import Any

import pytest

from engine.conditions.catalogue import Field, FieldType, Kind
from engine.conditions.properties import counts, property_value
from engine.conditions.tree import Group, Predicate

TEXT, NUMBER, FLAG = FieldType.TEXT, FieldType.NUMBER, FieldType.FLAG


def field(name: str, kind: FieldType = TEXT, *, is_any: bool = False) -> Field:
    """A property as a rule asks about it."""
    return Field(Kind.EVENT, name, kind, is_any=is_any)


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (TEXT, "trial", "trial"),
        (TEXT, "", None),
        (TEXT, 5, None),
        (TEXT, True, None),
        (TEXT, ["trial"], None),
        (TEXT, {"a": "trial"}, None),
        (TEXT, None, None),
        (NUMBER, 5, Decimal(5)),
        (NUMBER, 0.1, Decimal("0.1")),
        (NUMBER, 0.12345678, Decimal("0.123457")),
        (NUMBER, -0.0, Decimal(0)),
        (NUMBER, 1e-300, Decimal(0)),
        (NUMBER, "5", None),
        (NUMBER, True, None),
        (NUMBER, 10**12, None),
        (NUMBER, 10**12 - 1, Decimal(10**12 - 1)),
        pytest.param(NUMBER, 10**5000, None, id="more digits than are written out"),
        (NUMBER, 1e300, None),
        (NUMBER, float("nan"), None),
        (NUMBER, float("-inf"), None),
        (FLAG, False, False),
        (FLAG, "true", None),
        (FLAG, 1, None),
    ],
)
def test_property_value_is_only_of_the_type_asked_for(kind: FieldType, given: Any, expected: Any) -> None:
    """Whatever else it is, it is no value, and never an error."""
    found = property_value(field("p", kind), {"p": given})
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("given", "is_set"), [(0, True), (False, True), ([], True), ("", False), (None, False)]
)
def test_property_is_set_whatever_its_type(given: Any, is_set: bool) -> None:
    """Zero, no and an empty list are something; null and empty text are nothing."""
    asked = field("p", is_any=True)
    assert counts(Predicate("is_set", "", field=asked), {"p": given}) is is_set
    assert counts(Predicate("is_missing", "", field=asked), {"p": given}) is not is_set


DEEP: Any = "end"
for _ in range(32):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("plan", None, None),
        ("plan", {}, None),
        ("a.b", {"a": {"b": "inner"}}, "inner"),
        ("a.b", {"a.b": "whole", "a": {"b": "inner"}}, "whole"),
        ("a.b.c", {"a": {"b.c": "inner"}}, "inner"),
        ("a.b", {"a": "text"}, None),
        ("a.b", {"a": ["b"]}, None),
        ("a.", {"a": {"": "odd"}}, None),
        (".a", {"": {"a": "odd"}}, "odd"),
        ("..", {"..": "dots"}, "dots"),
        ("Größe der\u200bWahl", {"Größe der\u200bWahl": "10"}, "10"),
        ("e\u0301", {"\u00e9": "composed"}, None),
        ("plan", {"Plan": "trial"}, None),
        (".".join("a" * 32), DEEP, "end"),
        (".".join("a" * 200), DEEP, None),
    ],
)
def test_property_is_found_by_its_name(name: str, properties: Any, expected: Any) -> None:
    """By the whole name as told, else in the objects within."""
    assert property_value(field(name), properties) == expected


TRIAL, MANY = (
    Predicate("equals", "", field=field("plan"), value="trial"),
    Predicate("above", "", field=field("seats", NUMBER), value=Decimal(10)),
)


@pytest.mark.parametrize(
    ("kind", "properties", "expected"),
    [
        ("all", {"plan": "trial", "seats": 11}, True),
        ("all", {"plan": "trial"}, None),
        ("all", {"plan": "pro"}, False),
        ("any", {"plan": "trial", "seats": "11"}, True),
        ("any", {"plan": "pro", "seats": "11"}, None),
        ("none", {"plan": "pro", "seats": 10}, True),
        ("none", {}, None),
    ],
)
def test_counts_is_unknown_where_a_property_decides_that_is_not_there(
    kind: Any, properties: dict[str, Any], expected: bool | None
) -> None:
    """Groups join what is known of the properties as they do with fields."""
    assert counts(Group(kind, (TRIAL, MANY), ""), properties) is expected


def test_every_event_counts_without_a_condition() -> None:
    """What it carries does not matter then."""
    assert counts(None, None) is True
