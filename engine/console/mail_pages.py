"""What leaves the house: the outbox, and each message as its reader sees it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.clock.zones import format_instant, parse_instant
from engine.console import mail_queries
from engine.console.pages import render
from engine.console.session import SignedIn
from engine.state.database import reading

PAGE = 50

FRAMED_HEADERS = {
    "content-security-policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    ),
    "x-frame-options": "SAMEORIGIN",
}
"""A message's own HTML may style itself and do nothing else: no scripts, no requests, no forms."""

routes = APIRouter(include_in_schema=False)


@routes.get("/mail")
def list_mail(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    state: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str, Query(max_length=600)] = "",
) -> Response:
    """The outbox, newest first."""
    with reading(service.database) as connection:
        found = mail_queries.listed(connection, state, _place(after), PAGE + 1)
        states = mail_queries.states(connection)
    last = found[PAGE - 1] if len(found) > PAGE else None
    older = f"{format_instant(last.created_at)} {last.id}" if last else ""
    return render(
        request, "mail_list.html", visitor, entries=found[:PAGE], states=states, state=state, older=older
    )


@routes.get("/mail/{entry_id}")
def show_mail(request: Request, service: ServiceHere, visitor: SignedIn, entry_id: str) -> Response:
    """One message: how it fared, and what was sent."""
    with reading(service.database) as connection:
        entry = mail_queries.one(connection, entry_id)
        tries = mail_queries.attempts(connection, entry_id)
    if entry is None:
        raise _no_message(entry_id)
    return render(request, "mail_entry.html", visitor, entry=entry, tries=tries)


@routes.get("/mail/{entry_id}/html")
def show_mail_html(service: ServiceHere, visitor: SignedIn, entry_id: str) -> Response:
    """The message's HTML alone, for the frame on its page."""
    with reading(service.database) as connection:
        payload = mail_queries.payload(connection, entry_id)
    if payload is None:
        raise _no_message(entry_id)
    return HTMLResponse(str(payload.get("html") or ""), headers=FRAMED_HEADERS)


def _no_message(entry_id: str) -> Problem:
    return Problem(404, "No such message", f'The outbox has no entry "{entry_id}"; see Mail.')


def _place(text: str) -> tuple[datetime, str] | None:
    """Where a page begins: beyond a creation time and an id."""
    created, _, entry_id = text.partition(" ")
    try:
        return (parse_instant(created), entry_id) if text else None
    except (ValueError, OverflowError) as error:
        detail = "The address names no place in the list; start again at Mail."
        raise Problem(422, "Address does not fit", detail) from error
