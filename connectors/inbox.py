"""Reads a mailbox over IMAP: what is new in one folder, in order, without changing anything there."""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted

from connectors.smtp_server import LOOPBACK

LONGEST_READ = 256 * 1024
"""Bytes read of one message: reports say what they have to say at the beginning."""

Security = Literal["none", "starttls", "tls"]

_DATE = re.compile(rb'INTERNALDATE "[^"]+"')


class InboxError(Exception):
    """The mailbox cannot be read just now; the message says why, without a password."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as the server has it."""

    uid: int
    at: datetime | None
    """When the server received it."""
    content: bytes
    """At most LONGEST_READ bytes of its beginning."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """A mailbox and our account there."""

    host: str
    username: str
    password: str = field(repr=False)
    port: int = 993
    security: Security = "tls"
    folder: str = "INBOX"
    timeout: float = 30.0
    """Seconds for each answer."""
    tls: ssl.SSLContext | None = None
    """In place of the system's trust."""

    def __post_init__(self) -> None:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError(f"the password for {self.host} would be sent in the clear; set security to tls")

    @contextmanager
    def opened(self) -> Iterator["OpenInbox"]:
        """Sign in and open the folder for reading alone. Raises InboxError."""
        try:
            box = self._connected()
        except (OSError, imaplib.IMAP4.error, ImapToolsError, ValueError) as error:
            raise InboxError(self._why(error)) from None
        try:
            box.login(self.username, self.password, initial_folder=None)
            box.folder.set(self.folder, readonly=True)
            yield OpenInbox(self, box, int(box.folder.status(self.folder, ["UIDVALIDITY"])["UIDVALIDITY"]))
        except (OSError, imaplib.IMAP4.error, ImapToolsError, KeyError) as error:
            raise InboxError(self._why(error)) from None
        finally:
            _leave(box)

    def _connected(self) -> BaseMailBox:
        if self.security == "tls":
            return MailBox(self.host, self.port, timeout=self.timeout, ssl_context=self._trust())
        if self.security == "starttls":
            return MailBoxStartTls(self.host, self.port, timeout=self.timeout, ssl_context=self._trust())
        return MailBoxUnencrypted(self.host, self.port, timeout=self.timeout)

    def _trust(self) -> ssl.SSLContext:
        return self.tls or ssl.create_default_context()

    def _why(self, error: Exception) -> str:
        where = f"{self.host}:{self.port}"
        match error:
            case ssl.SSLCertVerificationError():
                return f"{where} shows a certificate that is not trusted: {error.verify_message}"
            case ssl.SSLError():
                return f"{where} does not speak TLS here; see email.inbox.port and security"
            case socket.gaierror():
                return f"{where}: there is no such host"
            case ConnectionRefusedError():
                return f"{where} refused the connection"
            case TimeoutError():
                return f"{where} did not answer in time"
        words = "".join(each if each.isprintable() else " " for each in str(error))
        return f"{where}: {words.replace(self.password, '***') if self.password else words}"[:300]


@dataclass(frozen=True, slots=True)
class OpenInbox:
    """A folder that is open."""

    inbox: Inbox
    _box: BaseMailBox
    validity: int
    """While it stays the same, a UID stands for the same message."""

    def after(self, uid: int, most: int) -> Iterator[Arrived]:
        """Up to `most` messages with a higher UID, the oldest first. Raises InboxError."""
        try:
            found = sorted(int(each) for each in self._box.uids(f"UID {uid + 1}:*") if each.isdigit())
            # "*" is the newest message even where its UID is lower than the first number.
            for each in [one for one in found if one > uid][:most]:
                arrived = self._fetched(each)
                if arrived is not None:
                    yield arrived
        except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
            raise InboxError(self.inbox._why(error)) from None

    def _fetched(self, uid: int) -> Arrived | None:
        """None for a message that has gone since."""
        wanted = f"(UID INTERNALDATE BODY.PEEK[]<0.{LONGEST_READ}>)"
        _, answer = self._box.client.uid("FETCH", str(uid), wanted)
        for each in answer or ():
            if isinstance(each, tuple) and len(each) == 2:
                return Arrived(uid, _received(each[0]), each[1][:LONGEST_READ])
        return None


def _received(line: bytes) -> datetime | None:
    found = _DATE.search(line)
    parts = imaplib.Internaldate2tuple(found[0]) if found else None
    if parts is None:
        return None
    try:
        return datetime(*parts[:6]).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _leave(box: BaseMailBox) -> None:
    try:
        box.client.logout()
    except (OSError, imaplib.IMAP4.error):
        return
