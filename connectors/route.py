"""Where a web address leads, and whether a post may go there."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.request import getproxies, proxy_bypass

import httpx

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""Finds the addresses of a host. Raises OSError."""

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
    """The parts of an address that nobody else may read."""
    return str(url), url.path.strip("/"), url.query.decode("ascii")


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
    """The addresses that the system's name service knows of a host. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]
