"""Suppressed addresses over the API: list, look up, add, remove."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi import Response as Answer
from pydantic import BaseModel, ConfigDict, Field

from connectors.address import BadAddressError, parse_mailbox
from engine.api.access import Bearer, Body, ServiceHere
from engine.api.answers import answers
from engine.api.consent_schemas import SuppressionItem, SuppressionList
from engine.api.lists import Cursor, Limit, listed
from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.strict_json import StrictJsonError, check_text, parse_object, text_in
from engine.permit import suppression
from engine.permit.suppression import LONGEST_WHY, Reason, Via
from engine.state.database import reading, writing

LONGEST_ADDRESS = 320
"""Characters."""

_SAID = {404: "The address is not suppressed."}

routes = APIRouter(prefix="/api/v1/suppressions", tags=["suppressions"])


class NewSuppression(BaseModel):
    """An address nothing may be sent to any more, transactional emails included."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"email": "ann@acme.example", "why": "asked by phone"}}
    )
    email: str = Field(max_length=LONGEST_ADDRESS)
    why: str = Field("", max_length=LONGEST_WHY, description="For whoever asks later.")


@routes.get("", response_model=SuppressionList, responses=answers(401, 422))
def list_all(
    service: ServiceHere,
    bearer: Bearer,
    reason: Annotated[Reason | None, Query()] = None,
    starting: Annotated[str, Query(max_length=LONGEST_ADDRESS, description="What they begin with.")] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Addresses nothing is sent to, the newest first: since when, why, and by whom."""
    return listed(
        service,
        lambda connection: suppression.page(
            connection, limit=limit, cursor=cursor, reason=reason, starting=starting.replace("\x00", "")
        ),
        suppression.plain,
    )


@routes.get("/{email:path}", response_model=SuppressionItem, responses=answers(401, 404, said=_SAID))
def show(service: ServiceHere, bearer: Bearer, email: str) -> dict[str, Any]:
    """Whether an address is suppressed, since when, why and by whom."""
    with reading(service.database) as connection:
        row = suppression.one(connection, email)
    if row is None:
        raise _not_suppressed(email)
    return suppression.plain(row)


@routes.post(
    "",
    status_code=201,
    response_model=SuppressionItem,
    responses={
        200: {
            "model": SuppressionItem,
            "description": "It was suppressed already; the first reason stays.",
        },
        **answers(400, 401, 422),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": NewSuppression.model_json_schema()}},
        }
    },
)
def add(service: ServiceHere, bearer: Bearer, body: Body, answer: Answer) -> dict[str, Any]:
    """Send nothing to an address any more."""
    given = parse_object(body, set(NewSuppression.model_fields))
    email, why = text_in(given, "email"), text_in(given, "why")
    is_new, row = suppress(service, email or "", why or "", by=bearer, via="api")
    answer.status_code = 201 if is_new else 200
    return row


@routes.delete("/{email:path}", response_model=SuppressionItem, responses=answers(401, 404, 422, said=_SAID))
def remove(
    service: ServiceHere,
    bearer: Bearer,
    email: str,
    why: Annotated[str, Query(max_length=LONGEST_WHY, description="For whoever asks later.")],
) -> dict[str, Any]:
    """Let an address get email again; what its person opted out of stays. Answers what was on the list."""
    return release(service, email, why, by=bearer, via="api")


def suppress(service: Service, email: str, why: str, *, by: str, via: Via) -> tuple[bool, dict[str, Any]]:
    """Suppress an address; whether that is new, and what the list has of it now. Raises Problem (422)."""
    why = _checked(why, is_needed=False)
    try:
        if len(email) > LONGEST_ADDRESS:
            raise BadAddressError("the address is longer than any mail server takes")
        parse_mailbox(email)
    except BadAddressError as error:
        raise Problem(422, "Address does not fit", f"email: {error}.") from error
    with writing(service.database) as connection:
        is_new = suppression.suppress(connection, email, "manual", service.now(), by, via=via, why=why)
        row = suppression.one(connection, email)
    assert row is not None
    return is_new, suppression.plain(row)


def release(service: Service, email: str, why: str, *, by: str, via: Via) -> dict[str, Any]:
    """Let an address get email again. Raises Problem (404), and (422) without a reason."""
    why = _checked(why, is_needed=True)
    with writing(service.database) as connection:
        row = suppression.release(connection, email, service.now(), by, via=via, why=why)
    if row is None:
        raise _not_suppressed(email)
    return suppression.plain(row)


def _checked(why: str, *, is_needed: bool) -> str:
    try:
        check_text(why)
    except StrictJsonError as error:
        raise Problem(422, "Reason does not fit", f"why: {error}.") from error
    if len(why) > LONGEST_WHY:
        raise Problem(422, "Reason does not fit", f"why: is longer than {LONGEST_WHY:,} characters.")
    if is_needed and not why.strip():
        raise Problem(422, "Reason missing", "Say why the address may get email again.")
    return why.strip()


def _not_suppressed(email: str) -> Problem:
    return Problem(404, "Not suppressed", f"{email[:LONGEST_ADDRESS]} is not on the list.")
