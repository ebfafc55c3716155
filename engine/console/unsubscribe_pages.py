"""The page behind the link in every email: public, and good for one click (RFC 8058)."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.console import mail_queries
from engine.console.pages import render
from engine.permit.unsubscribe import (
    BadTokenError,
    UnknownPersonError,
    read_token,
    unsubscribe,
    unsubscribe_key,
)
from engine.state.database import reading

routes = APIRouter(include_in_schema=False)


@routes.get("/unsubscribe/{token}")
def ask(request: Request, service: ServiceHere, token: str) -> Response:
    """Ask first: mail filters open links, and only a person presses the button."""
    try:
        contact_id, _topic = read_token(unsubscribe_key(service.database), token)
    except BadTokenError:
        return _page(request, "bad", 404)
    with reading(service.database) as connection:
        email = mail_queries.address_of(connection, contact_id)
    return _page(request, "ask", 200, email=email)


@routes.post("/unsubscribe/{token}")
def act(request: Request, service: ServiceHere, token: str) -> Response:
    """Unsubscribe: the button, and the one-click post that mail programs send for it."""
    try:
        unsubscribe(service.database, token, service.now())
    except BadTokenError:
        return _page(request, "bad", 404)
    except UnknownPersonError:
        return _page(request, "done", 200)
    service.wake()
    return _page(request, "done", 200)


def _page(request: Request, state: str, status: int, *, email: str | None = None) -> Response:
    return render(request, "unsubscribe.html", None, status=status, state=state, email=email)
