"""What there is to know of an SMTP server: where it is, how to sign in, and how to word what it says."""

import base64
import re
import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Literal

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

    def open(self) -> smtplib.SMTP:
        """A connection on which we are signed in. Raises OSError, smtplib.SMTPException."""
        name = socket.gethostname() or "localhost"
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=name, timeout=self.timeout, context=self._trust()
            )
        return smtplib.SMTP(self.host, self.port, local_hostname=name, timeout=self.timeout)

    def greet(self, client: smtplib.SMTP) -> None:
        """Secure the connection and sign in. Raises OSError, smtplib.SMTPException."""
        client.ehlo_or_helo_if_needed()
        if self.security == "starttls":
            client.starttls(context=self._trust())
            client.ehlo_or_helo_if_needed()
        if self.username:
            client.login(self.username, self.password)

    def _trust(self) -> ssl.SSLContext:
        return self.tls or ssl.create_default_context()

    def why_unreachable(self, error: Exception) -> str:
        """What kept a connection from coming about, in words for the one who configures it."""
        where = f"{self.host}:{self.port}"
        match error:
            case ssl.SSLCertVerificationError():
                return f"{where} shows a certificate that is not trusted: {error.verify_message}"
            case ssl.SSLError():
                return f"{where} does not speak TLS here; see the connector's port and security"
            case smtplib.SMTPNotSupportedError() if self.security == "starttls":
                return f"{where} offers no STARTTLS, or no sign-in; see the connector's security"
            case smtplib.SMTPAuthenticationError():
                return f"{where} refused the sign-in with {self.words(error.smtp_code, error.smtp_error)}"
            case smtplib.SMTPResponseException():
                return f"{where} is not ready: {self.words(error.smtp_code, error.smtp_error)}"
            case socket.gaierror():
                return f"{where}: there is no such host"
            case ConnectionRefusedError():
                return f"{where} refused the connection"
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
    return "did not answer in time" if "timed out" in str(error) else "hung up"
