"""Conditions: `all`, `any` and `none` around predicates."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, cast

from engine.conditions.tree import Condition, Group
from engine.rulefile.asked import Place
from engine.rulefile.notes import RefusedError
from engine.rulefile.parse_predicates import FAMILIES, read_predicate
from engine.rulefile.problem import alternatives, quote
from engine.rulefile.scope import Scope
from engine.rulefile.shared_conditions import USE_KEY
from engine.rulefile.source import Mapping, Node, Sequence

GROUPS = ("all", "any", "none")

_EXAMPLE = "{field: account.health, below: 40}"


def read_condition(node: Node, scope: Scope, place: Place) -> Condition | None:
    """The condition at `node`; None when something in it had to be noted.

    Raises RefusedError when it is no condition at all.
    """
    if isinstance(node, Sequence):
        raise RefusedError(node, 'takes a mapping, not a list; write "all:" (or "any:") before the list')
    if not isinstance(node, Mapping):
        raise RefusedError(node, f"takes a condition such as {_EXAMPLE}")
    if any(kind in node.entries for kind in GROUPS):
        return _group(node, scope, place)
    for about in FAMILIES:
        if about in node.entries:
            return read_predicate(node, scope, place, about, read_condition)
    if USE_KEY in node.entries:
        return _shared(node, scope, place)
    raise RefusedError(node, _unlike_a_condition(node, scope))


def _unlike_a_condition(node: Mapping, scope: Scope) -> str:
    starts = (*GROUPS, *FAMILIES, USE_KEY)
    hints = [scope.notes.hint(name, starts) for name in node.entries]
    hint = next((each for each in hints if each), f"; write, say, {_EXAMPLE}")
    return f"a condition has one of the keys {alternatives(starts)}{hint}"


def _shared(node: Mapping, scope: Scope, place: Place) -> Group | None:
    """What a shared condition says, read as if it stood here, under its name."""
    for name, (key, _) in node.entries.items():
        if name != USE_KEY:
            scope.notes.add(key, f"{quote(name)} cannot stand beside {quote(USE_KEY)}")
    if place.takes == "moment":
        raise RefusedError(node, 'a shared condition is a state, not a moment; put it under "when:" or "if:"')
    name, meant = scope.conditions.take(node, node.entries[USE_KEY][1], scope.notes)
    found = read_condition(meant, scope, replace(place, path=f"{place.path}.{name}", has_steps=False))
    if found is None or len(node.entries) > 1:
        return None
    if isinstance(found, Group) and not found.name:
        return replace(found, name=name)
    return Group("all", (found,), place.path, name)


def _group(node: Mapping, scope: Scope, place: Place) -> Group | None:
    kind = next(kind for kind in GROUPS if kind in node.entries)
    for name, (key, _) in node.entries.items():
        if name != kind:
            message = f"{quote(name)} cannot stand beside {quote(kind)}; put it into the list"
            scope.notes.add(key, message)
    listed = node.entries[kind][1]
    if place.takes == "moment":
        raise RefusedError(
            node, f'{quote(kind)} joins states; "on:" takes one moment, so give each an entry of its own'
        )
    members: list[Condition] = scope.notes.each(_members(scope, place, kind), listed, kind)
    whole_list = isinstance(listed, Sequence) and len(members) == len(listed.items) and members
    is_sound = whole_list and len(node.entries) == 1
    return Group(cast(Literal["all", "any", "none"], kind), tuple(members), place.path) if is_sound else None


def _members(scope: Scope, place: Place, kind: str) -> Callable[[Node], Condition | None]:
    count = iter(range(1_000_000))
    return lambda node: read_condition(node, scope, place.member(kind, next(count)))
