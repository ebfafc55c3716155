"""Whom the word of the company's provider lets in, and as what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Table, select, update

from engine.sign_in_settings import OpenId
from engine.state.database import reading, writing
from engine.state.tables import User
from engine.users.access import Access
from engine.users.openid import Identity, OpenIdError
from engine.users.users import KnownUser, UserError, add_user, find_user, set_access, sign_in_name, user_of

_USER: Table = User.__table__  # type: ignore[attr-defined]


def granted_access(settings: OpenId, claims: Mapping[str, Any]) -> Access | None:
    """The most that the claim's values stand for, else the default; None where neither says anything."""
    found = claims.get(settings.roles_claim)
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    named = {settings.roles[each] for each in values if isinstance(each, str) and each in settings.roles}
    most = next((each for each in reversed(Access) if each.value in named), None)
    return most or (Access(settings.default_access) if settings.default_access else None)


def admit(database: Engine, settings: OpenId, identity: Identity, now: datetime) -> str:
    """The id of the person who may sign in: known by subject, else by a verified address, else added.

    Where the settings give access by a claim, an access that has changed there changes here. Raises
    OpenIdError for whoever may not sign in.
    """
    address = _address(settings, identity)
    access = granted_access(settings, identity.claims)
    user = _known(database, identity, address)
    if user is None and address is not None and access is not None:
        user = _added(database, address, access, identity.name, now)
    if user is None or (settings.roles and access is None):
        raise OpenIdError("nobody has let you in here; ask an admin")
    if user.is_disabled:
        raise OpenIdError("you can sign in here no more; ask an admin")
    _keep_subject(database, user.person_id, identity.subject)
    if settings.roles and access is not None and access is not user.access:
        _follow(database, user.person_id, access)
    return user.person_id


def _address(settings: OpenId, identity: Identity) -> str | None:
    """The address that counts, None without a verified one. Raises OpenIdError for another domain."""
    is_trusted = identity.is_email_verified or settings.trust_emails
    try:
        address = sign_in_name(identity.email) if identity.email and is_trusted else None
    except UserError:
        address = None
    domains = [each.lower() for each in settings.allowed_domains]
    if domains and (address is None or address.rpartition("@")[2] not in domains):
        raise OpenIdError("only verified addresses of the company may sign in here")
    return address


def _known(database: Engine, identity: Identity, address: str | None) -> KnownUser | None:
    with reading(database) as connection:
        person_id = connection.scalar(select(_USER.c.person_id).where(_USER.c.subject == identity.subject))
        if person_id is None and address is not None:
            by_address = (_USER.c.email == address) & _USER.c.subject.is_(None)
            person_id = connection.scalar(select(_USER.c.person_id).where(by_address))
        return None if person_id is None else user_of(connection, person_id)


def _added(database: Engine, address: str, access: Access, name: str | None, now: datetime) -> KnownUser:
    try:
        return add_user(database, address, access, now, name=name)
    except UserError as error:
        raise OpenIdError(f"{error}; ask an admin") from error


def _keep_subject(database: Engine, person_id: str, subject: str) -> None:
    with writing(database) as connection:
        connection.execute(update(_USER).where(_USER.c.person_id == person_id).values(subject=subject))


def _follow(database: Engine, person_id: str, access: Access) -> None:
    """Change the access as the provider says, but for the last admin's."""
    try:
        set_access(database, find_user(database, person_id).person_id, access)
    except UserError:
        return
