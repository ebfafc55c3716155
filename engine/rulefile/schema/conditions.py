"""Schemas of conditions: which operator goes with which field, and what follows it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind, seen_from
from engine.conditions.operators import Argument, Operator
from engine.rulefile.model import Leave
from engine.rulefile.parse_arguments import (
    DAY_COMPARISONS,
    DIRECTIONS,
    MOST_DAYS,
    MOST_EVENTS,
    ONCE,
    RUN_START,
    STEP_STATES,
    TAKES,
)
from engine.rulefile.parse_conditions import GROUPS
from engine.rulefile.parse_predicates import FAMILIES, PARTS
from engine.rulefile.schema import words
from engine.rulefile.schema.values import (
    Schema,
    duration,
    one_of,
    pattern,
    percentage,
    shift,
    slug,
    text,
    typed,
    whole,
)
from engine.rulefile.shared_conditions import USE_KEY

Takes: TypeAlias = Literal["state", "moment", "either"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the fields of one type have in common; of a choice also what can be chosen."""

    type: FieldType
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name among the definitions."""
        return "-".join(["value", self.type, *self.choices])

    @property
    def is_amount(self) -> bool:
        """Whether a percentage of it can be taken."""
        return self.type.is_numeric and self.type is not FieldType.PERCENT

    def value(self) -> Schema:
        """One value."""
        return typed(self.type, self.choices)


def shape_of(field: Field) -> Shape:
    """The shape of a field's values."""
    return Shape(field.type, field.choices if field.type is FieldType.ENUM else ())


ANY_SUBJECT = "any"
"""In the names of definitions, stands for conditions that may be about anything."""


def visible(catalogue: Catalogue, subject: Kind | None) -> list[Field]:
    """The fields a condition can name in a playbook about `subject`; all of them when that is not known."""
    kinds = seen_from(subject) if subject else tuple(Kind)
    return [each for each in catalogue.fields.values() if each.kind in kinds]


def paths(fields: Iterable[Field]) -> Schema:
    """One of these fields, each with what it holds."""
    known = list(fields)
    return {"enum": [each.path for each in known], "enumDescriptions": [_described(each) for each in known]}


def _described(field: Field) -> str:
    unit = f" in {field.unit.replace('_', ' ')}" if field.unit else ""
    choices = f": {', '.join(field.choices)}" if field.choices else ""
    return f"{field.type}{unit}{choices}"


def reference(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def _shape_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """For every shape of value and kind of place, the operators that go with it and what follows them."""
    shapes = dict.fromkeys(map(shape_of, catalogue.fields.values()))
    places: tuple[Takes, ...] = ("state", "moment", "either")
    return {f"{shape.name}.{takes}": _shape(shape, takes) for shape in shapes for takes in places}


def _shape(shape: Shape, takes: Takes) -> Schema:
    rows = {
        key: row
        for key, row in FAMILIES["field"].items()
        if shape.type in row.types and _is_taken(row, takes)
    }
    parts = {part: _keys_with(rows, arguments) for part, arguments in PARTS.items()}
    extras = (["of"] if shape.is_amount else []) + [part for part, keys in parts.items() if keys]
    plain: Schema = {"properties": {key: ARGUMENTS[row.argument](shape) for key, row in rows.items()}}
    found: Schema = {"propertyNames": {"enum": ["field", *rows, *extras, "if", "leave"]}}
    if shape.is_amount:
        share = {key: percentage() if row.takes_of else False for key, row in rows.items()}
        found |= {"if": {"required": ["of"]}, "then": {"properties": share}, "else": plain}
    else:
        found |= plain
    found["dependentRequired"] = {key: ["within"] for key in _keys_with(rows, PARTS["within"])}
    found["dependentSchemas"] = {
        part: {"anyOf": [{"required": [key]} for key in keys]} for part, keys in parts.items() if keys
    }
    found["allOf"] = [{"properties": {part: _PART_VALUES[part](shape) for part in parts if part in extras}}]
    return found


def _keys_with(rows: Mapping[str, Operator], arguments: frozenset[Argument]) -> list[str]:
    return [key for key, row in rows.items() if row.argument in arguments]


_PART_VALUES: dict[str, Callable[[Shape], Schema]] = {
    "recovers_at": Shape.value,
    "from": Shape.value,
    "else_since": lambda shape: {},
    "within": lambda shape: duration(zero=False, business=False),
    "direction": lambda shape: {**one_of(DIRECTIONS), "default": "up"},
    "take": lambda shape: {**one_of(TAKES), "default": "highest"},
    "once": lambda shape: {**one_of(ONCE), "default": "per_threshold"},
}


def _list_of(shape: Shape) -> Schema:
    return {"type": "array", "items": shape.value(), "minItems": 1, "uniqueItems": True}


def pair_of(item: Schema) -> Schema:
    """A list of two."""
    return {"type": "array", "items": item, "minItems": 2, "maxItems": 2}


def _days(shape: Shape) -> Schema:
    days = whole(-MOST_DAYS, MOST_DAYS)
    comparisons = {
        key: {**(pair_of(days) if key == "between" else days), "description": words.OPERATORS[key]}
        for key in DAY_COMPARISONS
    }
    return {
        "type": "object",
        "properties": comparisons,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


ARGUMENTS: dict[Argument, Callable[[Shape], Schema]] = {
    Argument.VALUE: Shape.value,
    Argument.VALUES: _list_of,
    Argument.RANGE: lambda shape: pair_of(shape.value()),
    Argument.TEXT_PART: lambda shape: text(),
    Argument.PATTERN: lambda shape: pattern(),
    Argument.PRESENCE: lambda shape: {"const": True},
    Argument.THRESHOLD: Shape.value,
    Argument.CHOICE: Shape.value,
    Argument.CHANGE: lambda shape: {"const": True},
    Argument.CROSSING: _list_of,
    Argument.SHIFT: lambda shape: shift(is_share=shape.type is not FieldType.PERCENT),
    Argument.DAYS: _days,
    Argument.DAYS_SINCE: _days,
    Argument.EVENT: lambda shape: text(),
    Argument.EVENT_WINDOW: lambda shape: duration(zero=False, business=False),
    Argument.EVENT_SINCE: lambda shape: one_of([RUN_START]),
    Argument.EVENT_COUNT: lambda shape: whole(1, MOST_EVENTS),
    Argument.STEP_STATE: lambda shape: one_of(STEP_STATES),
    Argument.STEP_OUTCOME: lambda shape: slug(),
}
"""What follows an operator, by the shape of its argument; the field's shape matters to some."""

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
        f"{subject}.field.state": _field_predicate(fields, "state"),
        f"{subject}.field.moment": _field_predicate(fields, "moment"),
        f"{subject}.field.either": _field_predicate(fields, "either"),
        f"{subject}.field.start": _field_predicate(fields, "moment", besides),
        f"{subject}.event.start": _event(0, {}, besides),
        f"{subject}.field.audience": _field_predicate(fields, "state", leave),
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
        "event.state": _event(1, _WINDOWS),
        "event.moment": _event(0, {}),
        "event.run_state": _event(1, _IN_RUN),
        "event.run_either": _event(0, _IN_RUN),
        "step": _question("step", slug(), FAMILIES["step"], exactly_one(FAMILIES["step"])),
        **_shape_definitions(catalogue),
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
    return _question("event", text(), windows, {**asked, **needs}, besides)


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


def _field_predicate(fields: list[Field], takes: Takes, besides: Schema | None = None) -> Schema:
    """A field, exactly one operator, and what goes with it for fields of this shape."""
    rows = {key: row for key, row in FAMILIES["field"].items() if _is_taken(row, takes)}
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


def _is_taken(row: Operator, takes: Takes) -> bool:
    return takes in ("either", "moment" if row.is_moment else "state")


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
    counts = {"count": reference(f"{subject}.count.run")} if "count" in found else {}
    return {
        **found,
        **counts,
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
