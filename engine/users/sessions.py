"""Sessions: rows that a browser's cookie names. Whatever ends one ends it at once, on every page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, insert, or_, select, update

from engine.clock.durations import parse_duration
from engine.sign_in_settings import SignIn
from engine.state.database import reading, writing
from engine.state.tables import Session, User
from engine.users.digests import digest_of, new_secret

_SESSION: Table = Session.__table__  # type: ignore[attr-defined]
_USER: Table = User.__table__  # type: ignore[attr-defined]

How: TypeAlias = Literal["password", "link", "token", "openid"]

NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session was last used."""
LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a session lasts."""

    idle: timedelta
    """Without being used."""
    whole: timedelta
    """In any case."""

    def is_over(self, begun_at: datetime, seen_at: datetime, now: datetime) -> bool:
        """Whether a session begun and last used at these instants has ended by `now`."""
        return now >= seen_at + self.idle or now >= begun_at + self.whole


def lasting_of(settings: SignIn) -> Lasting:
    """How long sessions last by the settings."""
    return Lasting(parse_duration(settings.idle).elapsed, parse_duration(settings.lasts).elapsed)


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session in force: who is signed in, and how they came in."""

    digest: str
    person_id: str | None
    token: str | None
    """The digest of the API token it was begun with, in place of a person."""
    how: str
    begun_at: datetime
    seen_at: datetime
    agent: str


def begin_session(
    database: Engine,
    now: datetime,
    lasting: Lasting,
    how: How,
    *,
    person_id: str | None = None,
    token: str | None = None,
    agent: str = "",
) -> str:
    """Sign a person, or the holder of a token by its digest, in; the value of the cookie.

    Sessions that are over are swept away at the same time.
    """
    value = new_secret()
    row = {
        "digest": digest_of(value),
        "person_id": person_id,
        "token": token,
        "how": how,
        "begun_at": now,
        "seen_at": now,
        "agent": agent[:LONGEST_AGENT],
    }
    with writing(database) as connection:
        connection.execute(delete(_SESSION).where(_is_over(lasting, now)))
        connection.execute(insert(_SESSION).values(row))
        if person_id is not None:
            mine = _USER.c.person_id == person_id
            connection.execute(update(_USER).where(mine).values(signed_in_at=now))
    return value


def known_session(database: Engine, value: str, now: datetime, lasting: Lasting) -> KnownSession | None:
    """The session of that cookie, noted as used; None when it is unknown or over."""
    wanted = _SESSION.c.digest == digest_of(value)
    with reading(database) as connection:
        row = connection.execute(select(_SESSION).where(wanted)).one_or_none()
    if row is None or lasting.is_over(row.begun_at, row.seen_at, now):
        return None
    if now >= row.seen_at + NOTED_EVERY:
        with writing(database) as connection:
            connection.execute(update(_SESSION).where(wanted).values(seen_at=now))
    return KnownSession(**row._mapping)


def end_session(database: Engine, value: str) -> None:
    """Sign the browser of that cookie out."""
    with writing(database) as connection:
        connection.execute(delete(_SESSION).where(_SESSION.c.digest == digest_of(value)))


def end_sessions(connection: Connection, person_id: str, *, but: str | None = None) -> int:
    """Sign a person out everywhere, but for the session of the digest `but`; how many there were."""
    theirs = _SESSION.c.person_id == person_id
    kept = _SESSION.c.digest != but if but else theirs
    return connection.execute(delete(_SESSION).where(theirs, kept)).rowcount


def sessions_of(
    connection: Connection, person_id: str, now: datetime, lasting: Lasting
) -> list[KnownSession]:
    """Where a person is signed in, the latest used first."""
    query = select(_SESSION).where(_SESSION.c.person_id == person_id).order_by(_SESSION.c.seen_at.desc())
    found = [KnownSession(**row._mapping) for row in connection.execute(query)]
    return [each for each in found if not lasting.is_over(each.begun_at, each.seen_at, now)]


def _is_over(lasting: Lasting, now: datetime) -> ColumnElement[bool]:
    return or_(_SESSION.c.seen_at <= now - lasting.idle, _SESSION.c.begun_at <= now - lasting.whole)
