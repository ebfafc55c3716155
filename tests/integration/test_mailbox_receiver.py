"""The local mailbox, receiving what the SMTP connector sends."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.outcome import Delivered, Retry
from connectors.smtp import SmtpConnector
from engine.mailbox.receiver import MailboxReceiver
from engine.mailbox.store import list_messages, read_message

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_receiver_files_what_it_is_sent(tmp_path: Path) -> None:
    """On a free port; what is acknowledged is on disk; stopping hangs up on those connected."""
    receiver = MailboxReceiver(tmp_path / "mailbox", "127.0.0.1", 0, keep=5, clock=lambda: NOW)
    port = receiver.start()
    connector = SmtpConnector("127.0.0.1", port, "none", timeout=5)
    outcome = connector.send(b"Subject: hi\r\n\r\n.dot", "a@x.example", "b@x.example")
    receiver.stop()
    connector.close()
    assert isinstance(outcome, Delivered)
    (message,) = list_messages(tmp_path / "mailbox")
    assert message.subject == "hi"
    assert read_message(tmp_path / "mailbox", message.id).text.strip() == ".dot"


def test_receiver_asks_to_come_again_when_it_cannot_keep_a_message(tmp_path: Path) -> None:
    """A message that is not on disk is not acknowledged."""
    blocked = tmp_path / "mailbox"
    blocked.write_text("a file where the folder should be")
    receiver = MailboxReceiver(blocked, "127.0.0.1", 0, keep=5, clock=lambda: NOW)
    connector = SmtpConnector("127.0.0.1", receiver.start(), "none", timeout=5)
    outcome = connector.send(b"Subject: hi\r\n\r\nx", "a@x.example", "b@x.example")
    connector.close()
    receiver.stop()
    assert isinstance(outcome, Retry)
    assert "451 the message cannot be kept" in outcome.reason


def test_receiver_says_when_its_port_is_taken(tmp_path: Path) -> None:
    """Instead of two mailboxes, one of them silent."""
    first = MailboxReceiver(tmp_path, "127.0.0.1", 0, keep=5, clock=lambda: NOW)
    port = first.start()
    second = MailboxReceiver(tmp_path, "127.0.0.1", port, keep=5, clock=lambda: NOW)
    with pytest.raises(OSError, match="Address already in use"):
        second.start()
    second.stop()
    first.stop()
