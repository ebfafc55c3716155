"""Builds the message that goes over the wire: multipart, with the headers a polite sender sets."""

import re
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from hashlib import sha256
from urllib.parse import urlsplit

from connectors.address import Mailbox, parse_mailbox

_PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LONGEST_URL = 900
_LONGEST_LABEL = 63
_LONGEST_WORD = 75
"""Characters of an encoded word (RFC 2047, section 2)."""
_LONGEST_UNFOLDED = 60
"""Characters that fit on the first line of a header, behind its name."""


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
    """Whoever can unsubscribe gets mail to many; a letter without it is to one person alone."""
    topic: str | None = None
    """What the letter is about, as mail programs group and filter it."""
    feedback: tuple[str, ...] = ()
    """What complaints are counted by at mailbox providers, the sender last."""


@dataclass(frozen=True, slots=True)
class Message:
    """A MIME message, ready to be written."""

    headers: Mapping[str, str]
    """In order; encoded, and folded where they must be."""
    body: str
    """In ASCII, its lines ended by CRLF."""


def build_message(letter: Letter) -> Message:
    """The MIME message of `letter`, byte for byte the same for the same letter.

    It is put together here because the standard library's writer takes ten times as long: it folds every
    header anew, and copies every part twice.

    Raises BadAddressError for an address, BadLetterError for a subject, a link or a text that cannot be sent.
    """
    sender = parse_mailbox(letter.sender)
    # "=_" cannot occur in quoted-printable text, so no line of the letter can be taken for the boundary.
    boundary = f"=_{_digest(letter.id)}"
    headers = _headers(letter, sender)
    headers["MIME-Version"] = "1.0"
    headers["Content-Type"] = f'multipart/alternative; boundary="{boundary}"'
    parts = (_part("plain", letter.text), _part("html", letter.html))
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return Message(headers, body)


def _headers(letter: Letter, sender: Mailbox) -> dict[str, str]:
    found = {
        "Message-ID": message_id(letter.id, sender.domain),
        "Date": format_datetime(letter.sent_at.astimezone(UTC)),
        "From": _header_address("From", sender),
        "To": _header_address("To", parse_mailbox(letter.recipient)),
    }
    if letter.reply_to:
        found["Reply-To"] = _header_address("Reply-To", parse_mailbox(letter.reply_to))
    found["Subject"] = _words("Subject", _checked_subject(letter.subject))
    found["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url:
        found["Precedence"] = "bulk"
        if letter.topic:
            found["List-Id"] = f"<{_label(letter.topic)}.{sender.domain}>"
        found["List-Unsubscribe"] = f"<{_checked_url(letter.unsubscribe_url)}>"
        found["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if letter.feedback:
        found["Feedback-ID"] = ":".join(map(_label, letter.feedback))
    return found


def on_the_wire(message: Message) -> bytes:
    """The message as a server is given it, before dots are doubled."""
    head = "".join(f"{name}: {value}\r\n" for name, value in message.headers.items())
    return f"{head}\r\n{message.body}".encode("ascii")


def message_id(letter_id: str, domain: str) -> str:
    """The Message-ID that belongs to an idempotency key."""
    plain = letter_id if _PLAIN_ID.fullmatch(letter_id) else _digest(letter_id)
    return f"<{plain}@{domain}>"


def _part(subtype: str, text: str) -> str:
    """One rendering, in quoted-printable UTF-8, with its headers."""
    try:
        content = re.sub(r"\r\n?", "\n", text).encode()
    except UnicodeError as error:
        raise BadLetterError("the text holds characters that cannot be written in UTF-8") from error
    written = b2a_qp(content, istext=True).decode("ascii").replace("\n", "\r\n")
    kind = f'Content-Type: text/{subtype}; charset="utf-8"'
    return f"{kind}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{written}"


def _header_address(header: str, mailbox: Mailbox) -> str:
    if mailbox.name.isascii():
        return formataddr((mailbox.name, mailbox.address))
    return f"{_words(header, mailbox.name)} <{mailbox.address}>"


def _words(header: str, text: str) -> str:
    """Text of any script as a header holds it (RFC 2047), folded."""
    charset = "us-ascii" if _is_plain(text) else "utf-8"
    return Header(text, charset, maxlinelen=_LONGEST_WORD, header_name=header).encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    """Whether the text can stand as it is: it folds at its spaces, and nothing in it reads as encoded."""
    return text.isascii() and "=?" not in text and max(map(len, text.split(" "))) <= _LONGEST_UNFOLDED


def _label(name: str) -> str:
    """A name as a header can hold it whatever it is: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:_LONGEST_LABEL] or "none"


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
