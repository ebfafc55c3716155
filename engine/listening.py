"""Sockets taken before anything else starts, so that a port in use is said at once."""

import errno
import socket


class AddressRefusedError(Exception):
    """An address cannot be listened on; the message names it and the mend."""


def listen(host: str, port: int, purpose: str, setting: str) -> socket.socket:
    """A listening socket on `host` and `port`; port 0 takes a free one.

    Raises AddressRefusedError, which says what the address was for and which setting moves it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise AddressRefusedError(_reason(error, host, port, purpose, setting)) from error


def port_of(listening: socket.socket) -> int:
    """The port a socket listens on."""
    return int(listening.getsockname()[1])


def _reason(error: OSError, host: str, port: int, purpose: str, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken, so {purpose} cannot listen there; stop what uses it, or set {setting}."
    if error.errno == errno.EACCES:
        return f"Port {port} may not be used by this user; set {setting} to one above 1023."
    why = error.strerror or str(error)
    return f"{purpose[:1].upper()}{purpose[1:]} cannot listen on {host}: {why}; set {setting} and its host."
