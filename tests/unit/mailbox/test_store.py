"""The mailbox folder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.message import Letter, build_message, on_the_wire
from engine.mailbox.store import UnknownMessageError, list_messages, read_message, store_chat, store_email

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LETTER = Letter(
    "0123456789abcdef",
    "Zoë <success@acme.example>",
    "ann@x.example",
    "Grüße",
    "Hello\nthere",
    "<p>Hello</p>",
    NOW,
)


def test_read_message_gives_back_what_was_received(tmp_path: Path) -> None:
    """Parsed, with bodies and headers."""
    name = store_email(tmp_path, on_the_wire(build_message(LETTER)), NOW, keep=5)
    message = read_message(tmp_path, name)
    assert (message.kind, message.sender, message.recipient) == ("email", LETTER.sender, LETTER.recipient)
    assert (message.subject, message.date, message.received_at) == ("Grüße", NOW, NOW)
    assert (message.text, message.html) == ("Hello\nthere", "<p>Hello</p>")
    assert ("Auto-Submitted", "auto-generated") in message.headers


def test_list_messages_shows_the_newest_first_and_keeps_no_more_than_asked(tmp_path: Path) -> None:
    """Emails and chat posts in one list, without their bodies."""
    for minute in range(4):
        store_email(tmp_path, f"Subject: {minute}\r\n\r\nx".encode(), NOW + timedelta(minutes=minute), keep=3)
    store_chat(tmp_path, "#cs", "Hi &lt;there&gt;\nmore", NOW + timedelta(minutes=9), keep=3)
    found = list_messages(tmp_path)
    assert [each.subject for each in found] == ["Hi <there>", "3", "2"]
    assert all(not each.text and not each.html for each in found)
    assert read_message(tmp_path, found[0].id).text == "Hi <there>\nmore"
    assert len(list(tmp_path.iterdir())) == 3


def test_list_messages_of_no_folder_is_empty(tmp_path: Path) -> None:
    """Before the first message."""
    assert list_messages(tmp_path / "none") == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00", b"Subject: =?x?q?=\r\nDate: soon\r\n\r\n", b"Content-Type: x/y; a\r\n\r\nz"],
)
def test_store_takes_whatever_comes(tmp_path: Path, content: bytes) -> None:
    """Broken messages are kept and shown as far as they go."""
    name = store_email(tmp_path, content, NOW, keep=5)
    assert read_message(tmp_path, name).id == name
    assert len(list_messages(tmp_path)) == 1


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "", "x.eml", "20260302T090000000000-0123456789abcdef.eml"]
)
def test_read_message_refuses_other_names(tmp_path: Path, name: str) -> None:
    """Nothing outside the folder, nothing that is not there."""
    with pytest.raises(UnknownMessageError):
        read_message(tmp_path, name)
