"""The typed parameters of a blueprint: how they are declared, and whether a value suits one."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from engine.conditions.catalogue import Field, FieldType, Kind
from engine.conditions.wording import show_number
from engine.rulefile.notes import Notes, RefusedError, Table
from engine.rulefile.parse_values import choice, duration, flag, number, slug, text, typed
from engine.rulefile.problem import quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping, Node, Scalar, Sequence

PARAMETER_KEYS = ("type", "items", "choices", "of", "min", "max", "default", "about")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as its blueprint declares it."""

    name: str
    key: Scalar
    type: str
    """Of its value, or of each member of a list."""
    is_list: bool = False
    choices: tuple[str, ...] = ()
    choices_of: Node | None = None
    """The field whose choices an enum takes."""
    low: Decimal | None = None
    high: Decimal | None = None
    default: Node | None = None

    def check(self, node: Node, scope: Scope) -> None:
        """Raise RefusedError unless `node` is a value of this parameter."""
        read = READERS[self.type](self, scope)
        if not self.is_list:
            read(node)
            return
        if not isinstance(node, Sequence) or not node.items:
            raise RefusedError(node, f"takes a list, each member {_TYPE_WORDS[self.type]}")
        for item in node.items:
            read(item)


def _bounded(parameter: Parameter, scope: Scope) -> Callable[[Node], object]:
    def read(node: Node) -> Decimal:
        found = number(node)
        for limit, is_broken, words in (
            (parameter.low, operator.lt, "less than {}, the least"),
            (parameter.high, operator.gt, "more than {}, the most"),
        ):
            if limit is not None and is_broken(found, limit):
                message = words.format(show_number(limit))
                raise RefusedError(node, f"{show_number(found)} is {message} it may be")
        return found

    return read


def _chosen(parameter: Parameter, scope: Scope) -> Callable[[Node], object]:
    if parameter.choices_of is None:
        return choice(parameter.choices)
    field = scope.field(parameter.choices_of)
    if field.type is not FieldType.ENUM:
        raise RefusedError(parameter.choices_of, f"of: {field.path} has no choices; name an enum")
    return choice(field.choices)


def _condition(node: Node) -> None:
    if not isinstance(node, Mapping):
        raise RefusedError(node, "takes a condition such as {field: account.health, below: 40}")


_DATE = typed(Field(Kind.ACCOUNT, "date", FieldType.DATE))

READERS: dict[str, Callable[[Parameter, Scope], Callable[[Node], object]]] = {
    "text": lambda parameter, scope: text,
    "number": _bounded,
    "duration": lambda parameter, scope: duration,
    "date": lambda parameter, scope: _DATE,
    "flag": lambda parameter, scope: flag,
    "enum": _chosen,
    "field": lambda parameter, scope: scope.field,
    "role": lambda parameter, scope: scope.role,
    "template": lambda parameter, scope: slug,
    "condition": lambda parameter, scope: _condition,
}
"""By type, what reads a value of it."""

TYPES = (*READERS, "list")

_TYPE_WORDS = {name: f"{'an' if name == 'enum' else 'a'} {name}" for name in READERS} | {"text": "text"}

_TYPES_OF_KEY = {"choices": ("enum",), "of": ("enum",), "min": ("number",), "max": ("number",)}


def read_parameters(node: Node | None, notes: Notes) -> dict[str, Parameter]:
    """The parameters that could be read, by name. Problems of the others are noted."""
    if node is None:
        return {}
    if not isinstance(node, Mapping) or not node.entries:
        notes.add(node, "parameters: takes a mapping of names, each with its type")
        return {}
    found = {}
    for name, (key, declared) in node.entries.items():
        if notes.attempt(slug, key, "parameters") is None:
            continue
        try:
            parameter = _parameter(declared, key, notes)
        except RefusedError as refused:
            notes.refuse(refused, name)
            continue
        if parameter is not None:
            found[name] = parameter
    return found


def _parameter(node: Node, key: Scalar, notes: Notes) -> Parameter | None:
    table = notes.table(node, PARAMETER_KEYS, "a parameter")
    kind = table.required("type", choice(TYPES), "a parameter")
    items = table.optional("items", choice(list(READERS)), "text")
    table.maybe("about", text)
    if kind is None:
        return None
    if kind != "list" and "items" in table:
        notes.add(table.key("items"), 'items: goes only with "type: list"')
    value_type = items if kind == "list" else kind
    _note_needless(table, value_type, notes)
    choices = _choices(table, notes)
    choices_of = table.node.get("of")
    if value_type == "enum" and bool(choices) is (choices_of is not None):
        notes.add(key, f"{key.text}: an enum needs either choices: [A, B] or of: FIELD")
        return None
    low, high = table.maybe("min", number), table.maybe("max", number)
    if low is not None and high is not None and low > high:
        notes.add(table.key("max"), "max: must not be below min")
    default = table.node.get("default")
    return Parameter(key.text, key, value_type, kind == "list", choices, choices_of, low, high, default)


def _choices(table: Table, notes: Notes) -> tuple[str, ...]:
    node = table.node.get("choices")
    return tuple(notes.each(text, node, "choices")) if node is not None else ()


def _note_needless(table: Table, value_type: str, notes: Notes) -> None:
    for key, types in _TYPES_OF_KEY.items():
        if key in table and value_type not in types:
            notes.add(table.key(key), f"{key}: does not go with {quote(value_type)}")
