"""imaplib's client with every wait and every size bounded."""

import imaplib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Literal

from imap_tools import BaseMailBox, MailboxStarttlsError
from imap_tools.utils import check_command_status

from connectors.reach import connected

Security = Literal["none", "starttls", "tls"]

LONGEST_LITERAL = 1024 * 1024
"""Bytes of one part of an answer."""
LONGEST_SESSION = 64 * 1024 * 1024
"""Bytes of all answers together."""


class ImapClient(imaplib.IMAP4):
    """One connection; `hold` is given each socket of it, so that another thread can shut it down."""

    def __init__(
        self,
        host: str,
        port: int,
        security: Security,
        timeout: float,
        tls: Callable[[], ssl.SSLContext],
        hold: Callable[[socket.socket], None],
    ) -> None:
        """Connect, secure the connection and take the greeting. Raises OSError, imaplib.IMAP4.error."""
        self._security, self._tls, self._hold = security, tls, hold
        self._spent = 0
        super().__init__(host, port, timeout)
        if security == "starttls":
            self._go_on_secured(tls())

    def _go_on_secured(self, tls: ssl.SSLContext) -> None:
        try:
            check_command_status(self.starttls(tls), MailboxStarttlsError)
            self._hold(self.sock)
        except BaseException:
            self.shutdown()
            raise

    def read(self, size: int) -> bytes:
        """Part of an answer. Raises imaplib.IMAP4.abort for one that is too long."""
        if size > LONGEST_LITERAL:
            raise self.abort("sent more than was asked for")
        return self._counted(super().read(size))

    def readline(self) -> bytes:
        """A line of an answer. Raises imaplib.IMAP4.abort."""
        return self._counted(super().readline())

    def _counted(self, found: bytes) -> bytes:
        self._spent += len(found)
        if self._spent > LONGEST_SESSION:
            raise self.abort("sent answers without end")
        return found

    def _create_socket(self, timeout: float | None) -> socket.socket:
        seconds = timeout or 30.0
        ends = time.monotonic() + seconds
        plain = connected(self.host, self.port, seconds, self._hold)
        if self._security == "tls":
            plain.settimeout(max(ends - time.monotonic(), 0.01))
            secured = self._tls().wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
            self._hold(secured)
            secured.do_handshake()
            plain = secured
        plain.settimeout(timeout)
        return plain


class Box(BaseMailBox):
    """imap_tools' mailbox over such a client."""

    def __init__(self, connect: Callable[[], ImapClient]) -> None:
        self._connect = connect
        super().__init__()

    def _get_mailbox_client(self) -> Any:
        return self._connect()
