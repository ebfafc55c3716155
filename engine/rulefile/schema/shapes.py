"""Schemas of what follows an operator, for each shape of value that a field may have."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind, seen_from
from engine.conditions.operators import Argument, Operator
from engine.rulefile.parse_arguments import DIRECTIONS, ONCE, STEP_STATES, TAKES
from engine.rulefile.parse_predicates import FAMILIES, LOOKED_BACK_ON, PARTS
from engine.rulefile.parse_time_arguments import DAY_COMPARISONS, MOST_DAYS, MOST_EVENTS, RUN_START
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


def shape_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """For every shape of value and kind of place, the operators that go with it and what follows them."""
    shapes = dict.fromkeys(map(shape_of, catalogue.fields.values()))
    places: tuple[Takes, ...] = ("state", "moment", "either")
    return {f"{shape.name}.{takes}": _shape(shape, takes) for shape in shapes for takes in places}


def _shape(shape: Shape, takes: Takes) -> Schema:
    rows = {
        key: row for key, row in FAMILIES["field"].items() if shape.type in row.types and is_taken(row, takes)
    }
    parts = {part: _keys_with(rows, _part_of(part, takes)) for part in PARTS}
    extras = (["of"] if shape.is_amount else []) + [part for part, keys in parts.items() if keys]
    plain: Schema = {"properties": {key: ARGUMENTS[row.argument](shape) for key, row in rows.items()}}
    found: Schema = {"propertyNames": {"enum": ["field", *rows, *extras, "if", "leave"]}}
    if shape.is_amount:
        share = {key: percentage() if row.takes_of else False for key, row in rows.items()}
        found |= {"if": {"required": ["of"]}, "then": {"properties": share}, "else": plain}
    else:
        found |= plain
    looks_back = frozenset([Argument.SHIFT]) | (LOOKED_BACK_ON if takes == "state" else frozenset())
    found["dependentRequired"] = {key: ["within"] for key in _keys_with(rows, looks_back)}
    found["dependentSchemas"] = {
        part: {"anyOf": [{"required": [key]} for key in keys]} for part, keys in parts.items() if keys
    }
    found["allOf"] = [{"properties": {part: _PART_VALUES[part](shape) for part in parts if part in extras}}]
    return found


def _part_of(part: str, takes: Takes) -> frozenset[Argument]:
    """The arguments beside which a part may stand; a moment does not look back."""
    arguments = PARTS[part]
    return arguments - LOOKED_BACK_ON if part == "within" and takes == "moment" else arguments


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
    Argument.CHANGED: Shape.value,
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


def property_argument(row: Operator) -> Schema:
    """What follows an operator that asks what an event carries: the way a value is written says its type."""
    if FieldType.TEXT not in row.types:
        return ARGUMENTS[row.argument](Shape(FieldType.NUMBER))
    if row.argument not in (Argument.VALUE, Argument.VALUES):
        return ARGUMENTS[row.argument](Shape(FieldType.TEXT))
    kinds = [typed(FieldType.NUMBER, ()), typed(FieldType.FLAG, ()), {**text(), "type": "string"}]
    lists = [{"type": "array", "items": each, "minItems": 1, "uniqueItems": True} for each in kinds]
    return {"anyOf": lists if row.argument is Argument.VALUES else kinds}


def is_taken(row: Operator, takes: Takes) -> bool:
    """Whether the operator may stand where this is taken."""
    if takes == "state" and row.argument in LOOKED_BACK_ON:
        return True
    return takes in ("either", "moment" if row.is_moment else "state")
