"""What leaves the house: the outbox, and each message as its reader sees it."""

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import HTMLResponse, Response

from engine.api.access import ServiceHere
from engine.api.outbox import acted, filter_of, retry_all
from engine.api.problems import Problem
from engine.console import mail_queries
from engine.console.pages import render, see_other
from engine.console.session import Acting, SignedIn
from engine.outbox import browse
from engine.outbox.by_hand import GIVEN_UP, cancel, requeue
from engine.outbox.claim import READY
from engine.state.cursor import BadCursorError
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
    connector: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=600)] = "",
) -> Response:
    """The outbox, newest first."""
    wanted = replace(filter_of(state, connector), scope=visitor.scope)
    try:
        with reading(service.database) as connection:
            found = browse.page(connection, wanted, limit=PAGE, cursor=after)
            states, connectors = (
                browse.counts(connection, each, visitor.scope) for each in ("state", "connector")
            )
    except BadCursorError as error:
        raise Problem(422, "Address does not fit", f"{error}.") from error
    return render(
        request,
        "mail_list.html",
        visitor,
        entries=found.entries,
        states=states,
        connectors=connectors,
        state=state,
        connector=connector,
        older=found.cursor,
        is_given_up=state in GIVEN_UP,
    )


@routes.post("/mail/retry")
def retry_mail(
    service: ServiceHere,
    visitor: Acting,
    state: Annotated[str, Form(max_length=20)] = "",
    connector: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Give everything in a state, and of a connector where one is named, all its tries again."""
    wanted = filter_of(state, connector)
    if state not in GIVEN_UP:
        detail = f"Only what is {' or '.join(GIVEN_UP)} goes again; choose one of the two under Mail."
        raise Problem(422, "Nothing to retry", detail)
    retry_all(service, wanted, by=visitor.by)
    return see_other(f"/mail?state={state}&connector={quote(connector, safe='')}")


@routes.post("/mail/{entry_id}/retry")
def retry_one(service: ServiceHere, visitor: Acting, entry_id: str) -> Response:
    """Give one message all its tries again."""
    acted(lambda: requeue(service.database, entry_id, service.now(), by=visitor.by))
    return see_other(f"/mail/{quote(entry_id, safe='')}")


@routes.post("/mail/{entry_id}/cancel")
def cancel_one(service: ServiceHere, visitor: Acting, entry_id: str) -> Response:
    """Stop one message that waits."""
    acted(lambda: cancel(service.database, entry_id, service.now(), by=visitor.by))
    return see_other(f"/mail/{quote(entry_id, safe='')}")


@routes.get("/mail/{entry_id}")
def show_mail(request: Request, service: ServiceHere, visitor: SignedIn, entry_id: str) -> Response:
    """One message: how it fared, and what was sent."""
    with reading(service.database) as connection:
        entry = browse.one(connection, entry_id)
        tries = [(each, browse.seconds_of(each)) for each in browse.tries(connection, entry_id)]
        acts = browse.acts(connection, entry_id)
    if entry is None:
        raise _no_message(entry_id)
    can = {"can_retry": entry.state in GIVEN_UP, "can_cancel": entry.state in READY}
    return render(request, "mail_entry.html", visitor, entry=entry, tries=tries, acts=acts, **can)


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
