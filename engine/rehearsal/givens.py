"""What a test says of people, accounts and their parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from engine.conditions.catalogue import Catalogue, Kind, Value
from engine.rulefile.notes import Notes, RefusedError, Table
from engine.rulefile.parse_values import text, typed
from engine.rulefile.problem import quote
from engine.rulefile.source import Node, Scalar
from engine.state.entries import source_book
from engine.state.ingest import Entry
from engine.state.tables import Person

Result = TypeVar("Result")

SUBJECT_KEYS = ("account", "contact", "subscription", "ticket", "source")
PERSON_KEYS = ("id", "name", "role", "manager", "email", "timezone")
_LISTS = {
    Kind.CONTACT: "contacts",
    Kind.SUBSCRIPTION: "subscriptions",
    Kind.TICKET: "tickets",
    Kind.SOURCE: "sources",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of one subject."""

    kind: Kind
    id: str
    values: Mapping[str, Value | None]


@dataclass(frozen=True, slots=True)
class Cast:
    """Who a test is about."""

    catalogue: Catalogue
    people: tuple[Person, ...]
    account_id: str
    """Empty where the test is about sources alone."""
    entries: tuple[Entry, ...]

    def ids(self, kind: Kind) -> list[str]:
        """The subjects of one kind that were given."""
        return [each.id for each in self.entries if each.kind is kind]


def read_cast(given: Table, notes: Notes, catalogue: Catalogue, since: datetime) -> Cast | None:
    """The people, the account and its parts under `given:`, as they have been since `since`."""
    people = _listed(given, "people", lambda node: _person(node, notes))
    account = _account(given, notes, catalogue)
    parts = [
        one
        for kind, key in _LISTS.items()
        for one in _listed(given, key, partial(_new_statement, notes=notes, kind=kind, catalogue=catalogue))
    ]
    if account is None and not ("sources" in given and "account" not in given):
        return None
    account_id = "" if account is None else account.id
    said = parts if account is None else [account, *parts]
    entries = tuple(as_entry(each, account_id, since) for each in said)
    return Cast(catalogue, tuple(people), account_id, entries)


def _account(given: Table, notes: Notes, catalogue: Catalogue) -> Statement | None:
    """The account, which may be left out where sources are given."""

    def read(node: Node) -> Statement | None:
        return _new_statement(node, notes, Kind.ACCOUNT, catalogue)

    return given.maybe("account", read) if "sources" in given else given.required("account", read, "given")


def as_entry(said: Statement, account_id: str, at: datetime) -> Entry:
    """What is said, as it is taken in; a source has a name of its own and no account."""
    if said.kind is Kind.SOURCE:
        values = {"name": said.id, **said.values}
        return Entry(said.kind, said.id, source_book(said.id), values, at, at)
    return Entry(said.kind, said.id, account_id, said.values, at, at)


def _listed(table: Table, key: str, read: Callable[[Node], Result | None]) -> list[Result]:
    node = table.node.get(key)
    return [] if node is None else table.notes.each(read, node, key)


def _person(node: Node, notes: Notes) -> Person | None:
    table = notes.table(node, PERSON_KEYS, "a person")
    identity = table.required("id", text, "a person")
    if identity is None:
        return None
    return Person(
        id=identity,
        name=table.optional("name", text, identity),
        role=table.optional("role", text, "csm"),
        manager=table.maybe("manager", text),
        email=table.maybe("email", text),
        timezone=table.maybe("timezone", text),
    )


def _new_statement(node: Node, notes: Notes, kind: Kind, catalogue: Catalogue) -> Statement | None:
    table = _table(node, notes, kind, catalogue)
    identity = table.required("id", text, _article(kind))
    return Statement(kind, identity, _values(table, kind, catalogue)) if identity else None


def read_statement(node: Node, notes: Notes, key: str, cast: Cast) -> Statement:
    """What becomes so of the account, or of one of its parts.

    The id may be left out where the test has only one of the kind. Raises RefusedError where it has several.
    """
    kind = Kind(key)
    table = _table(node, notes, kind, cast.catalogue)
    identity = table.maybe("id", text)
    if identity is None:
        known = cast.ids(kind)
        if len(known) != 1:
            raise RefusedError(node, f'which {kind}? add "id:"')
        identity = known[0]
    elif kind is Kind.ACCOUNT and identity != cast.account_id:
        raise RefusedError(node, f"a test has one account, {quote(cast.account_id)}")
    return Statement(kind, identity, _values(table, kind, cast.catalogue))


def _table(node: Node, notes: Notes, kind: Kind, catalogue: Catalogue) -> Table:
    return notes.table(node, ("id", *catalogue.of_kind(kind)), _article(kind))


def _values(table: Table, kind: Kind, catalogue: Catalogue) -> dict[str, Value | None]:
    found: dict[str, Value | None] = {}
    for name, field in catalogue.of_kind(kind).items():
        node = table.node.get(name)
        if isinstance(node, Scalar) and node.is_null:
            found[name] = None
        elif node is not None:
            value = table.maybe(name, typed(field))
            if value is not None:
                found[name] = value
    return found


def _article(kind: Kind) -> str:
    return "an account" if kind is Kind.ACCOUNT else f"a {kind}"
