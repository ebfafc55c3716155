"""What the guard stopped, and letting it go."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.console import playbook_queries
from engine.console.pages import render, see_other
from engine.console.session import Acting, SignedIn
from engine.state.database import reading

routes = APIRouter(include_in_schema=False)


@routes.get("/holds")
def list_holds(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Batches of starts that wait for somebody to say yes, and those released."""
    with reading(service.database) as connection:
        found = playbook_queries.holds(connection)
    waiting = [each for each in found if each.state == "held"]
    released = [each for each in found if each.state != "held"]
    return render(request, "holds.html", visitor, waiting=waiting, released=released)


@routes.post("/holds/release")
def release_hold(
    service: ServiceHere, visitor: Acting, hold_id: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Let one batch start."""
    service.release([hold_id], visitor.name)
    service.wake()
    return see_other("/holds")
