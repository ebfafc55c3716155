"""What a mail provider posts about emails: bounces, complaints, replies and deliveries, signed."""

import hmac
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from connectors.webhook import signature, signing_key
from engine.api.access import Body, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import ProblemDetails
from engine.api.strict_json import parse_object
from engine.returns.notice import Notice, NoticeKind, with_reason
from engine.returns.reading import soft_limit
from engine.returns.take import take_all

MOST_EVENTS = 1000
"""Events in one post."""
LONGEST_TEXT = 1000
"""Characters of one field."""
TOLERANCE = timedelta(minutes=5)
"""How far the time of a signature may lie from ours."""

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "The body is not usable JSON; nothing was taken."},
    401: {**_PROBLEM, "description": "The signature is missing, too old or wrong."},
    404: {**_PROBLEM, "description": "`email.events_secret` is not set."},
    422: {**_PROBLEM, "description": "An event does not fit; nothing was taken."},
}
_FIELDS = ("type", "message_id", "recipient", "reason", "status", "id")

routes = APIRouter(prefix="/api/v1/mail-events", tags=["mail events"])


class MailEvent(BaseModel):
    """One thing that happened to an email."""

    type: Literal["bounce", "complaint", "reply", "delivered"]
    message_id: str = Field(description="The email's Message-ID.")
    recipient: str = Field(description="Whom it was for; of a reply, who wrote it.")
    reason: str | None = Field(None, description="What the other side said.")
    status: str | None = Field(None, description="Of a bounce, its code: 4.x.x may pass, others do not.")
    id: str | None = Field(None, description="Of a reply, its own Message-ID: each counts once.")


class MailEvents(BaseModel):
    """What happened to some emails."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "events": [
                    {
                        "type": "bounce",
                        "message_id": "<0123456789abcdef@acme.example>",
                        "recipient": "ada@customer.example",
                        "status": "5.1.1",
                        "reason": "no such user",
                    }
                ]
            }
        }
    )
    events: list[MailEvent]


class MailEventsTaken(BaseModel):
    """What became of a post."""

    taken: dict[str, int] = Field(description="By kind; `known` were there before, `ignored` fit no email.")


@routes.post(
    "",
    response_model=MailEventsTaken,
    responses=_ANSWERS,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": MailEvents.model_json_schema()}},
        }
    },
)
def post_mail_events(service: ServiceHere, request: Request, body: Body) -> dict[str, Any]:
    """Take what happened to emails. Signed as Standard Webhooks asks, in place of a token.

    The same event again changes nothing. What names no email that was sent from here is counted and ignored.
    """
    secret = service.settings.email.events_secret
    if secret is None:
        raise Problem(404, "Not set up", "Set email.events_secret to the secret the provider signs with.")
    now = service.now()
    _check_signature(request.headers, body, signing_key(secret.get_secret_value()), now)
    notices = [_notice(each, index) for index, each in enumerate(_items(body))]
    counts: Counter[str] = take_all(service.database, notices, soft_limit(service.settings.email), now, now)
    if counts:
        service.wake()
    return {"taken": dict(sorted(counts.items()))}


def _check_signature(headers: Mapping[str, str], body: bytes, key: bytes, now: datetime) -> None:
    """Raises Problem (401)."""
    message_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")[:LONGEST_TEXT].split()
    is_recent = (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) and abs(
        int(stamp) - now.timestamp()
    ) <= TOLERANCE.total_seconds()
    expected = signature(key, message_id, stamp, body).encode()
    is_ours = any(hmac.compare_digest(each.encode(), expected) for each in given)
    if not (message_id and is_recent and is_ours):
        detail = (
            "Sign id, time and body with the secret of email.events_secret, as Standard Webhooks asks: "
            "headers webhook-id, webhook-timestamp (within five minutes of now) and webhook-signature."
        )
        raise Problem(401, "Signature not accepted", detail)


def _items(body: bytes) -> list[Any]:
    given = parse_object(body, {"events"}).get("events")
    if not isinstance(given, list) or len(given) > MOST_EVENTS:
        raise Problem(422, "Request does not fit", f"events must be a list of at most {MOST_EVENTS:,}.")
    return given


def _notice(item: Any, index: int) -> Notice:
    """Raises Problem (422), which says where."""
    where = f"/events/{index}"
    if not isinstance(item, dict) or set(item) - set(_FIELDS):
        raise _misfit(where, f"must be an object that has only {', '.join(_FIELDS)}")
    texts = {name: _text(item, name, where) for name in _FIELDS}
    kind = _kind(texts["type"], texts["status"])
    if kind is None:
        raise _misfit(f"{where}/type", "must be bounce, complaint, reply or delivered")
    for name in ("message_id", "recipient"):
        if "@" not in texts[name]:
            raise _misfit(f"{where}/{name}", "is needed, and has an @")
    message_id = texts["message_id"].strip().strip("<>")
    address = texts["recipient"].strip().lower()
    reason = texts["reason"] or texts["status"] or "reported by the provider"
    return with_reason(Notice(kind, (message_id,), (address,), own_id=texts["id"]), reason)


def _kind(name: str, status: str) -> NoticeKind | None:
    if name == "bounce":
        return "soft_bounced" if status.startswith("4") else "bounced"
    kinds: dict[str, NoticeKind] = {
        "complaint": "complained",
        "reply": "replied",
        "delivered": "delivered",
    }
    return kinds.get(name)


def _text(item: dict[str, Any], name: str, where: str) -> str:
    value = item.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > LONGEST_TEXT):
        raise _misfit(f"{where}/{name}", f"must be text of at most {LONGEST_TEXT:,} characters")
    return value or ""


def _misfit(pointer: str, detail: str) -> Problem:
    errors = [{"pointer": pointer, "detail": detail}]
    return Problem(422, "Request does not fit", "Nothing was taken; see errors.", errors=errors)
