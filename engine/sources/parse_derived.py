"""Reading the derived fields of a mapping."""

from collections.abc import Mapping as Dictionary
from datetime import timedelta
from decimal import Decimal
from typing import cast

from engine.conditions.catalogue import Catalogue, Field, FieldType, Kind, UnknownField, Value
from engine.rulefile.notes import Notes, RefusedError, Table
from engine.rulefile.parse_values import longer_than_zero, number, scalar, text, typed
from engine.rulefile.problem import alternatives, quote
from engine.rulefile.source import Mapping as MappingNode
from engine.rulefile.source import Node, Scalar, Sequence
from engine.sources.mapping import Derivation, EventRule, Operation

OPERATIONS = ("sum", "count", "average", "earliest", "latest", "last", "bands")
_KEYS = (*OPERATIONS, "where", "within", "steps")
_CHILDREN = (Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET)
_NUMERIC = ("sum", "count", "average")


def derivations(
    notes: Notes, catalogue: Catalogue, node: Node, events: Dictionary[str, EventRule]
) -> tuple[Derivation, ...]:
    """The `derived` section. `events` are those the mapping's files give, by name."""
    if not isinstance(node, MappingNode):
        raise RefusedError(node, "takes a mapping from fields of the account to how they are computed")
    reader = _Reader(notes, catalogue, events)
    found = [reader.derivation(key, value) for key, value in node.entries.values()]
    return tuple(each for each in found if each is not None)


class _Reader:
    """Reads derivations of one mapping."""

    def __init__(self, notes: Notes, catalogue: Catalogue, events: Dictionary[str, EventRule]) -> None:
        self.notes = notes
        self.catalogue = catalogue
        self.events = events

    def derivation(self, key: Scalar, node: Node) -> Derivation | None:
        """One derived field, or None with its problems noted."""
        try:
            field = self._field(key)
            if field.kind is not Kind.ACCOUNT:
                raise RefusedError(key, f"{quote(key.text)} cannot be derived; only account fields can")
            table = self.notes.table(node, _KEYS, "a derived field")
            operation = cast(Operation | None, table.one_of(OPERATIONS, "a derived field"))
            return self._read(field, operation, table) if operation else None
        except RefusedError as refused:
            self.notes.refuse(refused)
            return None

    def _read(self, field: Field, operation: Operation, table: Table) -> Derivation:
        source = table.node.entries[operation][1]
        path = text(source)
        within = table.maybe("within", longer_than_zero)
        found = Derivation(field, operation, *self._over(source, path, operation))
        self._check(field, found, source)
        if operation == "bands":
            steps = table.required("steps", lambda each: self._steps(field, path, each), "bands")
            return Derivation(field, operation, Kind.ACCOUNT, found.name, steps=steps or ())
        where = table.optional("where", lambda each: self._where(found, each), ())
        self._check_keys(table, found)
        span: timedelta | None = within.elapsed if within else None
        return Derivation(field, operation, found.kind, found.name, found.event, where, span)

    def _over(self, node: Node, path: str, operation: str) -> tuple[Kind | None, str, str]:
        """Kind and field, or event and property, that a path such as `ticket.csat` or `login` names."""
        first, _, name = path.partition(".")
        if first in self.events:
            if name and name not in dict(self.events[first].properties):
                raise RefusedError(node, f"the event {quote(first)} has no property {quote(name)}")
            return None, name, first
        if first in list(_CHILDREN) and not name:
            return Kind(first), "", ""
        field = self._field(scalar(node))
        if (operation == "bands") != (field.kind is Kind.ACCOUNT):
            wanted = (
                "a field of the account"
                if operation == "bands"
                else "fields of contacts, subscriptions or tickets"
            )
            raise RefusedError(node, f"{operation} is computed over {wanted}, not over {quote(path)}")
        return field.kind, name, ""

    def _field(self, node: Scalar) -> Field:
        try:
            return self.catalogue.get(node.text)
        except UnknownField as error:
            raise RefusedError(node, str(error)) from error

    def _check(self, field: Field, found: Derivation, node: Node) -> None:
        """Whether what comes out fits the field."""
        operation = found.operation
        if operation == "bands":
            return
        if operation in ("sum", "average", "last") and not found.name:
            raise RefusedError(node, f'{operation} needs a field or a property, such as "ticket.csat"')
        kind = self._type(found)
        if operation in _NUMERIC and not field.type.is_numeric:
            raise RefusedError(node, f"{operation} gives a number, but {field.path} is {field.type}")
        if operation in ("sum", "average") and not kind.is_numeric:
            raise RefusedError(node, f"{operation} needs numbers, but {scalar(node).text} is {kind}")
        if operation in ("earliest", "latest") and not kind.is_temporal:
            raise RefusedError(node, f"{operation} needs dates or times, but {scalar(node).text} is {kind}")
        if operation in ("earliest", "latest", "last") and not _fits(kind, field.type):
            raise RefusedError(node, f"{scalar(node).text} is {kind}, but {field.path} is {field.type}")

    def _type(self, found: Derivation) -> FieldType:
        if found.kind is None:
            return (
                dict(self.events[found.event].properties)[found.name].type
                if found.name
                else FieldType.INSTANT
            )
        if not found.name:
            return FieldType.NUMBER
        return self.catalogue.get(f"{found.kind}.{found.name}").type

    def _check_keys(self, table: Table, found: Derivation) -> None:
        if "steps" in table:
            self.notes.add(table.key("steps"), 'steps: goes with "bands"')
        if found.kind is None and "where" in table:
            self.notes.add(
                table.key("where"), "where: goes with contacts, subscriptions or tickets, not with events"
            )
        if "within" in table and found.operation not in _NUMERIC:
            self.notes.add(table.key("within"), f"within: goes with {alternatives(_NUMERIC)}")
        if "within" in table and found.kind is not None and not found.name:
            self.notes.add(
                table.key("within"), "within: needs a field that is set at a time, such as ticket.csat"
            )

    def _where(self, found: Derivation, node: Node) -> tuple[tuple[str, frozenset[Value]], ...]:
        if not isinstance(node, MappingNode):
            raise RefusedError(node, "takes a mapping from fields to the values that count")
        tests = []
        for key, value in node.entries.values():
            field = self.notes.attempt(lambda each: self._field(scalar(each)), key)
            if field is None:
                continue
            if field.kind is not found.kind:
                self.notes.add(key, f"where: {quote(key.text)} is not a field of the {found.kind}")
                continue
            members = value.items if isinstance(value, Sequence) else (value,)
            read = [self.notes.attempt(typed(field), each, key.text) for each in members]
            tests.append((field.name, frozenset(each for each in read if each is not None)))
        return tuple(tests)

    def _steps(self, field: Field, path: str, node: Node) -> tuple[tuple[Value, Value], ...]:
        if not isinstance(node, MappingNode):
            raise RefusedError(node, "takes a mapping from the lowest value of a band to the band")
        if not self.catalogue.get(path).type.is_numeric:
            raise RefusedError(node, f"bands need numbers, but {path} is {self.catalogue.get(path).type}")
        steps: list[tuple[Value, Value]] = []
        for key, value in node.entries.values():
            low = number(key)
            if steps and low <= cast(Decimal, steps[-1][0]):
                raise RefusedError(
                    key, f"{key.text} is not above the step before it; list bands from the lowest"
                )
            steps.append((low, typed(field)(value)))
        return tuple(steps)


def _fits(given: FieldType, wanted: FieldType) -> bool:
    return given is wanted or (given.is_numeric and wanted.is_numeric)
