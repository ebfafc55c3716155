"""smtplib's client with every wait bounded: for one answer, and for all of an exchange together."""

import smtplib
import socket
import ssl
import time
from typing import Any

from connectors.reach import connected, shut_down

LONGEST_REPLY = 64 * 1024
"""Bytes of one reply, all its lines together."""


class NotSmtpError(smtplib.SMTPException):
    """What came is no reply of SMTP."""


class CutError(OSError):
    """The connection was ended on our side."""


class SmtpClient(smtplib.SMTP):
    """One connection, for one thread; another may cut it at any time."""

    def __init__(self, local_name: str, timeout: float) -> None:
        """`timeout` is in seconds for each answer."""
        super().__init__(local_hostname=local_name, timeout=timeout)
        self._patience = timeout
        self._ends = 0.0
        self._found = b""
        self._is_cut = False

    def set_end(self, ends: float) -> None:
        """Whatever is waited for, wait no longer than to this instant of the monotonic clock."""
        self._ends = ends

    def reach(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Connect, secured from the start where there is a context, and take the greeting.

        Raises OSError, smtplib.SMTPException.
        """
        self._hold(connected(host, port, self._wait(), self._hold))
        if tls is not None:
            self.secure(tls, host)
        code, text = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, text)

    def secure(self, tls: ssl.SSLContext, host: str) -> None:
        """Go on under TLS; what the server said of itself before counts no longer. Raises OSError."""
        assert self.sock is not None
        self.sock.settimeout(self._wait())
        secured = tls.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
        self._hold(secured)
        try:
            secured.do_handshake()
        except ConnectionError as error:
            raise ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "hung up") from error
        self._found = b""
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features, self.does_esmtp = {}, False

    def send(self, s: Any) -> None:
        """Send all of it. Raises OSError, smtplib.SMTPServerDisconnected."""
        connection = self._standing()
        connection.settimeout(self._wait())
        connection.sendall(s.encode("ascii") if isinstance(s, str) else s)

    def getreply(self) -> tuple[int, bytes]:
        """The code and the text of one reply. Raises OSError, smtplib.SMTPException."""
        texts: list[bytes] = []
        size = 0
        while True:
            line = self._line()
            size += len(line)
            if not line[:3].isdigit() or size > LONGEST_REPLY:
                raise NotSmtpError("no reply")
            texts.append(line[4:].strip(b" \t\r\n"))
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(texts)

    def cut(self) -> None:
        """End it, from another thread."""
        self._is_cut = True
        shut_down(self.sock)

    def _line(self) -> bytes:
        while b"\n" not in self._found:
            if len(self._found) > LONGEST_REPLY:
                raise NotSmtpError("a line without end")
            connection = self._standing()
            connection.settimeout(self._wait())
            received = connection.recv(8192)
            if not received:
                raise smtplib.SMTPServerDisconnected("the server hung up")
            self._found += received
        line, _, self._found = self._found.partition(b"\n")
        return line

    def _standing(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("there is no connection")
        return self.sock

    def _wait(self) -> float:
        """Seconds that the next answer may take."""
        left = min(self._patience, self._ends - time.monotonic())
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def _hold(self, connection: socket.socket) -> None:
        self.sock = connection
        if self._is_cut:
            shut_down(connection)
            raise CutError("cut")
