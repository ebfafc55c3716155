"""The list of addresses nothing may be sent to."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from connectors.address import BadAddressError, parse_mailbox
from engine.state.tables import ConsentChange, Suppression

_suppression: Table = Suppression.__table__  # type: ignore[attr-defined]
_change: Table = ConsentChange.__table__  # type: ignore[attr-defined]
_AMONG = select(_suppression.c.email).where(_suppression.c.email.in_(bindparam("keys", expanding=True)))


@lru_cache(maxsize=16384)
def address_key(email: str) -> str:
    """The form under which an address is suppressed: bare, ASCII, lower case."""
    try:
        return parse_mailbox(email).address.lower()
    except BadAddressError:
        return email.strip().lower()


def suppress(connection: Connection, email: str, reason: str, now: datetime, by: str | None = None) -> bool:
    """Put an address on the list. Says whether it was not there before; the first reason stays."""
    dialect = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    key = address_key(email)
    statement = dialect(_suppression).values(email=key, reason=reason, since=now)
    written = statement.on_conflict_do_nothing().returning(_suppression.c.email)
    is_new = connection.scalar(written) is not None
    if is_new:
        _note(connection, key, "suppressed", reason, now, by)
    return is_new


def release(connection: Connection, email: str, now: datetime, by: str) -> bool:
    """Take an address off the list again. Says whether it was on it."""
    key = address_key(email)
    gone = delete(_suppression).where(_suppression.c.email == key).returning(_suppression.c.reason)
    reason = connection.scalar(gone)
    if reason is not None:
        _note(connection, key, "released", "manual", now, by)
    return reason is not None


def listed(connection: Connection, limit: int) -> list[Row[Any]]:
    """The addresses on the list, the newest first, with reason and time."""
    newest = select(_suppression).order_by(_suppression.c.since.desc(), _suppression.c.email)
    return list(connection.execute(newest.limit(limit)))


_HOW = {"bounced": "bounce", "complained": "complaint", "manual": "command"}


def _note(connection: Connection, key: str, change: str, reason: str, now: datetime, by: str | None) -> None:
    row = {
        "at": now,
        "address": key,
        "change": change,
        "topic": "",
        "how": _HOW[reason],
        "by": by,
        "note": "",
    }
    connection.execute(insert(_change), [row])


def suppressed_among(connection: Connection, emails: Iterable[str]) -> frozenset[str]:
    """Which of `emails`, as keys of `address_key`, are on the list."""
    keys = {address_key(each) for each in emails}
    return frozenset(connection.scalars(_AMONG, {"keys": sorted(keys)}))
