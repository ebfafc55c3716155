"""Whose account a row is about: by the accounts and parts of this import, then by those stored before."""

from collections import defaultdict
from functools import cached_property

from sqlalchemy import Engine, select

from engine.conditions.catalogue import Kind
from engine.state.database import reading
from engine.state.subjects import TABLES


class UnknownOwner(ValueError):
    """A row about an account, or about a part of one, that does not exist or is somebody else's."""


class Owners:
    """The accounts known, and which account each contact, subscription and ticket belongs to."""

    def __init__(self, database: Engine) -> None:
        self._database = database
        self._accounts: set[str] = set()
        self._parts: dict[Kind, dict[str, str]] = defaultdict(dict)
        self._stored_parts: dict[Kind, dict[str, str]] = {}

    def add_account(self, account_id: str) -> None:
        """An account of this import."""
        self._accounts.add(account_id)

    def add_part(self, kind: Kind, part_id: str, account_id: str) -> None:
        """A part of an account of this import."""
        self._parts[kind][part_id] = account_id

    def check_part(self, kind: Kind, part_id: str, account_id: str) -> None:
        """Whether the part may be of that account. Raises UnknownOwner when it belongs to another one."""
        owner = self._parts[kind].get(part_id, account_id)
        if owner != account_id:
            raise UnknownOwner(f'{kind} "{part_id}" belongs to account "{owner}"')

    def account(self, account_id: str, through: Kind | None) -> str:
        """The account meant. Raises UnknownOwner."""
        if through is not None:
            return self._owner(through, account_id)
        if account_id in self._accounts or account_id in self._stored_accounts:
            return account_id
        raise UnknownOwner(f'there is no account "{account_id}"')

    def _owner(self, kind: Kind, part_id: str) -> str:
        owner = self._parts[kind].get(part_id) or self._stored(kind).get(part_id)
        if owner is None:
            raise UnknownOwner(f'there is no {kind} "{part_id}"')
        return owner

    @cached_property
    def _stored_accounts(self) -> frozenset[str]:
        with reading(self._database) as connection:
            return frozenset(connection.scalars(select(TABLES[Kind.ACCOUNT].c.id)))

    def _stored(self, kind: Kind) -> dict[str, str]:
        if kind not in self._stored_parts:
            table = TABLES[kind]
            with reading(self._database) as connection:
                found = connection.execute(select(table.c.id, table.c.account_id))
                self._stored_parts[kind] = {row.id: row.account_id for row in found}
        return self._stored_parts[kind]
