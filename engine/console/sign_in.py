"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from engine.api.access import ServiceHere, service_of
from engine.api.tokens import token_digest, used_token
from engine.console import session
from engine.console.pages import local_path, render, see_other
from engine.console.session import Acting
from engine.users.passwords import check_password

routes = APIRouter(include_in_schema=False)

HOME = "/queue"

_BAD_TOKEN = "That token is not known here, was revoked or has expired. Make another with: tminus token NAME"
_BAD_PASSWORD = "The address or the password is not right."


@routes.get("/sign-in")
def sign_in_page(
    request: Request,
    token: Annotated[str, Query(max_length=500)] = "",
    to: Annotated[str, Query(max_length=2000, alias="next")] = HOME,
) -> Response:
    """The page that asks who it is; a link that carries a token signs in at once."""
    if token:
        return _by_token(request, token, to)
    return _asked(request, to)


@routes.post("/sign-in", dependencies=[Depends(session.same_site)])
def sign_in(
    request: Request,
    service: ServiceHere,
    email: Annotated[str, Form(max_length=500)] = "",
    password: Annotated[str, Form(max_length=2000)] = "",
    token: Annotated[str, Form(max_length=500)] = "",
    to: Annotated[str, Form(max_length=2000, alias="next")] = HOME,
) -> Response:
    """Sign in with an address and its password, or with a pasted token."""
    if not email:
        return _by_token(request, token, to)
    person_id = check_password(service.database, email, password)
    if person_id is None:
        return _asked(request, to, email=email, error=_BAD_PASSWORD)
    response = see_other(local_path(to, HOME))
    session.begin(request, response, "password", person_id=person_id)
    return response


@routes.post("/sign-out")
def sign_out(request: Request, visitor: Acting) -> Response:
    """Sign out on this browser."""
    response = see_other("/sign-in")
    session.end(request, response)
    return response


def _by_token(request: Request, token: str, to: str) -> Response:
    service = service_of(request)
    found = used_token(service.database, token_digest(token.strip()), service.now())
    if found is None:
        return _asked(request, to, error=_BAD_TOKEN, is_token=True)
    response = see_other(local_path(to, HOME))
    session.begin(request, response, "token", token=found.digest)
    return response


def _asked(
    request: Request, to: str, *, email: str = "", error: str = "", is_token: bool = False
) -> Response:
    """The sign-in page, with what was wrong."""
    status = 403 if error else 200
    shown = {"email": email, "error": error, "is_token": is_token, "next": to}
    return render(request, "sign_in.html", None, status=status, **shown)
