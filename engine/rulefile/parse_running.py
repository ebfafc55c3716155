"""How the runs of a playbook are kept apart, held back and ended."""

from typing import Any

from engine.conditions.catalogue import Field, Kind
from engine.rulefile.model import Guard, Late, Mode
from engine.rulefile.mutes import read_mutes
from engine.rulefile.notes import RefusedError, Table
from engine.rulefile.parse_exits import read_exits
from engine.rulefile.parse_values import article, choice, elapsed, longer_than_zero, share, whole
from engine.rulefile.scope import Scope
from engine.rulefile.source import Node


def read_running(table: Table, scope: Scope, guard: Guard) -> dict[str, Any]:
    """How its runs are kept apart, held back and ended."""
    repeat = table.maybe("repeat_every", longer_than_zero)
    return {
        "cooldown": table.maybe("cooldown", elapsed),
        "repeat_every": repeat.elapsed if repeat else None,
        "mode": Mode(table.optional("mode", choice(Mode), Mode.SINGLE)),
        "run_per": table.maybe("run_per", lambda node: _run_per(node, scope)),
        "group_by": table.maybe("group_by", choice([Kind.ACCOUNT])),
        "late": Late(table.optional("late", choice(Late), Late.LATEST)),
        "guard": table.optional("guard", lambda node: _guard(node, scope, guard), guard),
        "mutes": table.maybe("mutes", lambda node: read_mutes(node, scope, scope.notes.playbook)),
        "exits": table.optional("exit", lambda node: read_exits(node, scope), ()),
    }


def _guard(node: Node, scope: Scope, default: Guard) -> Guard:
    table = scope.notes.table(node, ("max_starts", "max_share", "within"), "a guard")
    within = table.maybe("within", longer_than_zero)
    max_starts = table.optional("max_starts", whole(1, 1_000_000), default.max_starts)
    max_share = table.maybe("max_share", share)
    return Guard(max_starts, within.elapsed if within else default.within, max_share)


def read_anchor(node: Node, scope: Scope) -> Field:
    """The date from which steps count. Raises RefusedError for a field that is none."""
    found = scope.field(node)
    if not found.type.is_temporal:
        raise RefusedError(
            node, f"{found.path} is {article(found.type)}; name a field of type date or instant"
        )
    return found


def _run_per(node: Node, scope: Scope) -> Field:
    found = scope.field(node)
    if found.kind is Kind.METRIC:
        raise RefusedError(node, f"{found.path} is a metric; name a field of the subject or its account")
    return found
