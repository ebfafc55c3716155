"""The list of addresses nothing may be sent to."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from connectors.address import BadAddressError, parse_mailbox
from engine.clock.zones import format_instant
from engine.state import keyset
from engine.state.keyset import Key, Page
from engine.state.tables import ConsentChange, Suppression

Reason: TypeAlias = Literal["bounced", "complained", "manual"]
REASONS: tuple[Reason, ...] = get_args(Reason)
Via: TypeAlias = Literal["command", "api", "console", "bounce", "complaint"]
"""How an address came on the list, or off it."""
LONGEST_WHY = 1_000
"""Characters."""

_suppression: Table = Suppression.__table__  # type: ignore[attr-defined]
_change: Table = ConsentChange.__table__  # type: ignore[attr-defined]
_AMONG = select(_suppression.c.email).where(_suppression.c.email.in_(bindparam("keys", expanding=True)))
_BY_ITSELF: dict[str, Via] = {"bounced": "bounce", "complained": "complaint", "manual": "command"}
_LAST = "\U0010ffff"
_NEWEST_FIRST = (
    Key(_suppression.c.since, "since", datetime, is_descending=True),
    Key(_suppression.c.email, "email", str),
)


@lru_cache(maxsize=16384)
def address_key(email: str) -> str:
    """The form under which an address is suppressed: bare, ASCII, lower case."""
    try:
        return parse_mailbox(email).address.lower()
    except BadAddressError:
        return email.strip().lower()


def suppress(
    connection: Connection,
    email: str,
    reason: Reason,
    now: datetime,
    by: str | None = None,
    *,
    via: Via | None = None,
    why: str = "",
) -> bool:
    """Put an address on the list. Says whether it was not there before; the first reason stays."""
    dialect = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    key = address_key(email)
    statement = dialect(_suppression).values(email=key, reason=reason, since=now, by=by, note=why)
    written = statement.on_conflict_do_nothing().returning(_suppression.c.email)
    is_new = connection.scalar(written) is not None
    if is_new:
        _note(connection, key, "suppressed", via or _BY_ITSELF[reason], now, by, why)
    return is_new


def release(
    connection: Connection, email: str, now: datetime, by: str, *, via: Via = "command", why: str = ""
) -> Row[Any] | None:
    """Take an address off the list again. The row that was there; None where there was none."""
    key = address_key(email)
    gone = delete(_suppression).where(_suppression.c.email == key).returning(*_suppression.c)
    row = connection.execute(gone).one_or_none()
    if row is not None:
        _note(connection, key, "released", via, now, by, why)
    return row


def page(
    connection: Connection,
    *,
    limit: int,
    cursor: str | None = None,
    reason: Reason | None = None,
    starting: str = "",
) -> Page[Row[Any]]:
    """The addresses on the list, the newest first: of a reason, or that begin so. Raises BadCursorError."""
    query = select(_suppression)
    if reason is not None:
        query = query.where(_suppression.c.reason == reason)
    if starting:
        start = starting.strip().lower()
        query = query.where(_suppression.c.email >= start, _suppression.c.email < start + _LAST)
    return keyset.page(connection, query, _NEWEST_FIRST, limit=limit, cursor=cursor)


def one(connection: Connection, email: str) -> Row[Any] | None:
    """What the list has of an address."""
    wanted = select(_suppression).where(_suppression.c.email == address_key(email))
    return connection.execute(wanted).one_or_none()


def plain(row: Row[Any]) -> dict[str, Any]:
    """An address on the list as JSON has it."""
    return {
        "email": row.email,
        "reason": row.reason,
        "since": format_instant(row.since),
        "by": row.by,
        "why": row.note,
    }


def _note(
    connection: Connection, key: str, change: str, via: Via, now: datetime, by: str | None, why: str
) -> None:
    row = {"at": now, "address": key, "change": change, "topic": "", "how": via, "by": by, "note": why}
    connection.execute(insert(_change), [row])


def suppressed_among(connection: Connection, emails: Iterable[str]) -> frozenset[str]:
    """Which of `emails`, as keys of `address_key`, are on the list."""
    keys = {address_key(each) for each in emails}
    return frozenset(connection.scalars(_AMONG, {"keys": sorted(keys)}))
