"""Links that sign somebody in once: for a first sign-in, and where a password was forgotten."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, Table, exists, insert, select, update

from engine.state.database import reading, writing
from engine.state.tables import SignInLink, User
from engine.users.digests import digest_of, new_secret

_LINK: Table = SignInLink.__table__  # type: ignore[attr-defined]
_USER: Table = User.__table__  # type: ignore[attr-defined]

GOOD_FOR = timedelta(days=3)


def make_link(database: Engine, person_id: str, now: datetime) -> str:
    """The code of a new link, shown once; links the person had before end."""
    code = new_secret()
    row = {
        "digest": digest_of(code),
        "person_id": person_id,
        "made_at": now,
        "ends_at": now + GOOD_FOR,
    }
    unused = (_LINK.c.person_id == person_id) & _LINK.c.used_at.is_(None)
    with writing(database) as connection:
        connection.execute(update(_LINK).where(unused).values(used_at=now))
        connection.execute(insert(_LINK).values(row))
    return code


def link_address(public_url: str, code: str) -> str:
    """What to open in a browser."""
    return f"{public_url.rstrip('/')}/sign-in/link?code={code}"


def is_good(database: Engine, code: str, now: datetime) -> bool:
    """Whether the link would sign somebody in."""
    with reading(database) as connection:
        return connection.scalar(select(_LINK.c.person_id).where(*_good(code, now))) is not None


def use_link(database: Engine, code: str, now: datetime) -> str | None:
    """The person whom the link signs in, this once; None when it is used, over or unknown."""
    used = update(_LINK).where(*_good(code, now)).values(used_at=now).returning(_LINK.c.person_id)
    with writing(database) as connection:
        return connection.execute(used).scalar_one_or_none()


def _good(code: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    may_sign_in = exists().where(_USER.c.person_id == _LINK.c.person_id, _USER.c.disabled_at.is_(None))
    return (
        _LINK.c.digest == digest_of(code),
        _LINK.c.used_at.is_(None),
        _LINK.c.ends_at > now,
        may_sign_in,
    )
