"""Predicates: one question about a field, an event, a step, a count or a sum.

Which operators there are, what follows them and which fields they take is read from the operator table.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from engine.conditions.catalogue import Field, Kind
from engine.conditions.operators import OPERATORS, Argument, Operator
from engine.conditions.tree import Predicate
from engine.conditions.wording import show_list
from engine.rulefile.asked import Asked, Place
from engine.rulefile.notes import Table
from engine.rulefile.parse_arguments import READERS
from engine.rulefile.parse_derived import KEYS as DERIVED_KEYS
from engine.rulefile.parse_derived import ReadCondition, outside_a_run, read_derived, read_event_where
from engine.rulefile.parse_properties import TAKEN, asked_property
from engine.rulefile.parse_values import article
from engine.rulefile.problem import alternatives, quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Mapping, Node

_EVENTS = frozenset([Argument.EVENT, Argument.EVENT_WINDOW, Argument.EVENT_SINCE, Argument.EVENT_COUNT])
_VALUES = frozenset([Argument.VALUE, Argument.VALUES, Argument.RANGE])
_STEPS = frozenset([Argument.STEP_STATE, Argument.STEP_OUTCOME])

LOOKED_BACK_ON = frozenset([Argument.CHANGE, Argument.CHOICE])
"""Moments that, with `within`, ask as a state whether they have lately been."""

Family: TypeAlias = dict[str, Operator]

PARTS: dict[str, frozenset[Argument]] = {
    "recovers_at": frozenset([Argument.THRESHOLD]),
    "from": frozenset([Argument.CHANGE, Argument.CHOICE, Argument.CHANGED]),
    "else_since": frozenset([Argument.DAYS_SINCE]),
    "within": frozenset([Argument.SHIFT, Argument.CHANGED, *LOOKED_BACK_ON]),
    "direction": frozenset([Argument.CROSSING]),
    "take": frozenset([Argument.CROSSING]),
    "once": frozenset([Argument.CROSSING]),
}
"""Keys that may stand beside an operator of a field, and with which."""

EXTRAS = {**DERIVED_KEYS, "event": ("where",)}
"""What may stand beside an event, a count or a sum and its comparison."""

_SIGNS = {
    "<": "below",
    "<=": "at_most",
    ">": "above",
    ">=": "at_least",
    "=": "equals",
    "==": "equals",
    "!=": "not_equals",
}


def _family(arguments: Callable[[Argument], bool], prefix: str) -> Family:
    """The operators that can follow one kind of question, by their key in the file."""
    rows = [row for row in OPERATORS.values() if arguments(row.argument)]
    return {
        row.keyword.removeprefix(prefix) if row.keyword != prefix.rstrip("_") else "": row for row in rows
    }


FAMILIES: dict[str, Family] = {
    "field": _family(lambda argument: argument not in _EVENTS | _STEPS | {Argument.CHANGED}, " "),
    "event": _family(_EVENTS.__contains__, "event_"),
    "step": _family(_STEPS.__contains__, "step_"),
    "count": _family(_VALUES.__contains__, " "),
    "sum": _family(_VALUES.__contains__, " "),
}


def read_predicate(
    node: Mapping, scope: Scope, place: Place, about: str, read: ReadCondition
) -> Predicate | None:
    """The predicate about a field, an event, a step, a count or a sum; None when something had to be noted.

    `read` reads the condition that says who counts.
    """
    family = FAMILIES[about]
    table = Table(node, scope.notes)
    if place.is_where and about != "field":
        message = f'{quote(about)} cannot stand in "where", which asks about the fields of one that may count'
        scope.notes.add(table.key(about), message)
        return None
    extras = ("of", *PARTS) if about == "field" else EXTRAS.get(about, ())
    is_sound = _known_keys_only(table, about, family, extras)
    field = table.maybe(about, scope.field) if about == "field" else None
    derived = read_derived(table, scope, place, about, read) if about in DERIVED_KEYS else None
    where = read_event_where(table, scope, place, read) if about == "event" else None
    chosen = _chosen(table, about, family, is_sound)
    if chosen is None or (about in ("field", *DERIVED_KEYS) and field is None and derived is None):
        return None
    if about == "event" and "where" in table and where is None:
        return None
    row = family[chosen]
    if row.argument in LOOKED_BACK_ON and "within" in table:
        row = OPERATORS["changed_within"]
    asked = Asked(row, chosen, table, scope, place, field, derived, where)
    if not _fits(asked):
        return None
    found = scope.notes.attempt(lambda _: READERS[asked.row.argument](_typed(asked)), node, chosen or about)
    return found if is_sound else None


def _typed(asked: Asked) -> Asked:
    """The question with the type that the property of an event is compared as. Raises RefusedError."""
    if asked.field is None or asked.field.kind is not Kind.EVENT:
        return asked
    return replace(asked, field=asked_property(asked.field, asked.row, asked.node))


def _known_keys_only(table: Table, about: str, family: Family, extras: Iterable[str]) -> bool:
    known = [about, *(key for key in family if key), *extras]
    strange = [key for name, (key, _) in table.node.entries.items() if name not in known]
    for key in strange:
        kind = "operator" if about == "field" else "key"
        meant = _SIGNS.get(key.text, key.text)
        table.notes.add(key, f"unknown {kind} {quote(key.text)}{table.notes.hint(meant, known)}")
    return not strange


def _chosen(table: Table, about: str, family: Family, is_sound: bool) -> str | None:
    """The one operator given; None, with a problem noted, unless there is exactly one."""
    given = [key for key in table.node.entries if key and key in family]
    if "at_least" in given and "within" in given and about == "event":
        given.remove("within")
    if len(given) == 1:
        return given[0]
    if given:
        message = (
            f'a condition asks one thing: {" and ".join(map(quote, given))} are two; join them with "all:"'
        )
        table.notes.add(table.key(given[1]), message)
    elif is_sound and "" in family:
        return ""
    elif is_sound:
        keys = [key for key in family if key]
        table.notes.add(
            table.node, f"{about}: what is asked about it is missing; add one of {alternatives(keys)}"
        )
    return None


def _fits(asked: Asked) -> bool:
    """Whether the operator suits the place and the field; notes it when not."""
    for complaint in (_misplaced(asked), _mistyped(asked), _needless_part(asked)):
        if complaint:
            asked.scope.notes.add(*complaint)
            return False
    return True


def _misplaced(asked: Asked) -> tuple[Node, str] | None:
    if asked.field is not None and asked.field.kind is Kind.EVENT:
        return None
    key = asked.table.key(asked.key or "event")
    if asked.row.is_moment and asked.place.takes == "state":
        has_state = asked.row.argument in LOOKED_BACK_ON | {Argument.EVENT}
        mend = ', or add "within: 14d"' if has_state else ""
        if asked.place.is_where:
            return key, f'{quote(key.text)} is a moment, not a state; "where" asks how things stand{mend}'
        return key, f'{quote(key.text)} is a moment, not a state; put it under "on:", by itself{mend}'
    if not asked.row.is_moment and asked.place.takes == "moment":
        return key, f'{quote(key.text)} is a state, not a moment; put it under "when:" or "if:"'
    if asked.row.argument is Argument.EVENT_SINCE and not asked.place.has_steps:
        return key, outside_a_run(key.text)
    if asked.row.argument in _STEPS and not asked.place.has_steps:
        return asked.table.node, 'a step can only be asked about in "if" and "on" of a step and in an exit'
    return None


def _mistyped(asked: Asked) -> tuple[Node, str] | None:
    field = asked.field
    if field is not None and field.kind is Kind.EVENT:
        return _misasked(asked, field)
    if field is None or field.type in asked.row.types:
        return None
    able = [key for key, row in FAMILIES["field"].items() if field.type in row.types]
    message = (
        f"{quote(asked.key)} does not go with {field.path}, {article(field.type)}; use {alternatives(able)}"
    )
    return asked.table.key(asked.key), message


def _misasked(asked: Asked, field: Field) -> tuple[Node, str] | None:
    """What an event carries is compared as it is, and by itself."""
    if "of" in asked.table:
        return asked.table.key("of"), f'"of" does not go with {field.path}, which is compared by itself'
    if asked.row.argument in TAKEN:
        return None
    able = [key for key, row in FAMILIES["field"].items() if row.argument in TAKEN]
    message = (
        f"{quote(asked.key)} does not go with {field.path}, for what an event carries is text, a number or "
        f"a flag, and never changes; use {alternatives(able)}"
    )
    return asked.table.key(asked.key), message


def _needless_part(asked: Asked) -> tuple[Node, str] | None:
    if asked.is_share and not asked.row.takes_of:
        return asked.table.key("of"), f'"of" does not go with {quote(asked.key)}'
    for part, arguments in PARTS.items():
        if asked.field is not None and part in asked.table and asked.row.argument not in arguments:
            able = [key for key, row in FAMILIES["field"].items() if row.argument in arguments]
            return asked.table.key(part), f"{quote(part)} goes only with {show_list(able, joiner='and')}"
    return None
