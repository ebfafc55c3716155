"""Posts one text to a Slack incoming webhook, or to anything that takes its JSON."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown

LONGEST_ANSWER = 4096
"""Bytes read of an answer; the rest is left."""

_TRY_LATER = frozenset({408, 425, 429})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LONGEST_WAIT = timedelta(days=1)


class SlackConnector:
    """One incoming webhook. Its address is a secret and stands in no reason."""

    def __init__(
        self, url: str, timeout: float = 10.0, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """`timeout` is in seconds for the whole exchange. Raises ValueError for what is no web address."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the webhook's url must begin with https:// or http://")
        self._url = url
        self._timeout = timeout
        self._transport = transport
        self._uses_proxy = parts.hostname not in _LOOPBACK

    def send(self, text: str, channel: str, key: str, now: datetime) -> Outcome:
        """Post `text`; `key` goes along as Idempotency-Key. Never raises for what the other side does."""
        return asyncio.run(self._post({"text": text, "channel": channel}, key, now))

    async def _post(self, body: dict[str, str], key: str, now: datetime) -> Outcome:
        progress = _Progress()
        try:
            async with asyncio.timeout(self._timeout), self._client() as client:
                request = client.build_request("POST", self._url, json=body, headers={"Idempotency-Key": key})
                request.extensions["trace"] = progress.follow
                answer = await client.send(request, stream=True)
                try:
                    return _outcome(answer, self._unmarked(await _beginning(answer)), now)
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx.HTTPError) as error:
            reason = f"the webhook {_lost(error)}"
            return Unknown(reason) if progress.is_sent else Retry(reason, is_outage=True)
        except (httpx.InvalidURL, UnicodeError):
            return Failed("the webhook's url or the message cannot be sent")

    def _unmarked(self, words: str) -> str:
        """An answer without the parts of our address that are secret, should it repeat them."""
        parts = urlsplit(self._url)
        for secret in (self._url, parts.path.strip("/"), parts.query):
            words = words.replace(secret, "***") if len(secret) > 3 else words
        return words[:120]

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._timeout,
            follow_redirects=False,
            trust_env=self._uses_proxy,
            transport=self._transport,
        )


@dataclass
class _Progress:
    """How far a request has got."""

    is_sent: bool = field(default=False)

    async def follow(self, event: str, _details: dict[str, Any]) -> None:
        # Counted from the start of the body: a cut in the middle may still have let the last byte through.
        if event.endswith("send_request_body.started"):
            self.is_sent = True


async def _beginning(answer: httpx.Response) -> str:
    found = b""
    async for chunk in answer.aiter_raw():
        found += chunk
        if len(found) >= LONGEST_ANSWER:
            break
    words = found[:LONGEST_ANSWER].decode("utf-8", "replace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", words).strip()


def _outcome(answer: httpx.Response, words: str, now: datetime) -> Outcome:
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


def _lost(error: Exception) -> str:
    match error:
        case httpx.ConnectError():
            return "cannot be reached"
        case TimeoutError() | httpx.TimeoutException():
            return "did not answer in time"
    return "hung up"
