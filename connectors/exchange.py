"""One HTTP exchange with a webhook: how far it got, and what its end means."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from connectors.outcome import Delivered, Failed, Outcome, Retry

LONGEST_ANSWER = 4096
"""Bytes read of an answer; the rest is left."""

_TRY_LATER = frozenset({408, 425, 429})
_LONGEST_WAIT = timedelta(days=1)


@dataclass
class Progress:
    """How far a request has got."""

    is_sent: bool = field(default=False)

    async def follow(self, event: str, _details: dict[str, Any]) -> None:
        """Note an event that the client traces."""
        # Counted from the start of the body: a cut in the middle may still have let the last byte through.
        if event.endswith("send_request_body.started"):
            self.is_sent = True


async def beginning(answer: httpx.Response) -> str:
    """The first words of an answer, on one line."""
    found = b""
    async for chunk in answer.aiter_raw():
        found += chunk
        if len(found) >= LONGEST_ANSWER:
            break
    words = found[:LONGEST_ANSWER].decode("utf-8", "replace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", words).strip()


def outcome_of(answer: httpx.Response, words: str, now: datetime) -> Outcome:
    """What the status of an answer means; `words` are its own."""
    code = answer.status_code
    said = f"{code} {words}".strip()
    if 200 <= code < 300:
        return Delivered(said)
    if code in _TRY_LATER or code >= 500:
        return Retry(f"the webhook answered {said}", _wait(answer.headers.get("retry-after"), now))
    return Failed(f"the webhook answered {said}")


def _wait(text: str | None, now: datetime) -> timedelta | None:
    """Retry-After in either of its forms, between nothing and a day."""
    if text is None:
        return None
    try:
        wait = timedelta(seconds=int(text)) if text.strip().isdigit() else _until(text, now)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), _LONGEST_WAIT)


def _until(text: str, now: datetime) -> timedelta:
    moment = parsedate_to_datetime(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def lost(error: Exception) -> str:
    """How an exchange broke off, in words."""
    match error:
        case httpx.ConnectError():
            return "cannot be reached"
        case TimeoutError() | httpx.TimeoutException():
            return "did not answer in time"
    return "hung up"
