"""Guessing is stopped: after failures, a user and an address are locked out for a while.

A try counts before it is looked at, so that many at once are no way around, and is forgiven when it was
right. It counts the same whether or not anybody has the address, and what was typed is kept as a digest only.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection, Engine, Table, delete, or_, select, update

from engine.state.database import writing
from engine.state.tables import SignInTries
from engine.state.upsert import upsert
from engine.users.digests import digest_of

_TRIES: Table = SignInTries.__table__  # type: ignore[attr-defined]

FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries within a stretch, then none for as long."""

    tries: int
    stretch: timedelta = timedelta(minutes=15)


BY_USER = Limit(5)
BY_ADDRESS = Limit(50)
"""More, because a whole office may come from one address."""


@dataclass(frozen=True, slots=True)
class Count:
    """Tries so far, since when, and until when there are to be no more."""

    tries: int
    since: datetime
    locked_until: datetime | None = None


class LockedOut(Exception):
    """Too many tries failed. Nothing is looked at until the instant."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"too many failures; nothing is tried until {until.isoformat()}")
        self.until = until


def counted(before: Count | None, limit: Limit, now: datetime) -> Count:
    """The count with one more try at `now`. Raises LockedOut."""
    if before is not None and before.locked_until is not None and now < before.locked_until:
        raise LockedOut(before.locked_until)
    if before is None or before.locked_until is not None or now >= before.since + limit.stretch:
        return Count(1, now)
    tries = before.tries + 1
    return Count(tries, before.since, now + limit.stretch if tries >= limit.tries else None)


def begin_try(database: Engine, email: str, address: str, now: datetime) -> None:
    """Count a try to sign in, before it is looked at. Raises LockedOut."""
    limits = {_user_key(email): BY_USER, _address_key(address): BY_ADDRESS}
    with writing(database) as connection:
        old = _TRIES.c.since < now - FORGOTTEN_AFTER
        connection.execute(delete(_TRIES).where(old))
        known = _counts(connection, list(limits))
        after = {key: counted(known.get(key), limit, now) for key, limit in limits.items()}
        rows = [
            {"key": key, "tries": each.tries, "since": each.since, "locked_until": each.locked_until}
            for key, each in after.items()
        ]
        upsert(connection, _TRIES, rows)


def forgive(database: Engine, email: str, address: str) -> None:
    """Take back the count of a try that was right: the user's whole count, and one of the address's."""
    from_here = _TRIES.c.key == _address_key(address)
    with writing(database) as connection:
        connection.execute(delete(_TRIES).where(_TRIES.c.key == _user_key(email)))
        values = {"tries": _TRIES.c.tries - 1, "locked_until": None}
        connection.execute(update(_TRIES).where(from_here, _TRIES.c.tries > 0).values(**values))


def _counts(connection: Connection, keys: list[str]) -> dict[str, Count]:
    query = select(_TRIES).where(or_(*(_TRIES.c.key == key for key in keys)))
    return {row.key: Count(row.tries, row.since, row.locked_until) for row in connection.execute(query)}


def _user_key(email: str) -> str:
    return f"user:{digest_of(email.strip().lower())}"


def _address_key(address: str) -> str:
    """An address of version 6 stands for its network of 64 bits, which one person has to themselves."""
    try:
        found = ip_address(address)
    except ValueError:
        return "address:unknown"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return f"address:{ip_network((found, 64), strict=False)}"
    return f"address:{getattr(found, 'ipv4_mapped', None) or found}"
