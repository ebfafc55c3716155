"""Why playbooks do or do not run, over the API."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from engine.api.access import Bearer, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import ExplanationList, ProblemDetails
from engine.api.values import ValueRefused, read_instant
from engine.explain import NothingToExplainError
from engine.explanation.document import as_plain

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {**_PROBLEM, "description": "The token is missing or not accepted."},
    404: {**_PROBLEM, "description": "There is no such playbook, account or subject, or was none then."},
    422: {**_PROBLEM, "description": "The instant does not fit, or nobody is named."},
}

routes = APIRouter(prefix="/api/v1/playbooks", tags=["playbooks"])


@routes.get("/{name}/explanations", response_model=ExplanationList, responses=_ANSWERS)
def explain(
    service: ServiceHere,
    bearer: Bearer,
    name: str,
    account: Annotated[
        str | None, Query(max_length=200, description="An account's id; each of its subjects is explained.")
    ] = None,
    subject: Annotated[str | None, Query(max_length=200, description="One subject's id.")] = None,
    at: Annotated[
        str | None,
        Query(max_length=40, description="An instant, past or present; now, if left out."),
    ] = None,
) -> dict[str, Any]:
    """What the playbook makes of an account or a subject, and why, with actual and wanted values.

    It is worked out from what was known at the instant; nothing need have been recorded.
    """
    if account is None and subject is None:
        raise Problem(422, "Parameters do not fit", "Name an account or a subject.")
    try:
        instant = service.now() if at is None else read_instant(at)
    except ValueRefused as refused:
        raise Problem(422, "Parameters do not fit", f"at: {refused}.") from refused
    try:
        found = service.explanations(name, account, subject, instant)
    except NothingToExplainError as error:
        raise Problem(404, "Nothing to explain", f"{_sentence(str(error))}.") from error
    return {"items": [as_plain(each) for each in found]}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
