"""Where a web address leads, and whether a post may go there."""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import httpx

from connectors.reach import Found, addresses

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Finds the addresses of a host. Raises OSError."""

_ORDINARY = frozenset(
    {"api", "chat", "hook", "hooks", "events", "services", "webhook", "webhooks", "workflows"}
)
"""Words of addresses that are no secret, and make reasons hard to read when they are taken out."""
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones."""


def web_address(url: str) -> httpx.URL:
    """The address as a value. Raises ValueError, which does not repeat it: it may be secret."""
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError("is no web address") from error
    if found.scheme not in ("http", "https") or not found.host:
        raise ValueError("must begin with https:// or http://")
    return found


def port_of(url: httpx.URL) -> int:
    """The port an address names or means."""
    return url.port or (443 if url.scheme == "https" else 80)


def secrets_of(url: httpx.URL) -> tuple[str, ...]:
    """The parts of an address that nobody else may read, whole and in pieces, as written and as meant."""
    parts = (url.path, url.raw_path.decode("ascii"), url.query.decode("ascii"), url.userinfo.decode("ascii"))
    pieces = {piece for part in parts for piece in re.split(r"[/?&=:]", part)} - _ORDINARY
    return str(url), *(each.strip("/") for each in parts), *pieces, *map(unquote, pieces)


def has_proxy(url: httpx.URL) -> bool:
    """Whether the environment has posts to this address go through a proxy."""
    proxies = getproxies()
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(url.host)


async def addresses_of(url: httpx.URL, resolve: Resolve) -> list[Address]:
    """Every address of the host. Raises OSError where there is none."""
    found = await resolve(url.host, port_of(url))
    if not found:
        raise OSError("no address")
    return [ip_address(each.partition("%")[0]) for each in found]


def is_public(address: Address) -> bool:
    """Whether an address lies on the open internet, whatever form it is written in."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast


async def resolved(host: str, port: int) -> list[str]:
    """The addresses that the system's name service knows of a host. Raises OSError.

    A name service that hangs holds up nobody: it is left alone when this is cancelled.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Found | OSError] = loop.create_future()

    def tell(found: Found | OSError) -> None:
        if not answer.done():
            answer.set_result(found)

    def ask() -> None:
        found = _found(host, port)
        with suppress(RuntimeError):  # nobody waits any longer
            loop.call_soon_threadsafe(tell, found)

    threading.Thread(target=ask, name="tminus-names", daemon=True).start()
    found = await answer
    if isinstance(found, OSError):
        raise found
    return [str(each[4][0]) for each in found]


def _found(host: str, port: int) -> Found | OSError:
    try:
        return addresses(host, port)
    except OSError as error:
        return error
