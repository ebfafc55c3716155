"""What a call may answer besides what was asked for, as the OpenAPI document shows it."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from engine.api.schemas import ProblemDetails

Answers: TypeAlias = dict[int | str, dict[str, Any]]

_USUAL = {
    400: "The body is not usable JSON.",
    401: "The token is missing or not accepted.",
    403: "The token does not reach so far.",
    404: "There is no such thing.",
    422: "The parameters do not fit.",
}


def answers(*statuses: int, said: Mapping[int, str] | None = None) -> Answers:
    """Problem details for each status, with its usual description or the one `said` of it."""
    texts = {**{status: _USUAL[status] for status in statuses}, **(said or {})}
    return {status: {**PROBLEM, "description": text} for status, text in texts.items()}


PROBLEM: dict[str, Any] = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
