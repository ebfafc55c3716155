"""Schemas of conditions: which operator goes with which field, and what follows it."""

from collections.abc import Iterable, Mapping
from itertools import combinations

from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind
from engine.conditions.operators import Argument, Operator
from engine.rulefile.model import Leave
from engine.rulefile.parse_conditions import GROUPS
from engine.rulefile.parse_predicates import FAMILIES, PARTS
from engine.rulefile.parse_properties import TAKEN
from engine.rulefile.schema import words
from engine.rulefile.schema.shapes import (
    ARGUMENTS,
    Shape,
    Takes,
    is_taken,
    paths,
    property_argument,
    reference,
    shape_definitions,
    shape_of,
    visible,
)
from engine.rulefile.schema.values import (
    Schema,
    one_of,
    property_path,
    slug,
    text,
)
from engine.rulefile.shared_conditions import USE_KEY

ANY_SUBJECT = "any"
"""In the names of definitions, stands for conditions that may be about anything."""


_IN_RUN = {key: row for key, row in FAMILIES["event"].items() if key}
_WINDOWS = {key: row for key, row in _IN_RUN.items() if row.argument is not Argument.EVENT_SINCE}
_NO_SHAPE = Shape(FieldType.TEXT)
"""For questions about events and steps."""


def condition_definitions(catalogue: Catalogue, kind: Kind | None) -> dict[str, Schema]:
    """Every kind of condition that a playbook about `kind` can hold, by the name of its definition."""
    fields, subject = visible(catalogue, kind), kind or ANY_SUBJECT
    besides = {"if": {**reference(f"{subject}.state"), "description": words.ABOUT["if"]}}
    leave = {"leave": {**one_of(Leave), "default": Leave.STAY.value, "description": words.ABOUT["leave"]}}
    in_run, asked = f"{subject}.run_state", ("field", "event", *_derived_keys(subject))
    return {
        f"{subject}.field.state": field_predicate(fields, "state"),
        f"{subject}.field.moment": field_predicate(fields, "moment"),
        f"{subject}.field.either": field_predicate(fields, "either"),
        f"{subject}.field.start": field_predicate(fields, "moment", besides),
        f"{subject}.event.start": _event(0, {}, besides),
        f"{subject}.field.audience": field_predicate(fields, "state", leave),
        f"{subject}.event.audience": _event(1, _WINDOWS, leave),
        f"{subject}.audience": any_condition(
            {
                **{key: reference(f"{subject}.{key}.audience") for key in asked},
                **{kind: group(kind, f"{subject}.state", leave) for kind in GROUPS},
                USE_KEY: _shared(leave),
            }
        ),
        f"{subject}.state": any_condition(_kinds(subject, "state", f"{subject}.state")),
        in_run: any_condition(_kinds_in_run(subject, "state")),
        f"{subject}.run_either": any_condition(_kinds_in_run(subject, "either")),
        f"{subject}.moment": any_condition(_kinds(subject, "moment", None)),
        f"{subject}.start": any_condition(
            {key: reference(f"{subject}.{key}.start") for key in ("field", "event")}
        ),
    }


def shared_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """What conditions have in common whatever their playbook is about."""
    return {
        "shared": _shared(),
        "event.property": _property(),
        "event.where": any_condition(
            {
                "field": reference("event.property"),
                USE_KEY: reference("shared"),
                **{kind: group(kind, "event.where") for kind in GROUPS},
            }
        ),
        "event.state": _event(1, _WINDOWS),
        "event.moment": _event(0, {}),
        "event.run_state": _event(1, _IN_RUN),
        "event.run_either": _event(0, _IN_RUN),
        "step": _question("step", slug(), FAMILIES["step"], exactly_one(FAMILIES["step"])),
        **shape_definitions(catalogue),
    }


def _shared(besides: Schema | None = None) -> Schema:
    """The name of a shared condition."""
    keys = {USE_KEY: {**slug(), "description": words.ABOUT[USE_KEY]}, **(besides or {})}
    return {"type": "object", "properties": keys, "required": [USE_KEY], "additionalProperties": False}


def _event(fewest: int, windows: Mapping[str, Operator], besides: Schema | None = None) -> Schema:
    """An event with at least `fewest` and at most one of `windows`; a count needs `within`."""
    alone = [key for key, row in windows.items() if row.argument is not Argument.EVENT_COUNT]
    counts = [key for key, row in windows.items() if row.argument is Argument.EVENT_COUNT]
    asked = exactly_one(alone) if fewest else _at_most_one(alone)
    needs = {"dependentRequired": {key: ["within"] for key in counts}} if counts else {}
    where = {"where": {**reference("event.where"), "description": words.WHICH}}
    return _question("event", text(), windows, {**asked, **needs}, {**where, **(besides or {})})


def _property() -> Schema:
    """What an event carries, exactly one operator, and what it is compared with."""
    rows = {key: row for key, row in FAMILIES["field"].items() if row.argument in TAKEN}
    return {
        "type": "object",
        "properties": {
            "field": {**property_path(), "description": words.PROPERTY},
            **{
                key: {**property_argument(row), "description": words.OPERATORS[row.keyword]}
                for key, row in rows.items()
            },
        },
        "required": ["field"],
        "additionalProperties": False,
        **exactly_one(rows),
    }


def _question(
    about: str, name: Schema, rows: Mapping[str, Operator], count: Schema, besides: Schema | None = None
) -> Schema:
    asked = {
        key: {**ARGUMENTS[row.argument](_NO_SHAPE), "description": words.OPERATORS[row.keyword]}
        for key, row in rows.items()
    }
    return {
        "type": "object",
        "properties": {about: {**name, "description": words.ABOUT[about]}, **asked, **(besides or {})},
        "required": [about],
        "additionalProperties": False,
        **count,
    }


def exactly_one(keys: Iterable[str]) -> Schema:
    """One of these keys, and no second."""
    return {"oneOf": [{"required": [key]} for key in keys]}


def _at_most_one(keys: Iterable[str]) -> Schema:
    pairs = [{"required": list(each)} for each in combinations(keys, 2)]
    return {"not": {"anyOf": pairs}} if pairs else {}


def field_predicate(fields: list[Field], takes: Takes, besides: Schema | None = None) -> Schema:
    """A field, exactly one operator, and what goes with it for fields of this shape."""
    rows = {key: row for key, row in FAMILIES["field"].items() if is_taken(row, takes)}
    by_shape: dict[Shape, list[str]] = {}
    for each in fields:
        by_shape.setdefault(shape_of(each), []).append(each.path)
    amounts = paths(each for each in fields if shape_of(each).is_amount)
    temporal = [each for each in fields if each.type.is_temporal]
    return {
        "type": "object",
        "properties": {
            "field": {**paths(fields), "description": words.ABOUT["field"]},
            **{key: {"description": words.OPERATORS[row.keyword]} for key, row in rows.items()},
            "of": {**amounts, "description": words.ABOUT["of"]},
            **{part: {"description": words.ABOUT[part]} for part in PARTS},
            "else_since": {**paths(temporal), "description": words.ABOUT["else_since"]},
            **(besides or {}),
        },
        "required": ["field"],
        "additionalProperties": False,
        **exactly_one(rows),
        "allOf": [
            {"if": _is_about(known), "then": reference(f"{shape.name}.{takes}")}
            for shape, known in by_shape.items()
        ],
    }


def _is_about(known: list[str]) -> Schema:
    return {"properties": {"field": {"enum": known}}, "required": ["field"]}


def _derived_keys(subject: str) -> tuple[str, ...]:
    """What a playbook about `subject` can count and sum; a source has nothing."""
    return () if subject is Kind.SOURCE else ("count", "sum")


def _kinds(subject: str, takes: Takes, members: str | None) -> dict[str, Schema]:
    """What a condition can be, by the key that says so; without `members`, a moment alone."""
    found = {"field": reference(f"{subject}.field.{takes}"), "event": reference(f"event.{takes}")}
    if not members:
        return found
    derived = {key: reference(f"{subject}.{key}") for key in _derived_keys(subject)}
    groups = {kind: group(kind, members) for kind in GROUPS}
    return {**found, **derived, **groups, USE_KEY: reference("shared")}


def _kinds_in_run(subject: str, takes: Takes) -> dict[str, Schema]:
    """The same within a run, which has steps and a start."""
    found = _kinds(subject, takes, f"{subject}.run_state")
    return {
        **found,
        **{key: reference(f"{subject}.{key}.run") for key in _derived_keys(subject)},
        "event": reference(f"event.run_{takes}"),
        "step": reference("step"),
    }


def any_condition(kinds: Mapping[str, Schema]) -> Schema:
    """One of these kinds of condition, by the key that says which."""
    return {
        "type": "object",
        "properties": {key: {"description": {**words.ABOUT, **words.GROUPS}[key]} for key in kinds},
        "anyOf": [{"required": [key]} for key in kinds],
        "allOf": [{"if": {"required": [key]}, "then": kind} for key, kind in kinds.items()],
    }


def group(kind: str, members: str, besides: Schema | None = None) -> Schema:
    """A group of conditions of the definition `members`."""
    listed = {"type": "array", "items": reference(members), "minItems": 1}
    return {
        "properties": {kind: {**listed, "description": words.GROUPS[kind]}, **(besides or {})},
        "additionalProperties": False,
    }
