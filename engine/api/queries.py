"""What the API asks the database before it takes anything in."""

from collections.abc import Collection, Iterator

from sqlalchemy import Connection, Table, select

from engine.conditions.catalogue import Kind
from engine.state.tables import Account, Contact, Subscription, Ticket

_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]
_PARTS: dict[Kind, Table] = {
    Kind.CONTACT: Contact.__table__,  # type: ignore[attr-defined]
    Kind.SUBSCRIPTION: Subscription.__table__,  # type: ignore[attr-defined]
    Kind.TICKET: Ticket.__table__,  # type: ignore[attr-defined]
}
_AT_ONCE = 500


def known_accounts(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of the ids that name an account."""
    found: set[str] = set()
    for some in _in_parts(ids):
        found.update(connection.scalars(select(_ACCOUNT.c.id).where(_ACCOUNT.c.id.in_(some))))
    return found


def part_owners(connection: Connection, kind: Kind, ids: Collection[str]) -> dict[str, str]:
    """The accounts to which contacts, subscriptions or tickets of these ids belong already."""
    table = _PARTS[kind]
    found: dict[str, str] = {}
    for some in _in_parts(ids):
        rows = connection.execute(select(table.c.id, table.c.account_id).where(table.c.id.in_(some)))
        found.update({row.id: row.account_id for row in rows})
    return found


def _in_parts(ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
