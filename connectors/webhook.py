"""Posts one JSON document to one address, signed as Standard Webhooks asks, and only to where it may go."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

import httpx

from connectors.exchange import Progress, beginning, lost, outcome_of
from connectors.outcome import Failed, Outcome, Retry, Unknown

SECRET = "whsec_"
"""Begins a signing secret; base64 follows."""
SHORTEST_SECRET, LONGEST_SECRET = 24, 64
"""Bytes."""

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Finds the addresses of a host. Raises OSError."""

_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones."""


class WebhookConnector:
    """One address that takes JSON. The address and the secret stand in no reason."""

    def __init__(
        self,
        url: str,
        secret: str | None = None,
        timeout: float = 10.0,
        *,
        allow_private: bool = False,
        resolve: Resolve | None = None,
    ) -> None:
        """`timeout` is in seconds for the whole exchange. Raises ValueError for what is no address or secret.

        Without `allow_private` nothing is sent to an address that is not public: this machine, its network.
        """
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ValueError("the webhook's url is no web address") from error
        if self._url.scheme not in ("http", "https") or not self._url.host:
            raise ValueError("the webhook's url must begin with https:// or http://")
        self._key = _signing_key(secret) if secret is not None else None
        self._timeout = timeout
        self._allows_private = allow_private
        self._resolve = resolve or _resolved

    def send(self, body: str, key: str, now: datetime) -> Outcome:
        """Post `body` under `key`, its Idempotency-Key. Never raises for what the other side does."""
        return asyncio.run(self._send(body.encode(), key, now))

    async def _send(self, body: bytes, key: str, now: datetime) -> Outcome:
        progress = Progress()
        try:
            async with asyncio.timeout(self._timeout):
                addresses = await self._addresses()
                if not self._allows_private and not all(map(is_public, addresses)):
                    return Failed(
                        "the webhook's address is not public; allow_private: true of its connector lets it be"
                    )
                return await self._post(addresses[0], body, key, now, progress)
        except OSError as error:
            reason = "did not answer in time" if isinstance(error, TimeoutError) else "has no address"
            return self._broken(f"the webhook {reason}", progress)
        except httpx.HTTPError as error:
            return self._broken(f"the webhook {lost(error)}", progress)
        except (httpx.InvalidURL, UnicodeError):
            return Failed("the webhook's url or the message cannot be sent")

    def _broken(self, reason: str, progress: Progress) -> Outcome:
        return Unknown(reason) if progress.is_sent else Retry(reason, is_outage=True)

    async def _addresses(self) -> list[Address]:
        found = await self._resolve(self._url.host, self._port)
        if not found:
            raise OSError("no address")
        return [ip_address(each.partition("%")[0]) for each in found]

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    async def _post(
        self, address: Address, body: bytes, key: str, now: datetime, progress: Progress
    ) -> Outcome:
        """Post to the very address that was checked, under the host's own name."""
        client = httpx.AsyncClient(timeout=self._timeout, follow_redirects=False, trust_env=False)
        async with client:
            request = client.build_request(
                "POST",
                self._url.copy_with(host=str(address)),
                content=body,
                headers=self._headers(body, key, now),
                extensions={"sni_hostname": self._url.host, "trace": progress.follow},
            )
            answer = await client.send(request, stream=True)
            try:
                return outcome_of(answer, self._unmarked(await beginning(answer)), now)
            finally:
                await answer.aclose()

    def _headers(self, body: bytes, key: str, now: datetime) -> dict[str, str]:
        stamp = str(int(now.timestamp()))
        found = {
            "Host": self._url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "webhook-id": key,
            "webhook-timestamp": stamp,
        }
        if self._key is not None:
            found["webhook-signature"] = signature(self._key, key, stamp, body)
        return found

    def _unmarked(self, words: str) -> str:
        """An answer without the parts of our address that are secret, should it repeat them."""
        for secret in (str(self._url), self._url.path.strip("/"), self._url.query.decode("ascii")):
            words = words.replace(secret, "***") if len(secret) > 3 else words
        return words[:120]


def signature(key: bytes, message_id: str, stamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over id, timestamp and body, joined by dots."""
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")


def is_public(address: Address) -> bool:
    """Whether an address lies on the open internet, whatever form it is written in."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def _signing_key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(SECRET) or not SHORTEST_SECRET <= len(key) <= LONGEST_SECRET:
        raise ValueError(
            f"the webhook's secret must be {SECRET} and the base64 of "
            f"{SHORTEST_SECRET} to {LONGEST_SECRET} bytes"
        )
    return key


async def _resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]
