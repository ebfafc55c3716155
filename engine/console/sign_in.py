"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from engine.api.access import ServiceHere, service_of
from engine.api.service import Service
from engine.api.tokens import token_digest, used_token
from engine.console import session
from engine.console.pages import local_path, render, see_other
from engine.console.session import Acting
from engine.state.database import reading
from engine.users.links import is_good, use_link
from engine.users.lockout import LockedOut, begin_try, forgive
from engine.users.passwords import check_password
from engine.users.users import user_of

routes = APIRouter(include_in_schema=False)

HOME = "/queue"
YOU = "/you"

_BAD_TOKEN = "That token is not known here, was revoked or has expired. Make another with: tminus token NAME"
_BAD_PASSWORD = "The address or the password is not right."
_BAD_LINK = "This link was used before or is too old. Ask an admin for another, or sign in here."

To = Annotated[str, Form(max_length=2000, alias="next")]


@routes.get("/sign-in")
def sign_in_page(
    request: Request,
    service: ServiceHere,
    token: Annotated[str, Query(max_length=500)] = "",
    to: Annotated[str, Query(max_length=2000, alias="next")] = HOME,
) -> Response:
    """The page that asks who it is; a link that carries a token signs in at once."""
    if token and _is_own_doing(request):
        return _by_token(request, service, token, to)
    return asked(request, to)


@routes.post("/sign-in", dependencies=[Depends(session.same_site)])
def sign_in(
    request: Request,
    service: ServiceHere,
    email: Annotated[str, Form(max_length=500)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    token: Annotated[str, Form(max_length=500)] = "",
    to: To = HOME,
) -> Response:
    """Sign in with an address and its password, or with a pasted token."""
    if not email:
        return _by_token(request, service, token, to)
    if not service.settings.sign_in.passwords:
        return asked(request, to, error="Nobody signs in with a password here.")
    try:
        person_id = checked_password(request, service, email, password)
    except LockedOut as locked:
        return locked_page(request, service, locked, to, email)
    if person_id is None:
        return asked(request, to, email=email, error=_BAD_PASSWORD)
    response = see_other(local_path(to, HOME))
    session.begin(request, response, "password", person_id=person_id)
    return response


@routes.get("/sign-in/link")
def follow_link(
    request: Request, service: ServiceHere, code: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Sign in by a link that somebody opened. A chat's preview, which opens it too, does not use it up."""
    if request.headers.get("sec-fetch-site") == "none":
        return _by_link(request, service, code)
    if not is_good(service.database, code, service.now()):
        return asked(request, HOME, error=_BAD_LINK)
    return render(request, "sign_in_link.html", None, code=code)


@routes.post("/sign-in/link", dependencies=[Depends(session.same_site)])
def use_the_link(
    request: Request, service: ServiceHere, code: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Sign in by a link, once."""
    return _by_link(request, service, code)


@routes.post("/sign-out")
def sign_out(request: Request, visitor: Acting) -> Response:
    """Sign out on this browser."""
    response = see_other("/sign-in")
    session.end(request, response)
    return response


def checked_password(request: Request, service: Service, email: str, password: str) -> str | None:
    """The person whose address and password these are, or None. Raises LockedOut after too many failures."""
    address = request.client.host if request.client else ""
    begin_try(service.database, email, address, service.now())
    person_id = check_password(service.database, email, password)
    if person_id is not None:
        forgive(service.database, email, address)
    return person_id


def locked_page(request: Request, service: Service, locked: LockedOut, to: str, email: str) -> Response:
    """Says how long to wait; the same for those who exist and those who do not."""
    seconds = max(1, int((locked.until - service.now()).total_seconds()))
    error = f"Too many failures. Try again in {-(-seconds // 60)} min."
    page = asked(request, to, email=email, error=error, status=429)
    page.headers["retry-after"] = str(seconds)
    return page


def _by_token(request: Request, service: Service, token: str, to: str) -> Response:
    found = used_token(service.database, token_digest(token.strip()), service.now())
    if found is None:
        return asked(request, to, error=_BAD_TOKEN, is_token=True)
    response = see_other(local_path(to, HOME))
    session.begin(request, response, "token", token=found.digest)
    return response


def _by_link(request: Request, service: Service, code: str) -> Response:
    """Whoever has no password yet is led to where one is chosen."""
    person_id = use_link(service.database, code, service.now())
    if person_id is None:
        return asked(request, HOME, error=_BAD_LINK)
    with reading(service.database) as connection:
        user = user_of(connection, person_id)
    response = see_other(HOME if user is not None and user.has_password else YOU)
    session.begin(request, response, "link", person_id=person_id)
    return response


def _is_own_doing(request: Request) -> bool:
    """Whether no other site has led here: one could sign people in as somebody else without their knowing."""
    return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def asked(
    request: Request,
    to: str,
    *,
    email: str = "",
    error: str = "",
    is_token: bool = False,
    status: int = 403,
) -> Response:
    """The sign-in page, with what was wrong."""
    sign_in_settings = service_of(request).settings.sign_in
    shown = {
        "email": email,
        "error": error,
        "is_token": is_token,
        "next": to,
        "openid": sign_in_settings.openid,
        "has_passwords": sign_in_settings.passwords,
    }
    return render(request, "sign_in.html", None, status=status if error else 200, **shown)
