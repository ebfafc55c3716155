"""Leaving an account alone for a while, and ending that, from its page."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.silences import stop_silence
from engine.console.pages import see_other
from engine.console.session import Acting

routes = APIRouter(include_in_schema=False)


@routes.post("/silences/end")
def end_silence(
    service: ServiceHere, visitor: Acting, silence_id: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """End a silence now, in the visitor's name."""
    ended = stop_silence(service, silence_id, by=visitor.by)
    return see_other(f"/accounts/{quote(ended.account_id, safe='')}")
