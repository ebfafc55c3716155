"""Errors as RFC 9457 problem details."""

import logging
from typing import Any

from fastapi import Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

_LOG = logging.getLogger(__name__)


class Problem(Exception):
    """A refusal with its HTTP status, one line that names it, and what to do."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.body: dict[str, Any] = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": detail,
        }
        if errors:
            self.body["errors"] = errors
        self.body.update(members)

    def response(self) -> JSONResponse:
        """The answer as application/problem+json."""
        return JSONResponse(
            self.body, self.status, headers=self.headers, media_type="application/problem+json"
        )


def from_http(error: HTTPException) -> Problem:
    """A framework's own refusal: unknown path, wrong method, too large a body."""
    titles = {404: "Not found", 405: "Method not allowed", 413: "Body too large"}
    mends = {404: "There is nothing at this address; /openapi.json lists what there is."}
    title = titles.get(error.status_code, "Refused")
    detail = mends.get(error.status_code) or str(error.detail)
    return Problem(error.status_code, title, detail, headers=dict(error.headers or {}))


def from_validation(error: RequestValidationError) -> Problem:
    """Parameters that do not fit, each with its place."""
    errors = [
        {"pointer": "/".join(["", *map(str, each["loc"])]), "detail": str(each["msg"])}
        for each in error.errors()
    ]
    return Problem(
        422,
        "Parameters do not fit",
        "Correct the parameters named in errors.",
        errors=jsonable_encoder(errors),
    )


def unexpected(request: Request, error: Exception) -> Problem:
    """A fault of ours: logged in full, told without detail."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return Problem(500, "Internal error", "The service failed on this request; its log has the cause.")
