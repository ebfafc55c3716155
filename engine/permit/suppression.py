"""The list of addresses nothing may be sent to."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from connectors.address import BadAddressError, parse_mailbox
from engine.state.tables import Suppression

_suppression: Table = Suppression.__table__  # type: ignore[attr-defined]
_AMONG = select(_suppression.c.email).where(_suppression.c.email.in_(bindparam("keys", expanding=True)))


def address_key(email: str) -> str:
    """The form under which an address is suppressed: bare, ASCII, lower case."""
    try:
        return parse_mailbox(email).address.lower()
    except BadAddressError:
        return email.strip().lower()


def suppress(connection: Connection, email: str, reason: str, now: datetime) -> bool:
    """Put an address on the list. Says whether it was not there before; the first reason stays."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(_suppression).values(email=address_key(email), reason=reason, since=now)
    written = statement.on_conflict_do_nothing().returning(_suppression.c.email)
    return connection.scalar(written) is not None


def suppressed_among(connection: Connection, emails: Iterable[str]) -> frozenset[str]:
    """Which of `emails`, as keys of `address_key`, are on the list."""
    keys = {address_key(each) for each in emails}
    return frozenset(connection.scalars(_AMONG, {"keys": sorted(keys)}))
