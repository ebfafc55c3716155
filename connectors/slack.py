"""Posts one text to a Slack incoming webhook, or to anything that takes its JSON."""

import asyncio
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from connectors.exchange import Progress, beginning, lost, outcome_of
from connectors.outcome import Failed, Outcome, Retry, Unknown

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


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
        progress = Progress()
        try:
            async with asyncio.timeout(self._timeout), self._client() as client:
                request = client.build_request("POST", self._url, json=body, headers={"Idempotency-Key": key})
                request.extensions["trace"] = progress.follow
                answer = await client.send(request, stream=True)
                try:
                    return outcome_of(answer, self._unmarked(await beginning(answer)), now)
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx.HTTPError) as error:
            reason = f"the webhook {lost(error)}"
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
