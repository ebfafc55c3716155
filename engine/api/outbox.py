"""The outbox over the API: list, look at one, retry, cancel."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal, cast, get_args

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from engine.api.access import Bearer, Body, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import OutboxEntry, OutboxList, OutboxRetried, OutboxWhole, ProblemDetails
from engine.api.service import Service
from engine.api.strict_json import parse_object, text_in
from engine.api.values import ValueRefused, read_instant
from engine.outbox import browse
from engine.outbox.browse import EntryFilter, EntryState
from engine.outbox.by_hand import (
    AT_ONCE,
    GIVEN_UP,
    CannotCancelError,
    CannotRequeueError,
    cancel,
    requeue,
    requeue_some,
)
from engine.state.cursor import BadCursorError
from engine.state.database import reading

MOST_RETRIED = 20 * AT_ONCE
"""Entries that one request retries."""

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "The body is not usable JSON."},
    401: {**_PROBLEM, "description": "The token is missing or not accepted."},
    404: {**_PROBLEM, "description": "There is no such entry."},
    409: {**_PROBLEM, "description": "The entry is in a state in which this cannot be done."},
    422: {**_PROBLEM, "description": "The parameters do not fit."},
}

routes = APIRouter(prefix="/api/v1/outbox", tags=["outbox"])


class Retried(BaseModel):
    """Which entries go again."""

    model_config = ConfigDict(json_schema_extra={"example": {"state": "discarded", "connector": "email"}})
    state: Literal["discarded", "unknown"] = Field(description="Unknown ones may thereby arrive twice.")
    connector: str | None = None
    account_id: str | None = None
    playbook: str | None = None
    since: datetime | None = Field(None, description="Those that ended at or after this instant.")


@routes.get("", response_model=OutboxList, responses={status: _ANSWERS[status] for status in (401, 422)})
def list_entries(
    service: ServiceHere,
    bearer: Bearer,
    state: Annotated[EntryState | None, Query()] = None,
    connector: Annotated[str | None, Query(max_length=200)] = None,
    account_id: Annotated[str | None, Query(max_length=200)] = None,
    playbook: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[str | None, Query(max_length=40, description="Those that ended, or were made.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> dict[str, Any]:
    """Entries, newest first, without what was rendered."""
    wanted = EntryFilter(state, connector, account_id, playbook, _instant(since))
    try:
        with reading(service.database) as connection:
            found = browse.page(connection, wanted, limit=limit, cursor=cursor)
    except BadCursorError as error:
        raise Problem(422, "Parameters do not fit", f"{error}.") from error
    return {"items": [browse.entry_json(each) for each in found.entries], "next_cursor": found.cursor}


@routes.post(
    "/retry",
    response_model=OutboxRetried,
    responses={status: _ANSWERS[status] for status in (400, 401, 422)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": Retried.model_json_schema()}},
        }
    },
)
def retry_entries(service: ServiceHere, bearer: Bearer, body: Body) -> dict[str, Any]:
    """Give everything that fits all its tries again, up to 10,000 entries; `more` says to ask again."""
    given = parse_object(body, set(Retried.model_fields))
    state, connector, account_id, playbook = (
        text_in(given, key) for key in ("state", "connector", "account_id", "playbook")
    )
    if state not in GIVEN_UP:
        raise Problem(422, "Request does not fit", f"state must be {' or '.join(GIVEN_UP)}.")
    wanted = EntryFilter(state, connector, account_id, playbook, _instant(text_in(given, "since")))  # type: ignore[arg-type]
    retried, is_more = retry_all(service, wanted, by=bearer)
    return {"retried": retried, "more": is_more}


@routes.get("/{entry_id}", response_model=OutboxWhole, responses={n: _ANSWERS[n] for n in (401, 404)})
def show_entry(service: ServiceHere, bearer: Bearer, entry_id: str) -> dict[str, Any]:
    """One entry with what was rendered, each try, and what people did with it."""
    return _shown(service, entry_id)


@routes.post(
    "/{entry_id}/retry", response_model=OutboxEntry, responses={n: _ANSWERS[n] for n in (401, 404, 409)}
)
def retry_entry(service: ServiceHere, bearer: Bearer, entry_id: str) -> dict[str, Any]:
    """Give an entry that is discarded or unknown all its tries again."""
    acted(lambda: requeue(service.database, entry_id, service.now(), by=bearer))
    return _shown(service, entry_id)


@routes.post(
    "/{entry_id}/cancel", response_model=OutboxEntry, responses={n: _ANSWERS[n] for n in (401, 404, 409)}
)
def cancel_entry(service: ServiceHere, bearer: Bearer, entry_id: str) -> dict[str, Any]:
    """Stop an entry that waits to be sent."""
    acted(lambda: cancel(service.database, entry_id, service.now(), by=bearer))
    return _shown(service, entry_id)


def retry_all(service: Service, wanted: EntryFilter, *, by: str) -> tuple[int, bool]:
    """Requeue what fits, in transactions of bounded size; how many it were, and whether there may be more."""
    now, total = service.now(), 0
    while total < MOST_RETRIED:
        found = requeue_some(service.database, wanted, now, by=by)
        total += found
        if found < AT_ONCE:
            return total, False
    return total, True


def acted(action: Callable[[], None]) -> None:
    """Do it, turning refusals into problems."""
    try:
        action()
    except LookupError as error:
        raise Problem(404, "No such entry", f"{error.args[0]}; see Mail.") from error
    except (CannotRequeueError, CannotCancelError) as error:
        raise Problem(409, "Entry unchanged", f"{error}.") from error


def filter_of(state: str, connector: str) -> EntryFilter:
    """A filter from what an address says; what it leaves empty does not narrow. Raises Problem (422)."""
    if state and state not in get_args(EntryState):
        raise Problem(422, "Address does not fit", f"No entry is in the state {state[:20]!r}; start at Mail.")
    return EntryFilter(cast("EntryState", state) if state else None, connector or None)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return read_instant(text)
    except ValueRefused as refused:
        raise Problem(422, "Time does not fit", f"since: {refused}.") from refused


def _shown(service: Service, entry_id: str) -> dict[str, Any]:
    with reading(service.database) as connection:
        entry = browse.one(connection, entry_id)
        tries, acts = browse.tries(connection, entry_id), browse.acts(connection, entry_id)
    if entry is None:
        raise Problem(404, "No such entry", f'there is no outbox entry "{entry_id}".')
    return browse.whole_json(entry, tries, acts)
