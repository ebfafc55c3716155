"""`record:` and `update:`: what a playbook changes itself."""

import re

from engine.conditions.catalogue import Field, FieldType, Kind
from engine.rulefile.effects import Clock, Given, Line, RecordAction, Setting, UpdateAction
from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_values import article, flag, number, scalar, slug, text, typed
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping, Node, Scalar

RECORD_KEYS = ("event", "properties")
LONGEST_EVENT = 200
"""Characters of an event's name, as everywhere."""
MOST_PROPERTIES = 20
SETTABLE = (Kind.ACCOUNT, Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET)

_NUMBER = re.compile(r"[-+]?[\d.]+", re.ASCII)
_TEMPLATE = re.compile(r"\{[{%#]")


def read_record(node: Node, scope: Scope) -> RecordAction | None:
    """`record: {event: onboarding_completed, properties: {by: "{{ csm.name }}"}}`."""
    table = scope.notes.table(node, RECORD_KEYS, "a record")
    event = table.required("event", _event, "a record")
    properties = table.optional("properties", lambda each: _properties(each, scope), ())
    return RecordAction(event, properties) if event is not None else None


def _event(node: Node) -> str:
    found = text(node)
    if len(found) > LONGEST_EVENT:
        raise RefusedError(node, f"is {len(found)} characters long; {LONGEST_EVENT} may be used")
    return found


def _properties(node: Node, scope: Scope) -> tuple[tuple[str, Line | int | float | bool], ...]:
    if not isinstance(node, Mapping) or not node.entries:
        raise RefusedError(node, 'takes a mapping of names and values: {reason: "{{ run.reason }}"}')
    if len(node.entries) > MOST_PROPERTIES:
        raise RefusedError(node, f"has {len(node.entries)} members; {MOST_PROPERTIES} may be used")
    found = []
    for key, value in node.entries.values():
        name = scope.notes.attempt(slug, key, "properties")
        given = scope.notes.attempt(lambda each: _property(each, scope), value, key.text.strip())
        if name is not None and given is not None:
            found.append((name, given))
    return tuple(found)


def _property(node: Node, scope: Scope) -> Line | int | float | bool:
    """A number or flag where it is written as one, else a line with values."""
    found = scalar(node)
    if found.is_plain and _NUMBER.fullmatch(found.text):
        amount = number(found)
        return int(amount) if amount == int(amount) else float(amount)
    if found.is_plain and found.text.lower() in ("true", "false"):
        return flag(found)
    return _line(node, scope)


def _line(node: Node, scope: Scope) -> Line:
    source = text(node)
    error = scope.templates.fault(source)
    if error:
        raise RefusedError(node, f"is no valid template: {error}")
    return Line(source)


def read_update(node: Node, scope: Scope) -> UpdateAction | None:
    """`update: {account.effective_segment: high_touch}`."""
    if not isinstance(node, Mapping) or not node.entries:
        raise RefusedError(node, "takes a mapping of fields and values: {account.stage: active}")
    found = []
    for key, value in node.entries.values():
        field = scope.notes.attempt(lambda each: _settable(each, scope), key, "update")
        if field is not None:
            given = scope.notes.attempt(lambda each: _given(each, field, scope), value, field.path)  # noqa: B023
            found.append(Setting(field, given))
    return UpdateAction(tuple(found))


def _settable(node: Node, scope: Scope) -> Field:
    field = scope.field(node)
    if field.kind not in SETTABLE:
        raise RefusedError(
            node, f"{field.path} is a {field.kind}, which only a source can give; name a field of the subject"
        )
    return field


def _given(node: Node, field: Field, scope: Scope) -> Given:
    if isinstance(node, Mapping):
        return _other_field(node, field, scope)
    if isinstance(node, Scalar) and node.is_null:
        return None
    written = scalar(node).text.strip()
    if field.type is FieldType.TEXT and _TEMPLATE.search(written):
        return _line(node, scope)
    if field.type is FieldType.INSTANT and written == Clock.NOW.value:
        return Clock.NOW
    if field.type is FieldType.DATE and written == Clock.TODAY.value:
        return Clock.TODAY
    return typed(field)(node)


def _other_field(node: Mapping, field: Field, scope: Scope) -> Field | None:
    table = scope.notes.table(node, ("field",), "another field's value")
    other = table.required("field", scope.field, "another field's value")
    if other is not None and not fits(other, field):
        raise RefusedError(
            node, f"{other.path} is {_described(other)}, which does not fit {field.path}, {_described(field)}"
        )
    return other


def fits(other: Field, field: Field) -> bool:
    """Whether each value of one field can be a value of the other."""
    if field.type is FieldType.TEXT:
        return other.type in (FieldType.TEXT, FieldType.ENUM)
    if field.type is FieldType.ENUM:
        return other.type is FieldType.ENUM and set(other.choices) <= set(field.choices)
    return other.type is field.type or (other.type.is_numeric and field.type.is_numeric)


def _described(field: Field) -> str:
    choices = f" of {', '.join(field.choices)}" if field.type is FieldType.ENUM else ""
    return f"{article(field.type)}{choices}"
