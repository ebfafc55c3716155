"""Blueprints: one file with parameters that makes several playbooks.

In a blueprint, `{param: NAME}` stands for the value of a parameter, and `{param: NAME, as: "T-{}"}` for a
text with the value in it. A playbook file says `use: BLUEPRINT` and gives the values under `with:`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.conditions.catalogue import Kind
from engine.rulefile.notes import Notes, RefusedError, Table
from engine.rulefile.parameters import Parameter, read_parameters
from engine.rulefile.parse_values import slug, text
from engine.rulefile.problem import alternatives, quote
from engine.rulefile.relocate import relocated
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence

BLUEPRINT_KEY = "blueprint"
USE_KEY = "use"
OWN_KEYS = ("playbook", "title", "owner", "review_every")
"""What a playbook says itself though it uses a blueprint; all but its name may come from there as well."""
INSTANCE_KEYS = (*OWN_KEYS, USE_KEY, "with")
PLACEHOLDER_KEYS = ("param", "as")


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A blueprint as its file says it."""

    name: str
    file: str
    line: int
    column: int
    body: MappingNode
    """All its keys but its own: those of a playbook, with placeholders."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    is_sound: bool = True

    @property
    def place(self) -> str:
        """`rules/renewal.yaml:1:12`"""
        return f"{self.file}:{self.line}:{self.column}"


def read_blueprint(root: MappingNode, notes: Notes) -> Blueprint | None:
    """The blueprint in a file; None when it has no usable name. Problems are noted."""
    before = len(notes.problems)
    table = Table(root, notes)
    name = table.required(BLUEPRINT_KEY, slug, "a blueprint")
    if name is None:
        return None
    parameters = read_parameters(root.get("parameters"), notes)
    for key in ("playbook", USE_KEY):
        if key in table:
            notes.add(table.key(key), f"{key}: stands in the playbooks that use the blueprint, not in itself")
    body = {key: entry for key, entry in root.entries.items() if key not in (BLUEPRINT_KEY, "parameters")}
    blueprint = Blueprint(name, notes.file, *_at(root), replace(root, entries=body), parameters)
    _check_placeholders(blueprint, notes, root.get("parameters"))
    return replace(blueprint, is_sound=not any(each.is_error for each in notes.problems[before:]))


def _at(root: MappingNode) -> tuple[int, int]:
    node = root.entries[BLUEPRINT_KEY][1]
    return node.line, node.column


def _check_placeholders(blueprint: Blueprint, notes: Notes, declared: Node | None) -> None:
    names = set(declared.entries) if isinstance(declared, MappingNode) else set()
    used = set()
    for node in _placeholders(blueprint.body):
        try:
            used.add(_placeholder(node, names, notes))
        except RefusedError as refused:
            notes.refuse(refused, "param")
    for name, parameter in blueprint.parameters.items():
        if name not in used:
            notes.add(parameter.key, f"parameter {quote(name)} is not used; use it, or remove it")


def _placeholders(node: Node) -> Iterator[MappingNode]:
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _placeholders(item)
    elif isinstance(node, MappingNode) and PLACEHOLDER_KEYS[0] in node.entries:
        yield node
    elif isinstance(node, MappingNode):
        for _, value in node.entries.values():
            yield from _placeholders(value)


def _placeholder(placeholder: MappingNode, names: set[str], notes: Notes) -> str:
    """The name of the parameter; raises RefusedError when there is none, notes what else is wrong."""
    table = notes.table(placeholder, PLACEHOLDER_KEYS, "a placeholder")
    named = placeholder.entries["param"][1]
    name = text(named)
    if name not in names:
        hint = notes.hint(name, names) or "; declare it under parameters:"
        raise RefusedError(named, f"unknown parameter {quote(name)}{hint}", stands_alone=True)
    form = table.maybe("as", text)
    if form is not None and "{}" not in form:
        notes.add(placeholder.entries["as"][1], 'as: needs "{}" where the value goes, as in "T-{}"')
    return name


def expanded(root: MappingNode, blueprints: Mapping[str, Blueprint], scope: Scope) -> MappingNode | None:
    """The playbook that a file means which uses a blueprint; None, with problems noted, when it cannot be.

    What comes from the blueprint counts at `use`, a value at its own place; both remember where the blueprint
    has them.
    """
    notes = scope.notes
    table = notes.table(root, INSTANCE_KEYS, "a playbook that uses a blueprint")
    if any(name not in INSTANCE_KEYS for name in root.entries):
        notes.add(table.key(USE_KEY), "use: all but these keys comes from the blueprint; make it a parameter")
    blueprint = table.maybe(USE_KEY, lambda node: _named(node, blueprints, notes))
    if blueprint is None:
        return None
    scope = replace(scope, subject=_subject(blueprint))
    before = len(notes.problems)
    values = _values(table, blueprint, scope)
    if len(notes.problems) > before:
        return None
    at = root.entries[USE_KEY][1]
    own = {key: root.entries[key] for key in OWN_KEYS if key in root.entries}
    rest = {
        key: (
            replace(node, line=at.line, column=at.column, via=_via(blueprint, node)),
            _filled(value, at, blueprint, values),
        )
        for key, (node, value) in blueprint.body.entries.items()
        if key not in own
    }
    return replace(root, entries={**own, **rest})


def _named(node: Node, blueprints: Mapping[str, Blueprint], notes: Notes) -> Blueprint:
    name = text(node)
    found = blueprints.get(name)
    if found is None:
        hint = notes.hint(name, blueprints) or "; write it into a file with blueprint: NAME"
        raise RefusedError(node, f"unknown blueprint {quote(name)}{hint}", stands_alone=True)
    if not found.is_sound:
        message = f"blueprint {quote(name)} cannot be used; see the problems at {found.place}"
        raise RefusedError(node, message, stands_alone=True)
    return found


def _subject(blueprint: Blueprint) -> Kind | None:
    node = blueprint.body.get("subject")
    try:
        return Kind(node.text) if isinstance(node, Scalar) else None
    except ValueError:
        return None


def _values(table: Table, blueprint: Blueprint, scope: Scope) -> dict[str, Node]:
    """The value of every parameter, checked; problems are noted."""
    at = table.node.entries[USE_KEY][1]
    given = table.node.get("with")
    if given is not None and not isinstance(given, MappingNode):
        scope.notes.add(given, "with: takes a mapping of parameters and their values")
        return {}
    entries = given.entries if given is not None else {}
    for name, (key, _) in entries.items():
        if name not in blueprint.parameters:
            known = alternatives(blueprint.parameters)
            hint = scope.notes.hint(name, blueprint.parameters) or f"; it has {known}"
            message = f"with: blueprint {quote(blueprint.name)} has no parameter {quote(name)}{hint}"
            scope.notes.add(key, message)
    found = {}
    for name, parameter in blueprint.parameters.items():
        value = entries[name][1] if name in entries else _default(parameter, at, blueprint)
        if value is None:
            message = f"with: {quote(name)} is missing, which blueprint {quote(blueprint.name)} needs"
            scope.notes.add(given if given is not None else at, message)
        else:
            _check(parameter, _marked(value, _via(blueprint, parameter.key)), scope)
            found[name] = value
    return found


def _check(parameter: Parameter, value: Node, scope: Scope) -> None:
    try:
        parameter.check(value, scope)
    except RefusedError as refused:
        scope.notes.refuse(refused, parameter.name)


def _default(parameter: Parameter, at: Node, blueprint: Blueprint) -> Node | None:
    if parameter.default is None:
        return None
    return relocated(parameter.default, at, _what(blueprint), blueprint.file)


def _what(blueprint: Blueprint) -> str:
    return f"blueprint {quote(blueprint.name)}"


def _via(blueprint: Blueprint, node: Node) -> str:
    return f"{_what(blueprint)}, {blueprint.file}:{node.line}:{node.column}"


def _filled(node: Node, at: Node, blueprint: Blueprint, values: Mapping[str, Node]) -> Node:
    """A part of the blueprint as if it stood at `at`, with the values in place of their placeholders."""
    if isinstance(node, MappingNode) and PLACEHOLDER_KEYS[0] in node.entries:
        return _value(node, blueprint, values)
    via = _via(blueprint, node)
    if isinstance(node, Scalar):
        return replace(node, line=at.line, column=at.column, via=via)
    if isinstance(node, Sequence):
        items = tuple(_filled(each, at, blueprint, values) for each in node.items)
        return Sequence(items, at.line, at.column, via)
    entries = {
        name: (
            replace(key, line=at.line, column=at.column, via=_via(blueprint, key)),
            _filled(value, at, blueprint, values),
        )
        for name, (key, value) in node.entries.items()
    }
    return MappingNode(entries, at.line, at.column, via)


def _value(placeholder: MappingNode, blueprint: Blueprint, values: Mapping[str, Node]) -> Node:
    named = placeholder.entries["param"][1]
    assert isinstance(named, Scalar)
    value, via = values[named.text.strip()], _via(blueprint, placeholder)
    form = placeholder.get("as")
    if isinstance(form, Scalar):
        if not isinstance(value, Scalar):
            return replace(value, via=via)
        return Scalar(form.text.replace("{}", value.text), True, value.line, value.column, via)
    return _marked(value, via)


def _marked(node: Node, via: str) -> Node:
    """The value with the place of its placeholder, all parts of it."""
    if isinstance(node, Scalar):
        return replace(node, via=via)
    if isinstance(node, Sequence):
        return replace(node, items=tuple(_marked(each, via) for each in node.items), via=via)
    entries = {
        name: (replace(key, via=via), _marked(value, via)) for name, (key, value) in node.entries.items()
    }
    return replace(node, entries=entries, via=via)
