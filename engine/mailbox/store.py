"""A folder of received messages: one file each, written whole or not at all, the newest kept."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.policy import default as default_policy
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from engine.identity import digest

_NAME = re.compile(r"(?P<at>\d{8}T\d{12})-[0-9a-f]{16}\.(?P<kind>eml|json)")
_STAMP = "%Y%m%dT%H%M%S%f"


class UnknownMessageError(LookupError):
    """There is no message of that id in the mailbox."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One received email or chat post. `id` names its file; lists have `html`, `text` and `headers` empty."""

    id: str
    kind: Literal["email", "chat"]
    received_at: datetime
    sender: str
    recipient: str
    subject: str
    date: datetime | None = None
    html: str = ""
    text: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def store_email(folder: Path, content: bytes, received_at: datetime, keep: int) -> str:
    """Keep one received message; returns its id. Of the whole folder the newest `keep` stay."""
    return _write(folder, content, "eml", received_at, keep)


def store_chat(folder: Path, channel: str, text: str, received_at: datetime, keep: int = 500) -> str:
    """Keep one post to a chat channel; returns its id."""
    content = json.dumps({"channel": channel, "text": text}, ensure_ascii=False).encode()
    return _write(folder, content, "json", received_at, keep)


def list_messages(folder: Path, limit: int = 500) -> tuple[StoredMessage, ...]:
    """The newest messages, without their bodies. One that cannot be read is left out."""
    found = []
    for name in _names(folder)[:limit]:
        try:
            found.append(_read(folder, name, whole=False))
        except UnknownMessageError:
            continue
    return tuple(found)


def read_message(folder: Path, message_id: str) -> StoredMessage:
    """One message with its bodies and headers. Raises UnknownMessageError.

    The HTML is as it was sent: whoever shows it has to keep it apart from its own page.
    """
    return _read(folder, message_id, whole=True)


def _write(folder: Path, content: bytes, kind: str, received_at: datetime, keep: int) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = received_at.astimezone(UTC).strftime(_STAMP)
    name = f"{stamp}-{digest(stamp, content.decode('latin-1'))}.{kind}"
    unfinished = folder / f".{name}.part"
    unfinished.write_bytes(content)
    os.replace(unfinished, folder / name)
    for old in _names(folder)[keep:]:
        (folder / old).unlink(missing_ok=True)
    return name


def _names(folder: Path) -> list[str]:
    """Newest first."""
    if not folder.is_dir():
        return []
    return sorted((name for name in os.listdir(folder) if _NAME.fullmatch(name)), reverse=True)


def _read(folder: Path, name: str, *, whole: bool) -> StoredMessage:
    shape = _NAME.fullmatch(name)
    if not shape:
        raise UnknownMessageError(f'there is no message "{name[:80]}"')
    received_at = datetime.strptime(shape["at"], _STAMP).replace(tzinfo=UTC)
    try:
        content = (folder / name).read_bytes()
        parse = _parse_email if shape["kind"] == "eml" else _parse_chat
        return parse(name, received_at, content, whole=whole)
    except (OSError, ValueError, KeyError, MessageError) as error:
        raise UnknownMessageError(f'there is no message "{name}"') from error


def _parse_chat(name: str, received_at: datetime, content: bytes, *, whole: bool) -> StoredMessage:
    post: Mapping[str, str] = json.loads(content)
    text = _as_shown(str(post["text"]))
    first_line = text.strip().partition("\n")[0][:120]
    return StoredMessage(
        name,
        "chat",
        received_at,
        "",
        str(post["channel"]),
        first_line,
        received_at,
        text=text if whole else "",
    )


def _as_shown(text: str) -> str:
    """A post as a reader sees it: the three characters that chat wants escaped, as themselves."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _parse_email(name: str, received_at: datetime, content: bytes, *, whole: bool) -> StoredMessage:
    message = message_from_bytes(content, policy=default_policy)
    return StoredMessage(
        name,
        "email",
        received_at,
        str(message.get("From", "")),
        str(message.get("To", "")),
        str(message.get("Subject", "")),
        _date(message),
        html=_body(message, "html") if whole else "",
        text=_body(message, "plain") if whole else "",
        headers=tuple((key, str(value)) for key, value in message.items()) if whole else (),
    )


def _date(message: Message) -> datetime | None:
    try:
        return parsedate_to_datetime(str(message["Date"])) if message["Date"] else None
    except ValueError:
        return None


def _body(message: Message, kind: Literal["html", "plain"]) -> str:
    part = message.get_body((kind,)) if isinstance(message, EmailMessage) else None
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, UnicodeError):
        return str(part.get_payload(decode=False))
