"""Connections to a host by name, within a time: whatever its name service and its many addresses do."""

import socket
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

Found: TypeAlias = list[tuple[Any, ...]]
"""As socket.getaddrinfo gives it."""


def addresses(host: str, port: int) -> Found:
    """What the system's name service knows of a host, however long that takes. Raises OSError."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no name that can be looked up") from None


def addresses_within(host: str, port: int, seconds: float) -> Found:
    """The same. Raises TimeoutError when it takes too long."""
    answers: SimpleQueue[Found | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(addresses(host, port))
        except OSError as error:
            answers.put(error)

    # A thread that nobody waits for: a name service that hangs cannot be interrupted.
    threading.Thread(target=ask, name="tminus-names", daemon=True).start()
    try:
        found = answers.get(timeout=max(seconds, 0.0))
    except Empty:
        raise TimeoutError("timed out") from None
    if isinstance(found, OSError):
        raise found
    return found


def connected(
    host: str, port: int, seconds: float, hold: Callable[[socket.socket], None] = lambda _: None
) -> socket.socket:
    """A connection to the first address of a host that takes one, all of it within `seconds`.

    `hold` is given each socket before it is used, so that another thread can shut it down. Raises OSError.
    """
    ends = time.monotonic() + seconds
    refused: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for family, kind, protocol, _, address in addresses_within(host, port, seconds):
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        try:
            return _connected(socket.socket(family, kind, protocol), address, left, hold)
        except OSError as error:
            refused = error
    raise refused


def _connected(
    one: socket.socket, address: Any, seconds: float, hold: Callable[[socket.socket], None]
) -> socket.socket:
    try:
        hold(one)
        one.settimeout(seconds)
        one.connect(address)
    except OSError:
        one.close()
        raise
    return one


def shut_down(connection: socket.socket | None) -> None:
    """End a connection that another thread may be using; that thread finds it at its end."""
    if connection is None:
        return
    try:
        # The plain socket's own: that of a secured one would first take its TLS away from the other thread.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return
