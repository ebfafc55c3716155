"""Bearer tokens: made at random, kept only as SHA-256 digests, each for what its scopes say."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Table, insert, select, update

from engine.state.database import reading, writing
from engine.state.tables import ApiToken
from engine.users.access import ALL, Permission
from engine.users.digests import digest_of, new_secret

_TOKEN: Table = ApiToken.__table__  # type: ignore[attr-defined]

NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a token was last used."""

token_digest = digest_of


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token as it is kept: everything but the token."""

    digest: str
    name: str
    scopes: frozenset[Permission]
    created_at: datetime
    created_by: str | None
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    @property
    def id(self) -> str:
        """What it is called in lists: the beginning of its digest."""
        return self.digest[:12]

    def is_in_force(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create_token(
    database: Engine,
    name: str,
    now: datetime,
    *,
    scopes: Iterable[Permission] = ALL,
    expires_at: datetime | None = None,
    by: str | None = None,
) -> str:
    """A new token for these scopes. The text is returned once and can never be read again."""
    token = new_secret()
    row = {
        "digest": digest_of(token),
        "name": name,
        "scopes": " ".join(sorted(scopes)),
        "created_at": now,
        "created_by": by,
        "expires_at": expires_at,
    }
    with writing(database) as connection:
        connection.execute(insert(_TOKEN).values(row))
    return token


def used_token(database: Engine, digest: str, now: datetime) -> KnownToken | None:
    """The token of that digest, noted as used; None when it is unknown, revoked or expired."""
    wanted = _TOKEN.c.digest == digest
    with reading(database) as connection:
        row = connection.execute(select(_TOKEN).where(wanted)).one_or_none()
    found = None if row is None else _known(row)
    if found is None or not found.is_in_force(now):
        return None
    if found.used_at is None or now >= found.used_at + NOTED_EVERY:
        with writing(database) as connection:
            connection.execute(update(_TOKEN).where(wanted).values(used_at=now))
    return found


def list_tokens(database: Engine, *, revoked: bool = False) -> list[KnownToken]:
    """The tokens by name, those that are revoked only when asked for."""
    query = select(_TOKEN).order_by(_TOKEN.c.name, _TOKEN.c.created_at, _TOKEN.c.digest)
    if not revoked:
        query = query.where(_TOKEN.c.revoked_at.is_(None))
    with reading(database) as connection:
        return [_known(row) for row in connection.execute(query)]


def revoke_tokens(database: Engine, name: str, now: datetime) -> int:
    """Revoke every token of that name, and the sessions begun with them; returns how many."""
    return _revoke(database, _TOKEN.c.name == name, now)


def revoke_token(database: Engine, token_id: str, now: datetime) -> int:
    """Revoke the token of that id, and the sessions begun with it; returns how many were revoked."""
    return _revoke(database, _TOKEN.c.digest.startswith(token_id, autoescape=True), now) if token_id else 0


def has_tokens(database: Engine) -> bool:
    """Whether any usable token exists; a first start has none."""
    query = select(_TOKEN.c.digest).where(_TOKEN.c.revoked_at.is_(None)).limit(1)
    with reading(database) as connection:
        return connection.scalar(query) is not None


def _revoke(database: Engine, which: ColumnElement[bool], now: datetime) -> int:
    unrevoked = which & _TOKEN.c.revoked_at.is_(None)
    with writing(database) as connection:
        return connection.execute(update(_TOKEN).where(unrevoked).values(revoked_at=now)).rowcount


def _known(row: Row[Any]) -> KnownToken:
    scopes = frozenset(Permission(each) for each in row.scopes.split())
    return KnownToken(**{**row._mapping, "scopes": scopes})
