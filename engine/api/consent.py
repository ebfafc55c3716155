"""What is on record about a person's leave to be written to, over the API."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from engine.api.access import Bearer, ServiceHere
from engine.api.answers import answers
from engine.api.consent_schemas import ConsentRecord
from engine.api.problems import Problem
from engine.permit.consent_record import plain, record_of
from engine.state.database import reading

_SAID = {404: "Nothing is on record about the address."}

routes = APIRouter(prefix="/api/v1/consent", tags=["consent"])


@routes.get(
    "/{email:path}",
    response_model=ConsentRecord,
    responses=answers(401, 404, said=_SAID),
)
def show(
    service: ServiceHere, bearer: Bearer, email: Annotated[str, Path(description="An email address.")]
) -> dict[str, Any]:
    """What a person may be written about, and every change of it: what, when, by which way, and who."""
    with reading(service.database) as connection:
        found = record_of(connection, email)
    if not found.is_known:
        raise Problem(404, "Nothing on record", f"Nothing is on record about {email[:320]}.")
    return plain(found)
