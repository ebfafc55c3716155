"""Sources over the API: how far they have been seen, and saying so."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from engine.api.access import Bearer, Body, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import ProblemDetails
from engine.api.strict_json import parse_body
from engine.api.values import ValueRefused, read_time, read_value, unknown_name
from engine.conditions.catalogue import Kind, Value
from engine.people.sources import listed_source, listed_sources
from engine.state.accept import Refused
from engine.state.sources import note_sync

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "The body is not usable JSON."},
    401: {**_PROBLEM, "description": "The token is missing or not accepted."},
    422: {**_PROBLEM, "description": "The name or a value does not fit; nothing was taken."},
}
_KEYS = ("watermark", "rows", "rejected")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"example": {"watermark": "2026-01-31T02:00:00Z", "rows": 900}}},
    }
}

routes = APIRouter(prefix="/api/v1/sources", tags=["sources"])


class SourceItem(BaseModel):
    """A source of data."""

    name: str
    declared_at: str | None = Field(description="Since when the settings name it.")
    last_sync_at: str | None
    watermark: str | None = Field(description="Up to when it has said everything.")
    rows: int | None = Field(description="Of its last sync; of which so many were `rejected`.")
    rejected: int | None
    feeds: list[str] = Field(description="Events and fields that rest on it, by the settings.")
    lag: str
    fresh_for: str | None = Field(description="How long the values of fields it feeds stay good.")
    is_stale: bool = Field(description="Whether these values are no longer good.")
    stale_since: str | None
    is_live: bool


class SourceList(BaseModel):
    """Every source, by name."""

    items: list[SourceItem]


@routes.get("", response_model=SourceList, responses={401: _ANSWERS[401]})
def list_sources(service: ServiceHere, bearer: Bearer) -> dict[str, Any]:
    """The sources that have come, and those that the settings declare."""
    found = listed_sources(service.database, service.settings, service.now())
    return {"items": [each.as_json() for each in found]}


@routes.post("/{name}", response_model=SourceItem, responses=_ANSWERS, openapi_extra=_BODY)
def post_source(
    service: ServiceHere,
    bearer: Bearer,
    body: Body,
    name: Annotated[str, Path(max_length=193)],
) -> dict[str, Any]:
    """Say that a source has told everything up to `watermark`, which is now where it is left out.

    It never goes back. Post it after the events and accounts that it speaks for.
    """
    given, now = parse_body(body), service.now()
    if not isinstance(given, dict):
        raise Problem(
            400, "Body does not fit", 'Send an object such as {"watermark": "2026-01-31T02:00:00Z"}.'
        )
    fields = service.catalogue.of_kind(Kind.SOURCE)
    said: dict[str, Value | None] = {"watermark": now}
    try:
        for key, value in given.items():
            if key not in _KEYS:
                raise unknown_name(key, _KEYS, "key")
            is_time = key == "watermark"
            said[key] = min(read_time(value, now), now) if is_time else read_value(fields[key], value)
        note_sync(service.database, service.catalogue, name, said, now)
    except ValueRefused as refused:
        raise Problem(422, "Value does not fit", f"{refused.detail}; {refused.mend}.") from refused
    except Refused as refused:
        raise Problem(422, "Value does not fit", f"{refused}.") from refused
    service.wake()
    return listed_source(service.database, service.settings, name, now).as_json()
