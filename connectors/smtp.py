"""Sends messages over SMTP: a pool of connections to one server."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from connectors.address import is_address
from connectors.outcome import Failed, Outcome
from connectors.smtp_line import SmtpLine
from connectors.smtp_server import Security, Server

_GOODBYE_SECONDS = 1.0
"""For all servers' goodbyes together."""


class SmtpConnector:
    """One SMTP server. As many connections as threads that send at once; each is kept while it is healthy."""

    def __init__(
        self,
        host: str,
        port: int,
        security: Security = "starttls",
        username: str | None = None,
        password: str | None = None,
        timeout: float = 30.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout` is in seconds for each answer; `tls` replaces the system's trust.

        Raises ValueError where a password would cross the network in the clear.
        """
        self._server = Server(host, port, security, username, password or "", timeout, tls)
        self._idle: list[SmtpLine] = []
        self._busy: set[SmtpLine] = set()
        self._is_closed = False
        self._lock = Lock()

    def send(self, content: bytes, sender: str, recipient: str) -> Outcome:
        """Hand the message over for `recipient`. Never raises for what the server or the network does."""
        if not is_address(sender) or not is_address(recipient):
            return Failed("the sender or the recipient is no email address")
        with self._line() as line:
            return line.send(content, sender, recipient)

    def close(self) -> None:
        """Say goodbye on every connection that is not in use; cut those that are."""
        with self._lock:
            self._is_closed = True
            lines, self._idle = self._idle, []
            for line in self._busy:
                line.cut()
        for line in lines:
            line.close(_GOODBYE_SECONDS / len(lines))

    @contextmanager
    def _line(self) -> Iterator[SmtpLine]:
        """The connection used last, which is the likeliest to stand, or a new one."""
        with self._lock:
            line = self._idle.pop() if self._idle else SmtpLine(self._server)
            self._busy.add(line)
        try:
            yield line
        finally:
            with self._lock:
                self._busy.discard(line)
                if not self._is_closed:
                    self._idle.append(line)
            if self._is_closed:
                line.close(_GOODBYE_SECONDS)
