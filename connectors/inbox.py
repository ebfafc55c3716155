"""Reads a mailbox over IMAP: what is new in one folder, in order, without changing anything there."""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from imap_tools import BaseMailBox, ImapToolsError, UnexpectedCommandStatusError

from connectors.inbox_client import Box, ImapClient, Security
from connectors.reach import shut_down
from connectors.smtp_server import LOOPBACK
from connectors.tls import NO_HINT, tls_trouble
from connectors.watch import Watch

LONGEST_READ = 256 * 1024
"""Bytes read of one message: reports say what they have to say at the beginning."""

_PATIENCE = 10
"""A whole reading may take this many times the timeout of one answer."""
_WATCH = Watch()
_LATER = re.compile(rb"\[(UNAVAILABLE|SERVERBUG|INUSE|LIMIT)\b")
"""What is said of a message that can be read another time (RFC 5530)."""
_COMMAND = re.compile(r"^command: \w+ => ")
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
    _lines: list["_Line"] = field(default_factory=list, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError(f"the password for {self.host} would be sent in the clear; set security to tls")

    @contextmanager
    def opened(self) -> Iterator["OpenInbox"]:
        """Sign in and open the folder for reading alone. Raises InboxError."""
        line = _Line()
        with self._held(line), _WATCH.within(self.timeout * _PATIENCE, line.end_late):
            with self.worded(line):
                box = Box(partial(self._client, line))
            try:
                with self.worded(line):
                    box.login(self.username, self.password, initial_folder=None)
                    box.folder.set(self.folder, readonly=True)
                    validity = int(box.folder.status(self.folder, ["UIDVALIDITY"])["UIDVALIDITY"])
                yield OpenInbox(self, box, validity, line)
            finally:
                _leave(box)

    def close(self) -> None:
        """End the reading that another thread may have under way, as if the server had hung up."""
        for line in list(self._lines):
            line.end()

    @contextmanager
    def worded(self, line: "_Line") -> Iterator[None]:
        """Turns whatever goes wrong with a connection into an InboxError."""
        try:
            yield
        except (OSError, imaplib.IMAP4.error, ImapToolsError, LookupError, TypeError, ValueError) as error:
            raise InboxError(self._why(error, line)) from None

    @contextmanager
    def _held(self, line: "_Line") -> Iterator[None]:
        self._lines.append(line)
        try:
            yield
        finally:
            self._lines.remove(line)
            line.close()

    def _client(self, line: "_Line") -> ImapClient:
        return ImapClient(self.host, self.port, self.security, self.timeout, self._trust, line.hold)

    def _trust(self) -> ssl.SSLContext:
        return self.tls or ssl.create_default_context()

    def _why(self, error: Exception, line: "_Line") -> str:
        where = f"{self.host}:{self.port}"
        if line.is_late:
            return f"{where} did not come to an end in time"
        match error:
            case ssl.SSLError():
                hint = "" if isinstance(error, NO_HINT) else " here; see email.inbox.port and security"
                return f"{where} {tls_trouble(error)}{hint}"
            case socket.gaierror():
                return f"{where}: there is no such host"
            case ConnectionRefusedError():
                return f"{where} refused the connection"
            case TimeoutError():
                return f"{where} did not answer in time"
            case OSError():
                return f"{where} hung up"
            case LookupError() | TypeError() | ValueError():
                return f"{where} answered with what is no IMAP"
        return f"{where} {self._said(error)}"[:300]

    def _said(self, error: Exception) -> str:
        """The server's or the library's words, without the password."""
        if isinstance(error, UnexpectedCommandStatusError):
            status, found = error.command_result[0], error.command_result[1]
            words = b" ".join(each for each in found if isinstance(each, bytes))
            text = f"answered {status}: {words.decode('utf-8', 'replace')}"
        else:
            first = error.args[0] if error.args else ""
            text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
            text = _COMMAND.sub("", text)
        if "EOF" in text or "socket error" in text:
            return "hung up"
        if "unexpected response" in text:
            return "answered with what is no IMAP"
        quoted = self.password.replace("\\", "\\\\").replace('"', '\\"')
        for secret in {quoted, self.password} - {""}:
            text = text.replace(secret, "***")
        return "".join(each if each.isprintable() else " " for each in text)


@dataclass
class _Line:
    """The connection of one reading, where another thread can end it."""

    is_late: bool = False
    _socket: socket.socket | None = None
    _is_ended: bool = False

    def hold(self, connection: socket.socket) -> None:
        """This is the connection now. Raises OSError when it has been ended already."""
        self._socket = connection
        if self._is_ended:
            shut_down(connection)
            raise ConnectionAbortedError("ended on our side")

    def close(self) -> None:
        """Let go of it."""
        if self._socket is not None:
            self._socket.close()

    def end(self) -> None:
        """Whoever waits for an answer finds the connection at its end."""
        self._is_ended = True
        shut_down(self._socket)

    def end_late(self) -> None:
        """The same, because it takes too long."""
        self.is_late = True
        self.end()


@dataclass(frozen=True, slots=True)
class OpenInbox:
    """A folder that is open."""

    inbox: Inbox
    _box: BaseMailBox
    validity: int
    """While it stays the same, a UID stands for the same message."""
    _line: _Line

    def after(self, uid: int, most: int) -> Iterator[Arrived]:
        """Up to `most` messages with a higher UID, the oldest first. Raises InboxError."""
        with self.inbox.worded(self._line):
            found = sorted(int(each) for each in self._box.uids(f"UID {uid + 1}:*") if each.isdigit())
        # "*" is the newest message even where its UID is lower than the first number.
        for each in [one for one in found if one > uid][:most]:
            with self.inbox.worded(self._line):
                arrived = self._fetched(each)
            if arrived is not None:
                yield arrived

    def _fetched(self, uid: int) -> Arrived | None:
        """None for a message that has gone since."""
        wanted = f"(UID INTERNALDATE BODY.PEEK[]<0.{LONGEST_READ}>)"
        status, answer = self._box.client.uid("FETCH", str(uid), wanted)
        if status != "OK" and any(_LATER.search(each) for each in answer if isinstance(each, bytes)):
            raise UnexpectedCommandStatusError((status, answer), "OK")
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
        with suppress(OSError):
            box.client.shutdown()
