"""Counts and sums over what an account has: what is counted, who counts, and since when."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from engine.conditions.catalogue import METRIC_VALUE, Field, FieldType, Kind
from engine.conditions.phrase import named
from engine.conditions.tree import Condition, Derived, placeless
from engine.rulefile.asked import Place
from engine.rulefile.notes import RefusedError, Table
from engine.rulefile.parse_properties import is_property, property_of
from engine.rulefile.parse_time_arguments import RUN_START
from engine.rulefile.parse_values import article, choice, longer_than_zero, text
from engine.rulefile.problem import quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Node

COUNTED = (Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET, Kind.METRIC)
"""What an account has several of, each with fields of its own."""
EVENT = "event"
_OF_EVENTS = ("name", "within", "since")
KEYS = dict.fromkeys(("count", "sum"), ("of", "where", *_OF_EVENTS))
"""What may stand beside a count or a sum and its comparison."""

ReadCondition: TypeAlias = Callable[[Node, Scope, Place], Condition | None]


def read_derived(table: Table, scope: Scope, place: Place, about: str, read: ReadCondition) -> Derived | None:
    """What is counted or summed; None when something in it had to be noted. `read` reads `where`."""
    if scope.subject is Kind.SOURCE:
        table.notes.add(
            table.key(about), f"{quote(about)}: a source has nothing that could be counted or summed"
        )
        return None
    if about == "sum":
        summed = table.maybe("sum", lambda node: _amount(node, scope))
        if summed is None:
            return None
        if summed.kind is Kind.EVENT:
            return _of_events(table, scope, place, summed, read)
        is_sound = _without(table, _OF_EVENTS, f"a sum over {summed.kind}s")
        return _of_members(table, scope, place, summed.kind, summed, read) if is_sound else None
    counted = table.maybe("count", choice([*COUNTED, EVENT]))
    if counted == EVENT:
        return _of_events(table, scope, place, None, read)
    is_sound = counted is not None and _without(table, _OF_EVENTS, f"a count of {counted}s")
    return _of_members(table, scope, place, Kind(counted), None, read) if is_sound and counted else None


def _amount(node: Node, scope: Scope) -> Field:
    """The field that is summed. Raises RefusedError."""
    if text(node) == METRIC_VALUE.path:
        return METRIC_VALUE
    if is_property(node):
        return property_of(node, FieldType.NUMBER)
    found = scope.field_of(node, COUNTED)
    if found.kind is Kind.METRIC:
        message = f"{quote(found.path)} is one value; ask about it as a field, or sum {METRIC_VALUE.path}"
        raise RefusedError(node, message)
    if found.type not in (FieldType.NUMBER, FieldType.MONEY):
        raise RefusedError(node, f"{found.path} is {article(found.type)}, and only amounts can be summed")
    return found


def _of_members(
    table: Table, scope: Scope, place: Place, kind: Kind, summed: Field | None, read: ReadCondition
) -> Derived | None:
    if "where" not in table:
        return named(Derived(kind, summed=summed))
    inner = replace(scope, subject=kind)
    where = table.maybe("where", lambda node: read(node, inner, place.where()))
    return None if where is None else named(Derived(kind, placeless(where), summed))


def _of_events(
    table: Table, scope: Scope, place: Place, summed: Field | None, read: ReadCondition
) -> Derived | None:
    what = "a count of events" if summed is None else "a sum over events"
    where = read_event_where(table, scope, place, read)
    name = table.required("name", text, what)
    chosen = table.one_of(("within", "since"), what)
    if name is None or chosen is None or ("where" in table and where is None):
        return None
    if chosen == "within":
        window = table.maybe("within", longer_than_zero)
        found = Derived(where=where, summed=summed, event=name, window=window)
        return None if window is None else named(found)
    since = table.maybe("since", choice([RUN_START]))
    if since is not None and not place.has_steps:
        table.notes.add(table.key("since"), outside_a_run("since"))
        return None
    found = Derived(where=where, summed=summed, event=name, is_since_start=True)
    return None if since is None else named(found)


def read_event_where(table: Table, scope: Scope, place: Place, read: ReadCondition) -> Condition | None:
    """Which events of a name are meant, by what they carry. None for all, or with a problem noted."""
    inner = replace(scope, subject=Kind.EVENT)
    where = table.maybe("where", lambda node: read(node, inner, place.where()))
    return None if where is None else placeless(where)


def outside_a_run(key: str) -> str:
    """That a key asks about a run where there is none."""
    return f'{quote(key)}: {RUN_START} can only stand in "if" and "on" of a step and in an exit'


def _without(table: Table, keys: tuple[str, ...], what: str) -> bool:
    """Whether none of these keys is there; notes each that is."""
    found = [key for key in keys if key in table]
    for key in found:
        table.notes.add(table.key(key), f"{quote(key)} does not go with {what}")
    return not found
