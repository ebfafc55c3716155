"""Addresses nothing is sent to: the list, and putting one on it or taking it off."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.suppressions import LONGEST_ADDRESS, release, suppress
from engine.console.pages import render, see_other
from engine.console.session import Acting, SignedIn
from engine.permit import suppression
from engine.permit.suppression import LONGEST_WHY, REASONS
from engine.state.cursor import BadCursorError
from engine.state.database import reading

PAGE = 50

routes = APIRouter(include_in_schema=False)

Address = Annotated[str, Form(max_length=LONGEST_ADDRESS)]
Why = Annotated[str, Form(max_length=LONGEST_WHY)]


@routes.get("/mail/suppressions")
def list_suppressions(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    reason: Annotated[str, Query(max_length=20)] = "",
    starting: Annotated[str, Query(max_length=LONGEST_ADDRESS)] = "",
    after: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """The newest first, of a reason, or those that begin so."""
    if reason and reason not in REASONS:
        raise Problem(422, "Address does not fit", f"No address is suppressed for {reason!r}; start at Mail.")
    wanted = next((each for each in REASONS if each == reason), None)
    try:
        with reading(service.database) as connection:
            found = suppression.page(
                connection, limit=PAGE, cursor=after or None, reason=wanted, starting=starting
            )
    except BadCursorError as error:
        raise Problem(422, "Address does not fit", f"{error}.") from error
    return render(
        request,
        "suppressions.html",
        visitor,
        addresses=found.items,
        older=found.cursor,
        reason=reason,
        reasons=REASONS,
        starting=starting,
        longest=LONGEST_WHY,
    )


@routes.post("/mail/suppressions")
def add(service: ServiceHere, visitor: Acting, email: Address = "", why: Why = "") -> Response:
    """Send nothing to an address any more."""
    _, row = suppress(service, email, why, by=visitor.by, via="console")
    return _shown(row["email"])


@routes.post("/mail/suppressions/remove")
def remove(service: ServiceHere, visitor: Acting, email: Address = "", why: Why = "") -> Response:
    """Let an address get email again, for a reason."""
    release(service, email, why, by=visitor.by, via="console")
    return _shown(email)


def _shown(email: str) -> Response:
    """The list narrowed to one address, so that what became of it is seen."""
    return see_other(f"/mail/suppressions?starting={quote(email, safe='')}")
