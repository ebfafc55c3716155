"""Silences over the API: list, make, end."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from engine.admit.silence import Silence
from engine.admit.silences import SilenceError, add_silence, end_silence, list_silences
from engine.api.access import Bearer, Body, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import ProblemDetails, SilenceItem, SilenceList
from engine.api.service import Service
from engine.api.strict_json import parse_object, text_in
from engine.api.values import ValueRefused, read_instant
from engine.clock.zones import format_instant
from engine.rulefile.problem import nearest, quote
from engine.tick import next_decision

LONGEST_WHY = 1_000
"""Characters."""

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "The body is not usable JSON."},
    401: {**_PROBLEM, "description": "The token is missing or not accepted."},
    404: {**_PROBLEM, "description": "There is no such silence that lasts."},
    422: {**_PROBLEM, "description": "The account, playbook, time or reason does not fit."},
}

routes = APIRouter(prefix="/api/v1/silences", tags=["silences"])


class NewSilence(BaseModel):
    """An account that is to be left alone from now on."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"account_id": "acme", "until": "2026-04-01T08:00:00Z", "why": "merger"}
        }
    )
    account_id: str = Field(max_length=200)
    until: datetime = Field(description="An instant in the future.")
    why: str = Field(max_length=LONGEST_WHY, description="For whoever asks later.")
    playbook: str | None = Field(None, max_length=200, description="One playbook; all when left out.")


@routes.get("", response_model=SilenceList, responses={status: _ANSWERS[status] for status in (401, 422)})
def list_all(
    service: ServiceHere,
    bearer: Bearer,
    account_id: Annotated[str | None, Query(max_length=200)] = None,
    everything: Annotated[bool, Query(alias="all", description="Those that are over too.")] = False,
) -> dict[str, Any]:
    """Which accounts are left alone, until when, by whom and why, in the order of their beginnings."""
    lasting_at = None if everything else next_decision(service.database, service.now())
    found = list_silences(service.database, lasting_at=lasting_at, account_id=account_id)
    return {"items": [_plain(each) for each in found]}


@routes.post(
    "",
    status_code=201,
    response_model=SilenceItem,
    responses={status: _ANSWERS[status] for status in (400, 401, 422)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": NewSilence.model_json_schema()}},
        }
    },
)
def silence(service: ServiceHere, bearer: Bearer, body: Body) -> dict[str, Any]:
    """Start nothing for an account, and send nothing for its open runs, until an instant."""
    given = parse_object(body, {"account_id", "until", "why", "playbook"})
    account_id, why, playbook = (text_in(given, key) for key in ("account_id", "why", "playbook"))
    if not account_id or not (why or "").strip():
        raise Problem(422, "Request does not fit", "account_id and why are needed, and must not be empty.")
    if len(why or "") > LONGEST_WHY:
        raise Problem(422, "Request does not fit", f"why: is longer than {LONGEST_WHY:,} characters.")
    try:
        until = read_instant(given.get("until"))
    except ValueRefused as refused:
        raise Problem(422, "Time does not fit", f"until: {refused}.") from refused
    made = make_silence(service, account_id, until, why or "", playbook or None, by=bearer)
    return _plain(made)


def make_silence(
    service: Service, account_id: str, until: datetime, why: str, playbook: str | None, *, by: str
) -> Silence:
    """Silence an account from now on, and have it looked at. Raises Problem (422)."""
    known = [each.name for each in service.playbooks()]
    if playbook is not None and playbook not in known:
        near = nearest(playbook, known)
        hint = f" (did you mean {quote(near)}?)" if near else ""
        raise Problem(422, "Request does not fit", f"There is no playbook {quote(playbook)}{hint}.")
    at = next_decision(service.database, service.now())
    try:
        made = add_silence(
            service.database, account_id, playbook=playbook, at=at, until=until, by=by, why=why.strip()
        )
    except SilenceError as error:
        raise Problem(422, "Request does not fit", f"{error}.") from error
    service.wake()
    return made


@routes.delete(
    "/{silence_id}",
    response_model=SilenceItem,
    responses={status: _ANSWERS[status] for status in (401, 404)},
)
def end(service: ServiceHere, bearer: Bearer, silence_id: str) -> dict[str, Any]:
    """End a silence before its time; what is owed starts at once."""
    return _plain(stop_silence(service, silence_id, by=bearer))


def stop_silence(service: Service, silence_id: str, *, by: str) -> Silence:
    """End a silence now. Raises Problem (404)."""
    at = next_decision(service.database, service.now())
    try:
        ended = end_silence(service.database, silence_id, by=by, at=at)
    except SilenceError as error:
        raise Problem(404, "No such silence", f"{error}.") from error
    service.wake()
    return ended


def _plain(each: Silence) -> dict[str, Any]:
    return {
        name: format_instant(value) if isinstance(value, datetime) else value
        for name, value in asdict(each).items()
    }
