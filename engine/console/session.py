"""Who is signed in to the console: a signed cookie that names a token still in force."""

import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Header, Request
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.responses import Response

from engine.api.access import ServiceHere, service_of
from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.tokens import token_digest, token_owner
from engine.permit.secret import installation_secret

COOKIE = "tminus_session"
LASTS_SECONDS = 14 * 24 * 3600


class SignInNeeded(Exception):
    """Nobody is signed in, or the token of the session was revoked."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in."""

    name: str
    """The name of the token; what they do is recorded under it."""
    csrf: str
    """What their forms carry to show that they come from our pages."""


def begin(request: Request, response: Response, token: str) -> bool:
    """Sign in with a token: sets the cookie, or returns False when the token is not in force."""
    service = service_of(request)
    digest = token_digest(token.strip())
    if token_owner(service.database, digest) is None:
        return False
    value = _serializer(service).dumps([digest, secrets.token_urlsafe(12)])
    response.set_cookie(
        COOKIE,
        str(value),
        max_age=LASTS_SECONDS,
        httponly=True,
        samesite="lax",
        secure=service.settings.console.public_url.startswith("https:"),
    )
    return True


def end(response: Response) -> None:
    """Sign out."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")


def visitor_of(request: Request, service: ServiceHere) -> Visitor:
    """Who is signed in. Raises SignInNeeded."""
    cookie = request.cookies.get(COOKIE, "")
    try:
        digest, _nonce = _serializer(service).loads(cookie, max_age=LASTS_SECONDS)
    except (BadData, ValueError, TypeError) as error:
        raise SignInNeeded from error
    name = token_owner(service.database, str(digest))
    if name is None:
        raise SignInNeeded
    return Visitor(name, _csrf(service, cookie))


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


def _serializer(service: Service) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(installation_secret(service.database, "console-session"), salt="session")


def _csrf(service: Service, cookie: str) -> str:
    key = installation_secret(service.database, "console-session")
    return hmac.new(key.encode(), b"csrf:" + cookie.encode(errors="replace"), sha256).hexdigest()
