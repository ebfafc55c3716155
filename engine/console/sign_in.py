"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from engine.console import session
from engine.console.pages import local_path, render, see_other
from engine.console.session import Acting

routes = APIRouter(include_in_schema=False)

_REFUSED = "That token is not known here or was revoked. Make another with: tminus token NAME"


@routes.get("/sign-in")
def sign_in_page(
    request: Request,
    token: Annotated[str, Query(max_length=500)] = "",
    to: Annotated[str, Query(max_length=2000, alias="next")] = "/queue",
) -> Response:
    """The page to paste a token into; a link that carries one signs in at once."""
    if token:
        return _signed_in(request, token, to)
    return render(request, "sign_in.html", None, error="", next=to)


@routes.post("/sign-in", dependencies=[Depends(session.same_site)])
def sign_in(
    request: Request,
    token: Annotated[str, Form(max_length=500)] = "",
    to: Annotated[str, Form(max_length=2000, alias="next")] = "/queue",
) -> Response:
    """Sign in with the pasted token."""
    return _signed_in(request, token, to)


@routes.post("/sign-out")
def sign_out(visitor: Acting) -> Response:
    """Sign out on this browser."""
    response = see_other("/sign-in")
    session.end(response)
    return response


def _signed_in(request: Request, token: str, to: str) -> Response:
    response = see_other(local_path(to, "/queue"))
    if session.begin(request, response, token):
        return response
    return render(request, "sign_in.html", None, status=403, error=_REFUSED, next=to)
