"""Bearer tokens: made at random, kept only as SHA-256 digests."""

import secrets
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Engine, insert, select, update

from engine.state.database import reading, writing
from engine.state.tables import ApiToken

_TOKEN = ApiToken.__table__  # type: ignore[attr-defined]


def create_token(database: Engine, name: str, now: datetime) -> str:
    """A new token. The text is returned once and can never be read again."""
    token = secrets.token_urlsafe(32)
    with writing(database) as connection:
        row = {"digest": token_digest(token), "name": name, "created_at": now}
        connection.execute(insert(_TOKEN).values(row))
    return token


def is_valid(database: Engine, token: str) -> bool:
    """Whether the token was made here and has not been revoked."""
    return token_owner(database, token_digest(token)) is not None


def token_owner(database: Engine, digest: str) -> str | None:
    """The name under which the token of that digest was made; None when it is unknown or revoked."""
    query = select(_TOKEN.c.name).where(_TOKEN.c.digest == digest, _TOKEN.c.revoked_at.is_(None))
    with reading(database) as connection:
        return connection.scalar(query)


def revoke_tokens(database: Engine, name: str, now: datetime) -> int:
    """Revoke every token of that name, and the sessions begun with them; returns how many."""
    unrevoked = (_TOKEN.c.name == name) & _TOKEN.c.revoked_at.is_(None)
    with writing(database) as connection:
        return connection.execute(update(_TOKEN).where(unrevoked).values(revoked_at=now)).rowcount


def has_tokens(database: Engine) -> bool:
    """Whether any usable token exists; a first start has none."""
    query = select(_TOKEN.c.digest).where(_TOKEN.c.revoked_at.is_(None)).limit(1)
    with reading(database) as connection:
        return connection.scalar(query) is not None


def token_digest(token: str) -> str:
    """The SHA-256 of a token in hexadecimal. Odd text gets a digest too, one that nothing has."""
    return sha256(token.encode(errors="surrogatepass")).hexdigest()
