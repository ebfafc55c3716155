"""The schema of all that may stand in the rules folder: playbooks, blueprints and shared conditions."""

from collections.abc import Collection
from typing import Any

from engine.conditions.catalogue import Catalogue
from engine.rulefile.blueprints import BLUEPRINT_KEY, USE_KEY
from engine.rulefile.parameters import PARAMETER_KEYS, TYPES
from engine.rulefile.schema import words
from engine.rulefile.schema.conditions import ANY_SUBJECT, condition_definitions
from engine.rulefile.schema.derived import derived_definitions
from engine.rulefile.schema.document import DIALECT, object_of, rule_file_schema
from engine.rulefile.schema.shapes import reference
from engine.rulefile.schema.values import Schema, number, one_of, slug, text
from engine.rulefile.shared_conditions import CONDITIONS_KEY

_BLUEPRINT = "blueprint."
"""Before the name of a definition: the same with placeholders in place of values."""

_NAMES = {"pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}


def rules_schema(catalogue: Catalogue, roles: Collection[str]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of any file of the rules folder."""
    playbook = rule_file_schema(catalogue, roles)
    definitions = playbook.pop("$defs") | condition_definitions(catalogue, None)
    definitions |= derived_definitions(catalogue, None)
    playbook = {key: value for key, value in playbook.items() if key not in ("$schema", "title")}
    definitions |= {
        **{f"{_BLUEPRINT}{name}": _with_holes(each) for name, each in definitions.items()},
        "playbook": playbook,
        "instance": _instance(playbook),
        "blueprint": _blueprint(playbook),
        "conditions": _conditions(),
        "placeholder": object_of(
            {"param": slug(), "as": {**text(), "pattern": r"\{\}"}}, words.PLACEHOLDER, ["param"]
        ),
    }
    is_conditions = {"required": [CONDITIONS_KEY], "not": {"required": ["playbook"]}}
    return {
        "$schema": DIALECT,
        "title": "Tminus rule file",
        "type": "object",
        "properties": {key: {"description": about} for key, about in words.FILES.items()},
        **_if(
            {"required": [BLUEPRINT_KEY]},
            reference("blueprint"),
            _if(
                is_conditions,
                reference("conditions"),
                _if({"required": [USE_KEY]}, reference("instance"), reference("playbook")),
            ),
        ),
        "$defs": definitions,
    }


def _if(test: Schema, then: Schema, otherwise: Schema) -> Schema:
    return {"if": test, "then": then, "else": otherwise}


def _instance(playbook: Schema) -> Schema:
    own = {key: playbook["properties"][key] for key in words.INSTANCE if key in playbook["properties"]}
    keys = {**own, USE_KEY: slug(), "with": {"type": "object", "propertyNames": _NAMES}}
    return object_of(keys, words.INSTANCE, ("playbook", USE_KEY))


def _conditions() -> Schema:
    named = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": _NAMES,
        "additionalProperties": reference(f"{ANY_SUBJECT}.state"),
    }
    return object_of({CONDITIONS_KEY: named}, words.FILES, (CONDITIONS_KEY,))


def _blueprint(playbook: Schema) -> Schema:
    body = _with_holes(playbook)
    own = {
        BLUEPRINT_KEY: slug(),
        "parameters": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": _NAMES,
            "additionalProperties": _parameter(),
        },
    }
    described = {key: {**each, "description": words.FILES[key]} for key, each in own.items()}
    keys = {key: each for key, each in body["properties"].items() if key != "playbook"}
    required = [key for key in body["required"] if key != "playbook"]
    return {**body, "properties": {**described, **keys}, "required": [BLUEPRINT_KEY, *required]}


def _parameter() -> Schema:
    types = [each for each in TYPES if each != "list"]
    keys: dict[str, Schema] = {
        "type": one_of(TYPES),
        "items": {**one_of(types), "default": "text"},
        "choices": {"type": "array", "items": text(), "minItems": 1},
        "of": text(),
        "min": number(),
        "max": number(),
        "default": {},
        "about": text(),
    }
    return object_of({key: keys[key] for key in PARAMETER_KEYS}, words.PARAMETER, ("type",))


def _with_holes(schema: Any) -> Any:
    """The schema in which a placeholder may stand for the value of any key and for any member of a list."""
    if isinstance(schema, list):
        return [_with_holes(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _part(key, value) for key, value in schema.items()}


def _part(key: str, value: Any) -> Any:
    if key == "$ref":
        return value.replace("#/$defs/", f"#/$defs/{_BLUEPRINT}")
    if key in ("properties", "dependentSchemas") and isinstance(value, dict):
        return {
            name: _hole(each) if key == "properties" else _with_holes(each) for name, each in value.items()
        }
    if key == "items":
        return _hole(value)
    if key in _JOINING:
        return _with_holes(value)
    return value


_JOINING = frozenset(("allOf", "anyOf", "oneOf", "then", "else"))
"""Their schemas are about the value itself; those under `if` and `not` only tell which schema it is."""


def _hole(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    described = {"description": schema["description"]} if "description" in schema else {}
    return {**described, "anyOf": [reference("placeholder"), _with_holes(schema)]}
