"""Who is signed in to the console: a cookie that names a session still in force."""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Header, Request
from starlette.responses import Response

from engine.api.access import ServiceHere, service_of
from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.tokens import used_token
from engine.state.database import reading
from engine.users.access import GRANTS, Access, Permission, access_of
from engine.users.scope import EVERYTHING, Scope, team_scope
from engine.users.sessions import (
    How,
    KnownSession,
    begin_session,
    end_session,
    known_session,
    lasting_of,
)
from engine.users.users import user_of

COOKIE = "tminus_session"


class SignInNeeded(Exception):
    """Nobody is signed in, or the session has ended."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in."""

    name: str
    """What they are called on the pages."""
    csrf: str
    """What their forms carry to show that they come from our pages."""
    permissions: frozenset[Permission]
    access: Access | None
    """What they may do, in a word; None for a token that does not even allow to read."""
    scope: Scope
    """Whose accounts they see."""
    session: KnownSession
    person_id: str | None = None
    """Who they are; None for the holder of a token."""

    @property
    def by(self) -> str:
        """What they do is recorded under this: the id of the person, or the name of the token."""
        return self.person_id or self.name

    def may(self, permission: Permission | str) -> bool:
        """Whether they have a permission."""
        return permission in self.permissions


def begin(
    request: Request, response: Response, how: How, *, person_id: str | None = None, token: str | None = None
) -> None:
    """Sign a person in, or the holder of a token by its digest; a session of this browser before ends."""
    service = service_of(request)
    previous = request.cookies.get(cookie_name(service))
    if previous:
        end_session(service.database, previous)
    lasting = lasting_of(service.settings.sign_in)
    agent = request.headers.get("user-agent", "")
    value = begin_session(
        service.database, service.now(), lasting, how, person_id=person_id, token=token, agent=agent
    )
    response.set_cookie(
        cookie_name(service),
        value,
        max_age=int(lasting.whole.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=service.is_https,
    )


def end(request: Request, response: Response) -> None:
    """Sign this browser out."""
    service = service_of(request)
    name = cookie_name(service)
    end_session(service.database, request.cookies.get(name, ""))
    response.delete_cookie(name, httponly=True, samesite="lax", secure=service.is_https)


def cookie_name(service: Service) -> str:
    """The cookie's name; over TLS one that browsers take from this host alone."""
    return f"__Host-{COOKIE}" if service.is_https else COOKIE


def visitor_of(request: Request, service: ServiceHere) -> Visitor:
    """Who is signed in. Raises SignInNeeded."""
    kept: Visitor | None = getattr(request.state, "visitor", None)
    if kept is None:
        kept = request.state.visitor = _visitor(service, request.cookies.get(cookie_name(service), ""))
    return kept


def _visitor(service: Service, cookie: str) -> Visitor:
    lasting, now = lasting_of(service.settings.sign_in), service.now()
    session = known_session(service.database, cookie, now, lasting) if cookie else None
    if session is None:
        raise SignInNeeded
    csrf = hmac.new(cookie.encode(errors="replace"), b"csrf", sha256).hexdigest()
    if session.token is not None:
        return _holder(service, session, csrf)
    with reading(service.database) as connection:
        user = user_of(connection, session.person_id or "")
        if user is None or user.is_disabled:
            raise SignInNeeded
        sees_all = user.access is not Access.CSM
        scope = Scope(user.person_id) if sees_all else team_scope(connection, user.person_id)
    return Visitor(user.name, csrf, GRANTS[user.access], user.access, scope, session, user.person_id)


def _holder(service: Service, session: KnownSession, csrf: str) -> Visitor:
    """The holder of a token, who sees every account."""
    token = used_token(service.database, session.token or "", service.now())
    if token is None:
        raise SignInNeeded
    return Visitor(token.name, csrf, token.scopes, access_of(token.scopes), EVERYTHING, session)


SignedIn = Annotated[Visitor, Depends(visitor_of)]


def same_site(request: Request) -> None:
    """Refuse a form that another site sent. Raises Problem (403)."""
    origin = request.headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if is_foreign or request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Problem(403, "Form refused", "This form was sent by another site; use the page here.")


def acting(
    request: Request,
    visitor: SignedIn,
    csrf: Annotated[str, Form()] = "",
    x_csrf_token: Annotated[str, Header()] = "",
) -> Visitor:
    """Who is signed in, for a form that changes something. Raises Problem (403) without its token."""
    same_site(request)
    given = (csrf or x_csrf_token).encode(errors="replace")
    if not hmac.compare_digest(given, visitor.csrf.encode()):
        detail = "The form is out of date; go back, reload the page and send it again."
        raise Problem(403, "Form refused", detail)
    return visitor


Acting = Annotated[Visitor, Depends(acting)]
