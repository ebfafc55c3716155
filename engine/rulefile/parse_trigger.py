"""What starts a playbook: for whom, in which state, at which moment or on which day."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from engine.conditions.tree import Condition, Predicate
from engine.rulefile.asked import Place
from engine.rulefile.model import Existing, Leave, Missing, Moment
from engine.rulefile.notes import Table
from engine.rulefile.parse_conditions import read_condition
from engine.rulefile.parse_every import read_every
from engine.rulefile.parse_values import choice, elapsed, longer_than_zero
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Sequence


def read_trigger(table: Table, scope: Scope) -> dict[str, Any]:
    """For whom and when it starts."""
    return {
        **_audience(table, scope),
        "when": table.maybe("when", lambda node: read_condition(node, scope, Place("when"))),
        "on": table.optional("on", lambda node: _moments(node, scope), ()),
        "every": table.maybe("every", lambda node: read_every(node, scope)),
        "held_for": table.optional("for", elapsed, timedelta(0)),
        "on_missing": Missing(table.optional("on_missing", choice(Missing), Missing.FREEZE)),
        "keep_active_for": table.optional("keep_active_for", elapsed, timedelta(0)),
        "existing": table.optional("existing", lambda node: _existing(node, scope), Existing("wait")),
    }


def _audience(table: Table, scope: Scope) -> dict[str, Any]:
    """The condition on who may start, and beside it what follows when it ends within a run."""
    node, leave = table.node.get("audience"), Leave.STAY
    if isinstance(node, MappingNode) and "leave" in node.entries:
        read = scope.notes.attempt(choice(Leave), node.entries["leave"][1], "leave")
        leave = Leave(read or Leave.STAY)
        rest = {key: entry for key, entry in node.entries.items() if key != "leave"}
        node = replace(node, entries=rest)
    if node is None:
        return {}
    condition = scope.notes.attempt(
        lambda each: read_condition(each, scope, Place("audience")), node, "audience"
    )
    return {"audience": condition, "leave": leave}


def _moments(node: Node, scope: Scope) -> tuple[Moment, ...]:
    if not isinstance(node, Sequence):
        moment = _moment(node, scope, "on")
        return (moment,) if moment else ()
    count = iter(range(1_000_000))
    found: list[Moment] = scope.notes.each(
        lambda item: _moment(item, scope, f"on[{next(count)}]"), node, "on"
    )
    return tuple(found)


def _moment(node: Node, scope: Scope, path: str) -> Moment | None:
    """A moment with its `if`, which is read as a condition of its own."""
    condition: Condition | None = None
    if isinstance(node, MappingNode) and "if" in node.entries:
        rest = {key: entry for key, entry in node.entries.items() if key != "if"}
        inner = node.entries["if"][1]
        condition = scope.notes.attempt(
            lambda each: read_condition(each, scope, Place(f"{path}.if")), inner, "if"
        )
        node = replace(node, entries=rest)
    predicate = read_condition(node, scope, Place(path, "moment"))
    return Moment(predicate, condition) if isinstance(predicate, Predicate) else None


def _existing(node: Node, scope: Scope) -> Existing:
    if not isinstance(node, MappingNode):
        return Existing(cast(Any, choice(["wait", "fire"])(node)))
    table = scope.notes.table(node, ("since",), "existing")
    since = table.required("since", longer_than_zero, "existing")
    return Existing("since", since.elapsed if since else None)
