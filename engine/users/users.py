"""The people who may sign in: adding them, changing what they may do, shutting them out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, Table, func, insert, or_, select, update

from engine.state.database import reading, writing
from engine.state.tables import Person, SignInLink, User
from engine.users.access import Access
from engine.users.sessions import end_sessions

_USER: Table = User.__table__  # type: ignore[attr-defined]
_PERSON: Table = Person.__table__  # type: ignore[attr-defined]
_LINK: Table = SignInLink.__table__  # type: ignore[attr-defined]

LONGEST_EMAIL = 254


class UserError(Exception):
    """What is asked of a user cannot be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A person who may sign in, as others see them."""

    person_id: str
    name: str
    email: str
    access: Access
    has_password: bool
    created_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None

    @property
    def is_disabled(self) -> bool:
        """Whether signing in is forbidden."""
        return self.disabled_at is not None


def sign_in_name(email: str) -> str:
    """An address as people sign in with it: in lower case, without blanks around it. Raises UserError."""
    found = email.strip().lower()
    local, _, domain = found.rpartition("@")
    if not local or not domain or not found.isprintable() or any(each.isspace() for each in found):
        raise UserError(f'"{email}" is not an email address')
    if len(found) > LONGEST_EMAIL:
        raise UserError(f"an email address has at most {LONGEST_EMAIL} characters")
    return found


def add_user(
    database: Engine,
    email: str,
    access: Access,
    now: datetime,
    *,
    name: str | None = None,
    person_id: str | None = None,
) -> KnownUser:
    """Let a person sign in: the one of that id, else the one with that address, else a new one.

    A new person has the address as id and plays no role until a source or an import gives one. Raises
    UserError when there is no person of that id, when several have the address, and when they may sign in
    already.
    """
    address = sign_in_name(email)
    with writing(database) as connection:
        found = person_id or _person_with(connection, address)
        if found is None:
            found, role = address, "csm" if access is Access.CSM else "none"
            row = {"id": address, "name": name or address, "email": address, "role": role}
            connection.execute(insert(_PERSON).values(row))
        elif connection.scalar(select(_PERSON.c.id).where(_PERSON.c.id == found)) is None:
            raise UserError(f'there is no person "{found}"')
        taken = or_(_USER.c.person_id == found, _USER.c.email == address)
        if connection.scalar(select(_USER.c.email).where(taken)) is not None:
            raise UserError(f"{address} can sign in already")
        user = {"person_id": found, "email": address, "access": access.value, "created_at": now}
        connection.execute(insert(_USER).values(user))
        return _user(connection.execute(_users().where(_USER.c.person_id == found)).one())


def list_users(connection: Connection) -> list[KnownUser]:
    """Everybody who may or might sign in, by name."""
    return [_user(row) for row in connection.execute(_users().order_by(_PERSON.c.name, _USER.c.person_id))]


def user_of(connection: Connection, person_id: str) -> KnownUser | None:
    """The user who is that person."""
    row = connection.execute(_users().where(_USER.c.person_id == person_id)).one_or_none()
    return None if row is None else _user(row)


def find_user(database: Engine, wanted: str) -> KnownUser:
    """The user of an address or a person's id. Raises UserError."""
    named = or_(_USER.c.person_id == wanted, _USER.c.email == wanted.strip().lower())
    with reading(database) as connection:
        rows = connection.execute(_users().where(named)).all()
    if len(rows) != 1:
        raise UserError(f'nobody signs in as "{wanted}"; `tminus user list` shows who does')
    return _user(rows[0])


def set_access(database: Engine, person_id: str, access: Access) -> None:
    """Change what somebody may do, and sign them out. Raises UserError for the last admin."""
    with writing(database) as connection:
        if access is not Access.ADMIN:
            _keep_an_admin(connection, person_id)
        _change(connection, person_id, access=access.value)


def disable_user(database: Engine, person_id: str, now: datetime) -> None:
    """Let somebody sign in no more, and sign them out; their links end.

    Raises UserError for the last admin.
    """
    with writing(database) as connection:
        _keep_an_admin(connection, person_id)
        _change(connection, person_id, disabled_at=now)
        theirs = (_LINK.c.person_id == person_id) & _LINK.c.used_at.is_(None)
        connection.execute(update(_LINK).where(theirs).values(used_at=now))


def enable_user(database: Engine, person_id: str) -> None:
    """Let somebody sign in again. Raises UserError."""
    with writing(database) as connection:
        _change(connection, person_id, disabled_at=None)


def _change(connection: Connection, person_id: str, **values: Any) -> None:
    done = connection.execute(update(_USER).where(_USER.c.person_id == person_id).values(**values))
    if not done.rowcount:
        raise UserError(f'nobody signs in as "{person_id}"')
    end_sessions(connection, person_id)


def _keep_an_admin(connection: Connection, person_id: str) -> None:
    """Raises UserError when nobody but this person could let others in."""
    admins = set(
        connection.scalars(
            select(_USER.c.person_id).where(
                _USER.c.access == Access.ADMIN.value, _USER.c.disabled_at.is_(None)
            )
        )
    )
    if admins == {person_id}:
        raise UserError(f"{person_id} is the only admin; make somebody else one first")


def _person_with(connection: Connection, address: str) -> str | None:
    query = select(_PERSON.c.id).where(or_(func.lower(_PERSON.c.email) == address, _PERSON.c.id == address))
    found = connection.scalars(query).all()
    if len(found) > 1:
        raise UserError(f"{address} is the address of {', '.join(sorted(found))}; say which one is meant")
    return found[0] if found else None


def _users() -> Select[Any]:
    names = ("person_id", "email", "access", "created_at", "signed_in_at", "disabled_at")
    columns = [_USER.c[name] for name in names]
    name = func.coalesce(_PERSON.c.name, _USER.c.email).label("name")
    joined = _USER.outerjoin(_PERSON, _PERSON.c.id == _USER.c.person_id)
    return select(*columns, name, _USER.c.password.is_not(None).label("has_password")).select_from(joined)


def _user(row: Row[Any]) -> KnownUser:
    return KnownUser(**{**row._mapping, "access": Access(row.access), "has_password": bool(row.has_password)})
