"""Schemas of what a playbook changes itself: the values of `record:` and `update:`."""

from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind
from engine.rulefile.effects import Clock
from engine.rulefile.parse_effects import SETTABLE, fits
from engine.rulefile.schema import words
from engine.rulefile.schema.shapes import paths, shape_of, visible
from engine.rulefile.schema.values import Schema, number, text


def property_value() -> Schema:
    """What an event may carry: a text with values, a number or a flag."""
    return {"anyOf": [number(), {"type": "boolean"}, {**text(), "type": "string"}]}


def update_schema(catalogue: Catalogue, subject: Kind) -> Schema:
    """The fields that a playbook about `subject` can set, each with what it can be set to."""
    seen = visible(catalogue, subject)
    settable = [each for each in seen if each.kind in SETTABLE]
    return {
        "type": "object",
        "properties": {each.path: _given(each, seen) for each in settable},
        "additionalProperties": False,
        "minProperties": 1,
    }


def _given(field: Field, seen: list[Field]) -> Schema:
    source = {
        "type": "object",
        "properties": {
            "field": {**paths(each for each in seen if fits(each, field)), "description": words.SOURCE}
        },
        "required": ["field"],
        "additionalProperties": False,
    }
    clock = {FieldType.INSTANT: Clock.NOW, FieldType.DATE: Clock.TODAY}.get(field.type)
    given = [shape_of(field).value(), source, {"type": "null"}]
    if clock is not None:
        given.append({"const": clock.value})
    return {"anyOf": given, "description": f"What {field.path} is set to; null clears it."}
