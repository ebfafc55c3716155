"""Exits: how a run ends before its last step, and what is done then."""

from datetime import timedelta

from engine.conditions.tree import Condition
from engine.rulefile.asked import Place
from engine.rulefile.model import Deed, Exit
from engine.rulefile.notes import Table
from engine.rulefile.parse_actions import ACTIONS, read_action
from engine.rulefile.parse_conditions import read_condition
from engine.rulefile.parse_values import elapsed, slug
from engine.rulefile.scope import Scope
from engine.rulefile.source import Node

EXIT_KEYS = ("outcome", "when", "on", "for", "then")


def read_exits(node: Node, scope: Scope) -> tuple[Exit, ...]:
    """The exits that could be read, in the order of the file. Problems of the others are noted."""
    count = iter(range(1_000_000))
    exits: list[Exit] = scope.notes.each(
        lambda item: _exit(item, scope, f"exit[{next(count)}]"), node, "exit"
    )
    return tuple(exits)


def _exit(node: Node, scope: Scope, path: str) -> Exit | None:
    table = scope.notes.table(node, EXIT_KEYS, "an exit")
    outcome = table.required("outcome", slug, "an exit")
    condition = _condition(table, scope, path)
    held_for = table.optional("for", elapsed, timedelta(0))
    if "for" in table and "on" in table:
        scope.notes.add(table.key("for"), 'for: a moment cannot last; use "for" with "when", or remove it')
    then = table.optional("then", lambda each: _then(each, scope), ())
    return Exit(outcome, condition, held_for, then) if outcome and condition else None


def _condition(table: Table, scope: Scope, path: str) -> Condition | None:
    places = {"when": Place(f"{path}.when", "state", True), "on": Place(f"{path}.on", "moment", True)}
    key = table.one_of(places, "an exit")
    return table.maybe(key, lambda node: read_condition(node, scope, places[key])) if key else None


def _then(node: Node, scope: Scope) -> tuple[Deed, ...]:
    actions: list[Deed] = scope.notes.each(lambda item: _action(item, scope), node, "then")
    return tuple(actions)


def _action(node: Node, scope: Scope) -> Deed | None:
    return read_action(scope.notes.table(node, tuple(ACTIONS), "an action"), scope, "an action")
