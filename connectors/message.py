"""Builds the message that goes over the wire: multipart, with the headers a polite sender sets."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from hashlib import sha256
from urllib.parse import urlsplit

from connectors.address import Mailbox, parse_mailbox

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_URL = 900


class BadLetterError(ValueError):
    """A letter cannot be made into a message; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One email to one person, rendered."""

    id: str
    """The idempotency key: the same id gives the same Message-ID every time."""
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    sent_at: datetime
    reply_to: str | None = None
    unsubscribe_url: str | None = None


def build_message(letter: Letter) -> EmailMessage:
    """The MIME message of `letter`, byte for byte the same for the same letter.

    Raises BadAddressError for an address, BadLetterError for a subject, a link or a text that cannot be sent.
    """
    sender = parse_mailbox(letter.sender)
    message = EmailMessage(policy=_POLICY)
    message["Message-ID"] = message_id(letter.id, sender.domain)
    message["Date"] = letter.sent_at.astimezone(UTC)
    message["From"] = _header_address(sender)
    message["To"] = _header_address(parse_mailbox(letter.recipient))
    if letter.reply_to:
        message["Reply-To"] = _header_address(parse_mailbox(letter.reply_to))
    message["Subject"] = _checked_subject(letter.subject)
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{_checked_url(letter.unsubscribe_url)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    _set_body(message, letter)
    return message


def message_id(letter_id: str, domain: str) -> str:
    """The Message-ID that belongs to an idempotency key."""
    plain = letter_id if _PLAIN_ID.fullmatch(letter_id) else _digest(letter_id)
    return f"<{plain}@{domain}>"


def _set_body(message: EmailMessage, letter: Letter) -> None:
    try:
        message.set_content(letter.text, cte="quoted-printable")
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    except UnicodeError as error:
        raise BadLetterError("the text holds characters that cannot be written in UTF-8") from error
    # "=_" cannot occur in quoted-printable text, so no line of the letter can be taken for the boundary.
    message.set_boundary(f"=_{_digest(letter.id)}")


def _header_address(mailbox: Mailbox) -> Address:
    return Address(display_name=mailbox.name, addr_spec=mailbox.address)


def _checked_subject(subject: str) -> str:
    if not subject.strip() or _CONTROL.search(subject):
        raise BadLetterError("the subject must be one line of text")
    try:
        subject.encode()
    except UnicodeError as error:
        raise BadLetterError("the subject holds characters that cannot be written in UTF-8") from error
    return subject


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    is_plain = url.isascii() and not re.search(r"[\s<>\"]", url) and len(url) <= _LONGEST_URL
    if parts.scheme not in ("http", "https") or not parts.netloc or not is_plain:
        raise BadLetterError("the unsubscribe link is no web address; see console.public_url")
    return url


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class _UrlHeader(UnstructuredHeader, BaseHeader):
    """A header whose value stays on one line: folding would encode a long link beyond recognition."""

    def fold(self, *, policy: Policy) -> str:
        """The header as it is sent."""
        return f"{self.name}: {self}{policy.linesep}"


def _policy() -> Policy:
    registry = HeaderRegistry()
    registry.map_to_type("list-unsubscribe", _UrlHeader)
    return SMTP.clone(header_factory=registry)


_POLICY = _policy()
