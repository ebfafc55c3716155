"""Passwords: argon2 hashes, a check that takes as long for people who do not exist, and what is refused."""

import unicodedata
from datetime import datetime
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine, Table, select, update

from engine.state.database import reading, writing
from engine.state.tables import User
from engine.users.digests import new_secret
from engine.users.sessions import end_sessions
from engine.users.users import UserError, sign_in_name

_USER: Table = User.__table__  # type: ignore[attr-defined]

SHORTEST = 12
LONGEST = 200
"""Characters. What is longer is refused before anything is computed of it."""
_MOST_ALIKE = 4
"""A password needs more different characters than this."""

# RFC 9106, second recommended choice: 64 MiB and about 50 ms for each check, so only a few at a time.
_HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4)
_AT_ONCE = BoundedSemaphore(3)


class PasswordRefused(UserError):
    """The password is not good enough; the message says why."""


def hash_password(password: str) -> str:
    """The hash to keep."""
    with _AT_ONCE:
        return _HASHER.hash(_normal(password))


def check_password(database: Engine, email: str, password: str) -> str | None:
    """The person whose address and password these are; None otherwise, after the same time whoever it is."""
    query = select(_USER.c.person_id, _USER.c.password, _USER.c.disabled_at)
    with reading(database) as connection:
        row = connection.execute(query.where(_USER.c.email == _address(email))).one_or_none()
    kept = row.password if row is not None and row.disabled_at is None else None
    fits = _fits(kept or _nobodys(), password)
    return row.person_id if row is not None and kept is not None and fits else None


def set_password(
    database: Engine, person_id: str, password: str, now: datetime, *, but: str | None = None
) -> None:
    """Keep a new password and sign the person out everywhere but for the session `but`.

    Raises PasswordRefused, and UserError when the person may not sign in at all.
    """
    mine = _USER.c.person_id == person_id
    with reading(database) as connection:
        email = connection.scalar(select(_USER.c.email).where(mine))
    if email is None:
        raise UserError(f'nobody signs in as "{person_id}"')
    refuse_weak(password, email)
    hashed = hash_password(password)
    with writing(database) as connection:
        connection.execute(update(_USER).where(mine).values(password=hashed, password_at=now))
        end_sessions(connection, person_id, but=but)


def refuse_weak(password: str, email: str) -> None:
    """Raises PasswordRefused, which says what is wrong with it."""
    normal = _normal(password)
    if len(normal) < SHORTEST:
        raise PasswordRefused(f"use at least {SHORTEST} characters; several words are easy to remember")
    if len(password) > LONGEST:
        raise PasswordRefused(f"use at most {LONGEST} characters")
    if len(set(normal.lower())) <= _MOST_ALIKE:
        raise PasswordRefused("use more different characters")
    local = email.partition("@")[0]
    if email in normal.lower() or (len(local) > _MOST_ALIKE and local in normal.lower()):
        raise PasswordRefused("leave your address out of it")


def _fits(kept: str, password: str) -> bool:
    given = "" if len(password) > LONGEST else _normal(password)
    try:
        with _AT_ONCE:
            return _HASHER.verify(kept, given)
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """The same text however the keyboard composes its accents."""
    return unicodedata.normalize("NFKC", password.encode(errors="replace").decode())


def _address(email: str) -> str:
    try:
        return sign_in_name(email)
    except UserError:
        return ""


@cache
def _nobodys() -> str:
    """A hash that no password fits but one that nobody knows."""
    return _HASHER.hash(new_secret())
