"""One connection to an SMTP server: hands messages over and says exactly what came of each."""

import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial

from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown
from connectors.smtp_server import Server, lost
from connectors.watch import Watch

_ABOUT_SIGN_IN = frozenset({454, 530, 534, 535, 538})
"""Replies about our sign-in, not about the message (RFC 4954)."""
_PATIENCE = 4
"""The whole exchange may take this many times the timeout of one answer."""


class SmtpLine:
    """Opens when it is first needed, and again after it was lost. For one thread at a time."""

    def __init__(self, server: Server, watch: Watch) -> None:
        self._server = server
        self._watch = watch
        self._client: smtplib.SMTP | None = None
        self._step = ""
        """What the server was last asked to take."""

    def send(self, content: bytes, sender: str, recipient: str) -> Outcome:
        """Hand `content` over for `recipient`. Never raises for what the server or the network does."""
        was_kept = self._client is not None
        outcome = self._try(content, sender, recipient)
        if was_kept and self._client is None and isinstance(outcome, Retry):
            # The server may have hung up since the last message, which says nothing about this one.
            outcome = self._try(content, sender, recipient)
        return outcome

    def _try(self, content: bytes, sender: str, recipient: str) -> Outcome:
        try:
            client = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Retry(self._server.why_unreachable(error), is_outage=True)
        with self._deadline(client):
            return self._exchange(client, sender, recipient, _on_the_wire(content))

    def close(self) -> None:
        """Say goodbye to the server, where there is a connection."""
        if self._client is not None:
            try:
                self._client.quit()
            except (OSError, smtplib.SMTPException):
                self._drop()
        self._client = None

    def _exchange(self, client: smtplib.SMTP, sender: str, recipient: str, content: bytes) -> Outcome:
        is_handed_over = False
        try:
            for step, code, text in self._envelope(client, sender, recipient):
                if not _is_taken(step, code):
                    return self._refused(step, code, text)
            self._step = "the message"
            client.send(content)
            is_handed_over = True
            code, text = client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            reason = f"{self._server.host} {lost(error)} after {self._step}"
            return Unknown(reason) if is_handed_over else Retry(reason, is_outage=True)
        if 200 <= code < 300:
            return Delivered(self._server.words(code, text))
        if 400 <= code < 600:
            return self._refused(self._step, code, text)
        self._drop()
        return Unknown(f"{self._server.host} answered the message with {self._server.words(code, text)}")

    def _envelope(
        self, client: smtplib.SMTP, sender: str, recipient: str
    ) -> Iterator[tuple[str, int, bytes]]:
        """The replies to MAIL, RCPT and DATA, which go out together where the server allows (RFC 2920)."""
        commands = (
            ("MAIL", f"MAIL FROM:<{sender}>"),
            ("RCPT", f"RCPT TO:<{recipient}>"),
            ("DATA", "DATA"),
        )
        if not client.has_extn("pipelining"):
            for self._step, command in commands:
                yield self._step, *client.docmd(command)
            return
        self._step = "the envelope"
        client.send("".join(f"{command}\r\n" for _, command in commands))
        replies = [client.getreply() for _ in commands]
        if replies[2][0] == 354 and not all(
            _is_taken(step, code) for (step, _), (code, _) in zip(commands, replies, strict=True)
        ):
            client.send(b".\r\n")  # the server waits for a message although it refused the envelope
            client.getreply()
        for (step, _), reply in zip(commands, replies, strict=True):
            yield step, *reply

    def _refused(self, step: str, code: int, text: bytes) -> Outcome:
        """What a definite no means. Keeps the connection where the server does."""
        self._reset(code)
        reason = f"{self._server.host} answered {step} with {self._server.words(code, text)}"
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
        if self._client is not None:
            return self._client
        self._client = self._server.open()
        with self._deadline(self._client):
            self._server.greet(self._client)
        return self._client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _deadline(self, client: smtplib.SMTP) -> AbstractContextManager[None]:
        """Cuts the connection when a server keeps answering without ever coming to an end."""
        return self._watch.within(self._server.timeout * _PATIENCE, partial(_cut, client))


def _is_taken(step: str, code: int) -> bool:
    """Whether a reply lets the exchange go on."""
    return code == (354 if step == "DATA" else 250) or (step == "RCPT" and code == 251)


def _on_the_wire(content: bytes) -> bytes:
    """Lines ended by CRLF, leading dots doubled, and the final dot (RFC 5321, 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    dotted = re.sub(rb"(?m)^\.", b"..", lines)
    return dotted + (b"" if dotted.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _cut(client: smtplib.SMTP) -> None:
    connection = client.sock
    if connection is None:
        return
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
