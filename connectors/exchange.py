"""One bounded HTTP exchange, the same for every connector: in time, in size, and in where it may lead."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

import httpx

from connectors.answer import Answer, outcome_of
from connectors.outcome import Failed, Outcome, Retry, Unknown
from connectors.route import Resolve, addresses_of, has_proxy, is_public, resolved, secrets_of, web_address
from connectors.tls import tls_trouble

LONGEST_ANSWER = 4096
"""Bytes read of an answer; the rest is left."""

Judge: TypeAlias = Callable[[str, Answer, datetime], Outcome]
"""Says what an answer means, its body whole or not. Given who answered."""

_Task: TypeAlias = "asyncio.Task[Any]"


@dataclass
class Progress:
    """How far a request has got."""

    is_sent: bool = field(default=False)
    answer: Answer | None = None
    """As far as it has come: a whole status and all headers at least."""

    async def follow(self, event: str, _details: dict[str, Any]) -> None:
        """Note an event that the client traces."""
        # Counted from the start of the body: a cut in the middle may still have let the last byte through.
        if event.endswith("send_request_body.started"):
            self.is_sent = True


@dataclass(frozen=True)
class Exchange:
    """Posts JSON to one address. Neither the address nor any other secret stands in a reason.

    It follows no redirect, and ends after `timeout` seconds. The host is looked up, every address it has
    must be public unless `allow_private`, and the post goes to the very address that was checked. Where
    `through_proxy` and the environment has a proxy for it, the proxy decides where it goes.
    """

    url: httpx.URL
    timeout: float
    who: str = "the webhook"
    allow_private: bool = False
    through_proxy: bool = False
    secrets: Sequence[str] = ()
    """Beside the address."""
    longest: int = LONGEST_ANSWER
    judge: Judge = outcome_of
    resolve: Resolve = resolved
    tls: ssl.SSLContext | None = None
    """In place of the system's trust."""
    _under_way: set[_Task] = field(default_factory=set, init=False, compare=False)

    def post(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Outcome:
        """Post `body` once. Never raises for what the other side does."""
        return asyncio.run(self._guarded(body, headers, now))

    def close(self) -> None:
        """End what other threads have under way, as if the other side had hung up."""
        for task in list(self._under_way):
            with suppress(RuntimeError):  # it has ended meanwhile
                task.get_loop().call_soon_threadsafe(task.cancel)

    async def _guarded(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Outcome:
        progress, task = Progress(), asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            return await self._followed(body, headers, now, progress)
        finally:
            self._under_way.discard(task)

    async def _followed(
        self, body: bytes, headers: Mapping[str, str], now: datetime, progress: Progress
    ) -> Outcome:
        try:
            async with asyncio.timeout(self.timeout):
                return await self._sent(body, headers, now, progress)
        except OSError as error:
            reason = "did not answer in time" if isinstance(error, TimeoutError) else "has no address"
            return self._broken(reason, progress, now)
        except asyncio.CancelledError:
            return self._broken("was cut off by our stop", progress, now)
        except httpx.HTTPError as error:
            return self._broken(_lost(error), progress, now)
        except (httpx.InvalidURL, UnicodeError):
            return Failed(f"the url of {self.who} or the message cannot be sent")

    def _broken(self, how: str, progress: Progress, now: datetime) -> Outcome:
        """What an exchange came to that did not come to its end: a status is an answer without its body."""
        if progress.answer is not None:
            return self.judge(self.who, progress.answer, now)
        reason = f"{self.who} {how}"
        return Unknown(reason) if progress.is_sent else Retry(reason, is_outage=True)

    async def _sent(
        self, body: bytes, headers: Mapping[str, str], now: datetime, progress: Progress
    ) -> Outcome:
        target, uses_proxy = self.url, self.through_proxy and has_proxy(self.url)
        if not uses_proxy:
            addresses = await addresses_of(self.url, self.resolve)
            if not self.allow_private and not all(map(is_public, addresses)):
                mend = "allow_private: true of its connector lets it be"
                return Failed(f"the address of {self.who} is not public; {mend}")
            target = self.url.copy_with(host=str(addresses[0]))
        trust = self.tls or _system_trust()
        # A connection that comes about too slowly is given up by httpx, which leaves nothing open then.
        timeout = httpx.Timeout(self.timeout, connect=self.timeout * 0.8)
        client = httpx.AsyncClient(
            timeout=timeout, follow_redirects=False, trust_env=uses_proxy, verify=trust
        )
        async with client:
            request = client.build_request(
                "POST",
                target,
                content=body,
                headers={
                    "Host": self.url.netloc.decode("ascii"),
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    **headers,
                },
                extensions={"sni_hostname": self.url.host, "trace": progress.follow},
            )
            answer = await client.send(request, stream=True)
            try:
                await self._read(answer, progress)
            finally:
                await answer.aclose()
        assert progress.answer is not None
        return self.judge(self.who, progress.answer, now)

    async def _read(self, answer: httpx.Response, progress: Progress) -> None:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        secrets = (*secrets_of(self.url), *self.secrets)
        found = b""
        progress.answer = Answer(answer.status_code, headers, found, secrets)
        async for chunk in answer.aiter_raw():
            found += chunk
            progress.answer = replace(progress.answer, body=found[: self.longest])
            if len(found) >= self.longest:
                break


def exchange_to(url: str, timeout: float, who: str = "the webhook", **options: Any) -> Exchange:
    """An exchange with a web address. Raises ValueError for what is none."""
    try:
        return Exchange(web_address(url), timeout, who, **options)
    except ValueError as error:
        raise ValueError(f"the url of {who} {error}") from error


@lru_cache(maxsize=1)
def _system_trust() -> ssl.SSLContext:
    """Read once: reading the certificates takes longer than a post."""
    return httpx.create_ssl_context()


def _lost(error: httpx.HTTPError) -> str:
    """How an exchange broke off, in words."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    match error:
        case httpx.ConnectError() if isinstance(cause, ssl.SSLError):
            return tls_trouble(cause)
        case httpx.ConnectError():
            return "cannot be reached"
        case httpx.TimeoutException():
            return "did not answer in time"
        case httpx.ProxyError():
            return "cannot be reached through the proxy"
        case httpx.RemoteProtocolError() if "disconnected" in str(error):
            return "hung up"
        case httpx.ProtocolError():
            return "answered with what is no HTTP"
    return "hung up"
