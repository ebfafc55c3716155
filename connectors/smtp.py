"""Sends one message over SMTP and says exactly what came of it."""

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from threading import Lock, Timer
from typing import Literal

from connectors.address import is_address
from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown

Security = Literal["none", "starttls", "tls"]

_ABOUT_SIGN_IN = frozenset({454, 530, 534, 535, 538})
"""Replies about our sign-in, not about the message (RFC 4954)."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PATIENCE = 4
"""The whole exchange may take this many times the timeout of one answer."""


class SmtpConnector:
    """One SMTP server. Keeps its connection while it is healthy; threads that share it take turns."""

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
        if username and security == "none" and host not in _LOOPBACK:
            raise ValueError(f"the password for {host} would be sent in the clear; set security to starttls")
        self._host, self._port, self._security = host, port, security
        self._username, self._password = username, password or ""
        self._timeout = timeout
        self._tls = tls
        self._client: smtplib.SMTP | None = None
        self._lock = Lock()

    def send(self, message: EmailMessage | bytes, sender: str, recipient: str) -> Outcome:
        """Hand `message` over for `recipient`. Never raises for what the server or the network does."""
        if not is_address(sender) or not is_address(recipient):
            return Failed("the sender or the recipient is no email address")
        content = message if isinstance(message, bytes) else message.as_bytes()
        with self._lock:
            try:
                client = self._connected()
            except (OSError, smtplib.SMTPException) as error:
                self._drop()
                return Retry(self._why_unreachable(error), is_outage=True)
            with self._deadline(client):
                return self._exchange(client, sender, recipient, _on_the_wire(content))

    def close(self) -> None:
        """Say goodbye to the server, where there is a connection."""
        with self._lock:
            if self._client is not None:
                try:
                    self._client.quit()
                except (OSError, smtplib.SMTPException):
                    self._drop()
            self._client = None

    def _exchange(self, client: smtplib.SMTP, sender: str, recipient: str, content: bytes) -> Outcome:
        step, is_handed_over = "MAIL", False
        try:
            for step, command, wanted in (
                ("MAIL", f"MAIL FROM:<{sender}>", 250),
                ("RCPT", f"RCPT TO:<{recipient}>", 250),
                ("DATA", "DATA", 354),
            ):
                code, text = client.docmd(command)
                if code != wanted and not (step == "RCPT" and code == 251):
                    return self._refused(step, code, text)
            step = "the message"
            client.send(content)
            is_handed_over = True
            code, text = client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            reason = f"{self._host} {_lost(error)} after {step}"
            return Unknown(reason) if is_handed_over else Retry(reason, is_outage=True)
        if 200 <= code < 300:
            return Delivered(self._words(code, text))
        if 400 <= code < 600:
            return self._refused(step, code, text)
        self._drop()
        return Unknown(f"{self._host} answered the message with {self._words(code, text)}")

    def _refused(self, step: str, code: int, text: bytes) -> Outcome:
        """What a definite no means. Keeps the connection where the server does."""
        self._reset(code)
        reason = f"{self._host} answered {step} with {self._words(code, text)}"
        if 500 <= code < 600 and code not in _ABOUT_SIGN_IN:
            return Failed(reason)
        return Retry(reason, is_outage=code == 421 or code in _ABOUT_SIGN_IN)

    def _reset(self, code: int) -> None:
        if code == 421 or not 400 <= code < 600 or not self._is_healthy():
            self._drop()

    def _is_healthy(self) -> bool:
        try:
            return self._client is not None and self._client.rset()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def _connected(self) -> smtplib.SMTP:
        if self._client is not None and self._is_healthy():
            return self._client
        self._drop()
        self._client = self._opened()
        with self._deadline(self._client):
            self._greet(self._client)
        return self._client

    def _opened(self) -> smtplib.SMTP:
        name = socket.gethostname() or "localhost"
        if self._security == "tls":
            return smtplib.SMTP_SSL(
                self._host, self._port, local_hostname=name, timeout=self._timeout, context=self._trust()
            )
        return smtplib.SMTP(self._host, self._port, local_hostname=name, timeout=self._timeout)

    def _greet(self, client: smtplib.SMTP) -> None:
        client.ehlo_or_helo_if_needed()
        if self._security == "starttls":
            client.starttls(context=self._trust())
            client.ehlo_or_helo_if_needed()
        if self._username:
            client.login(self._username, self._password)

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    @contextmanager
    def _deadline(self, client: smtplib.SMTP) -> Iterator[None]:
        """Cuts the connection when a server keeps answering without ever coming to an end."""
        timer = Timer(self._timeout * _PATIENCE, _cut, [client])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _why_unreachable(self, error: Exception) -> str:
        where = f"{self._host}:{self._port}"
        match error:
            case ssl.SSLCertVerificationError():
                return f"{where} shows a certificate that is not trusted: {error.verify_message}"
            case ssl.SSLError():
                return f"{where} does not speak TLS here; see the connector's port and security"
            case smtplib.SMTPNotSupportedError() if self._security == "starttls":
                return f"{where} offers no STARTTLS, or no sign-in; see the connector's security"
            case smtplib.SMTPAuthenticationError():
                return f"{where} refused the sign-in with {self._words(error.smtp_code, error.smtp_error)}"
            case smtplib.SMTPResponseException():
                return f"{where} is not ready: {self._words(error.smtp_code, error.smtp_error)}"
            case socket.gaierror():
                return f"{where}: there is no such host"
            case ConnectionRefusedError():
                return f"{where} refused the connection"
        return f"{where} {_lost(error)} before taking anything"

    def _words(self, code: int, text: bytes | str) -> str:
        """A reply fit to be kept: one short line, without our password."""
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        for secret in _forms(self._username, self._password):
            words = words.replace(secret, "***")
        words = re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", words).strip()
        return f"{code} {words}"[:200].rstrip()


def _forms(username: str | None, password: str) -> tuple[str, ...]:
    """The password as it stands and as the ways to sign in encode it."""
    if not password:
        return ()
    plain = f"\0{username}\0{password}"
    return (*(base64.b64encode(each.encode()).decode() for each in (plain, password)), password)


def _on_the_wire(content: bytes) -> bytes:
    """Lines ended by CRLF, leading dots doubled, and the final dot (RFC 5321, 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    dotted = re.sub(rb"(?m)^\.", b"..", lines)
    return dotted + (b"" if dotted.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _lost(error: Exception) -> str:
    return "did not answer in time" if "timed out" in str(error) else "hung up"


def _cut(client: smtplib.SMTP) -> None:
    connection = client.sock
    if connection is None:
        return
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
