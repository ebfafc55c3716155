"""What the guard stopped, and letting it go."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.console.pages import render, see_other
from engine.console.session import Acting, SignedIn
from engine.people import holds
from engine.state.database import reading

MOST_LISTED = 100

routes = APIRouter(include_in_schema=False)


@routes.get("/holds")
def list_holds(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Batches of starts that wait for somebody to say yes, and those released."""
    with reading(service.database) as connection:
        waiting = holds.page(connection, "held", limit=MOST_LISTED).items
        released = holds.page(connection, "released", limit=MOST_LISTED).items
    return render(request, "holds.html", visitor, waiting=waiting, released=released)


@routes.post("/holds/release")
def release_hold(
    service: ServiceHere, visitor: Acting, hold_id: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Let one batch start."""
    service.release([hold_id], visitor.by)
    service.wake()
    return see_other("/holds")
