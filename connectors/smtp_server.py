"""What there is to know of an SMTP server: where it is, how to sign in, and how to word what it says."""

import base64
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Literal

from connectors.smtp_client import CutError, NotSmtpError, SmtpClient
from connectors.tls import NO_HINT, tls_trouble

Security = Literal["none", "starttls", "tls"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Server:
    """An SMTP server and our account there."""

    host: str
    port: int
    security: Security = "starttls"
    username: str | None = None
    password: str = ""
    timeout: float = 30.0
    """Seconds for each answer."""
    tls: ssl.SSLContext | None = None
    """In place of the system's trust."""

    def __post_init__(self) -> None:
        if self.username and self.security == "none" and self.host not in LOOPBACK:
            raise ValueError(
                f"the password for {self.host} would be sent in the clear; set security to starttls"
            )

    def client(self) -> SmtpClient:
        """A client that has no connection yet."""
        return SmtpClient(socket.gethostname() or "localhost", self.timeout)

    def greet(self, client: SmtpClient) -> None:
        """Connect, secure the connection and sign in. Raises OSError, smtplib.SMTPException, ValueError."""
        client.reach(self.host, self.port, self._trust() if self.security == "tls" else None)
        client.ehlo_or_helo_if_needed()
        if self.security == "starttls":
            self._secure(client)
            client.ehlo_or_helo_if_needed()
        if self.username:
            client.login(self.username, self.password)

    def _secure(self, client: SmtpClient) -> None:
        if not client.has_extn("starttls"):
            raise smtplib.SMTPNotSupportedError("no STARTTLS")
        code, text = client.docmd("STARTTLS")
        if code != 220:
            raise smtplib.SMTPResponseException(code, text)
        client.secure(self._trust(), self.host)

    def _trust(self) -> ssl.SSLContext:
        return self.tls or ssl.create_default_context()

    def why_unreachable(self, error: Exception) -> str:
        """What kept a connection from coming about, in words for the one who configures it."""
        where = f"{self.host}:{self.port}"
        match error:
            case ssl.SSLError():
                hint = "" if isinstance(error, NO_HINT) else " here; see the connector's port and security"
                return f"{where} {tls_trouble(error)}{hint}"
            case NotSmtpError():
                return f"{where} {lost(error)}; see the connector's port and security"
            case smtplib.SMTPNotSupportedError():
                return f"{where} offers no STARTTLS, or no sign-in; see the connector's security"
            case smtplib.SMTPAuthenticationError():
                return f"{where} refused the sign-in with {self.words(error.smtp_code, error.smtp_error)}"
            case smtplib.SMTPResponseException():
                return f"{where} is not ready: {self.words(error.smtp_code, error.smtp_error)}"
            case smtplib.SMTPServerDisconnected():
                return f"{where} {lost(error)} before taking anything"
            case smtplib.SMTPException():
                return f"{where} offers no way to sign in that we know"
            case socket.gaierror():
                return f"{where}: there is no such host"
            case ConnectionRefusedError():
                return f"{where} refused the connection"
            case ValueError():
                return f"{where}: the user name and password cannot be sent the way it asks for"
        return f"{where} {lost(error)} before taking anything"

    def words(self, code: int, text: bytes | str) -> str:
        """A reply fit to be kept: one short line, without our password."""
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        for secret in self._secrets():
            words = words.replace(secret, "***")
        words = re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", words).strip()
        return f"{code} {words}"[:200].rstrip()

    def _secrets(self) -> tuple[str, ...]:
        """The password as it stands and as the ways to sign in encode it."""
        if not self.password:
            return ()
        plain = f"\0{self.username}\0{self.password}"
        encoded = (base64.b64encode(each.encode()).decode() for each in (plain, self.password))
        return (*encoded, self.password)


def lost(error: Exception) -> str:
    """How a connection ended."""
    match error:
        case CutError():
            return "was cut off by our stop"
        case TimeoutError():
            return "did not answer in time"
        case NotSmtpError():
            return "answered with what is no reply of SMTP"
    return "hung up"
