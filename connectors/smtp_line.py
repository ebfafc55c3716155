"""One connection to an SMTP server: hands messages over and says exactly what came of each."""

import re
import smtplib
import time
from collections.abc import Iterator

from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown
from connectors.smtp_client import CutError, SmtpClient
from connectors.smtp_server import Server, lost

_ABOUT_SIGN_IN = frozenset({454, 530, 534, 535, 538})
"""Replies about our sign-in, not about the message (RFC 4954)."""
_PATIENCE = 4
"""All of one try, the connection included, may take this many times the timeout of one answer."""


class SmtpLine:
    """Opens when it is first needed, and again after it was lost. For one thread at a time."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: SmtpClient | None = None
        self._is_cut = False
        self._step = ""
        """What the server was last asked to take."""

    def send(self, content: bytes, sender: str, recipient: str) -> Outcome:
        """Hand `content` over for `recipient`. Never raises for what the server or the network does."""
        was_kept = self._client is not None
        ends = time.monotonic() + self._server.timeout * _PATIENCE
        outcome = self._try(content, sender, recipient, ends)
        if was_kept and self._client is None and not self._is_cut and isinstance(outcome, Retry):
            # The server may have hung up since the last message, which says nothing about this one.
            outcome = self._try(content, sender, recipient, ends)
        return outcome

    def cut(self) -> None:
        """End what is under way, from another thread, as if the server had hung up."""
        self._is_cut = True
        client = self._client
        if client is not None:
            client.cut()

    def close(self, seconds: float) -> None:
        """Say goodbye to the server, where there is a connection, and wait so long for its own."""
        if self._client is not None:
            try:
                self._client.set_end(time.monotonic() + seconds)
                self._client.docmd("QUIT")
            except (OSError, smtplib.SMTPException):
                pass  # it is closed all the same
        self._drop()

    def _try(self, content: bytes, sender: str, recipient: str, ends: float) -> Outcome:
        try:
            client = self._connected(ends)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self._drop()
            return Retry(self._server.why_unreachable(self._cause(error)), is_outage=True)
        return self._exchange(client, sender, recipient, _on_the_wire(content))

    def _exchange(self, client: SmtpClient, sender: str, recipient: str, content: bytes) -> Outcome:
        is_handed_over = False
        try:
            for step, code, text in self._envelope(client, sender, recipient):
                if not _is_taken(step, code):
                    return self._refused(step, code, text)
            client.send(content)
            is_handed_over, self._step = True, "the message"
            code, text = client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            reason = f"{self._server.host} {lost(self._cause(error))} after {self._step}"
            return Unknown(reason) if is_handed_over else Retry(reason, is_outage=True)
        if 200 <= code < 300:
            return Delivered(self._server.words(code, text))
        if 400 <= code < 600:
            return self._refused(self._step, code, text)
        self._drop()
        return Unknown(f"{self._server.host} answered the message with {self._server.words(code, text)}")

    def _envelope(self, client: SmtpClient, sender: str, recipient: str) -> Iterator[tuple[str, int, bytes]]:
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
        client.send("".join(f"{command}\r\n" for _, command in commands))
        replies: list[tuple[str, int, bytes]] = []
        try:
            for self._step, _ in commands:
                replies.append((self._step, *client.getreply()))
        except (OSError, smtplib.SMTPException):
            if all(_is_taken(step, code) for step, code, _ in replies):
                raise
            self._drop()  # what it refused before it was gone stays refused
        is_waiting = len(replies) == len(commands) and replies[2][1] == 354
        if is_waiting and not all(_is_taken(step, code) for step, code, _ in replies):
            self._leave_empty(client, replies[1][1])
        yield from replies

    def _leave_empty(self, client: SmtpClient, recipient_code: int) -> None:
        """The server waits for a message although it refused the envelope: it gets none."""
        if not 400 <= recipient_code < 600:
            self._drop()  # somebody would get an empty message
            return
        try:
            client.send(b".\r\n")
            client.getreply()
        except (OSError, smtplib.SMTPException):
            self._drop()

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

    def _cause(self, error: Exception) -> Exception:
        """What ended a connection: to the one who waits, our cut looks like the server's."""
        return CutError("cut") if self._is_cut else error

    def _connected(self, ends: float) -> SmtpClient:
        if self._client is not None:
            self._client.set_end(ends)
            return self._client
        self._client = self._server.client()
        self._client.set_end(ends)
        if self._is_cut:
            self._client.cut()
        self._server.greet(self._client)
        return self._client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def _is_taken(step: str, code: int) -> bool:
    """Whether a reply lets the exchange go on."""
    return code == (354 if step == "DATA" else 250) or (step == "RCPT" and code == 251)


def _on_the_wire(content: bytes) -> bytes:
    """Lines ended by CRLF, leading dots doubled, and the final dot (RFC 5321, 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    dotted = re.sub(rb"(?m)^\.", b"..", lines)
    return dotted + (b"" if dotted.endswith(b"\r\n") else b"\r\n") + b".\r\n"
