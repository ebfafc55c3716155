"""A real IMAP server on loopback, in a process of its own, with an empty mailbox for each test."""

import imaplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from connectors.inbox import Inbox
from tests.integration.mail_servers import free_port

USER, PASSWORD = "bounces", "sEcReT-word"


@dataclass(frozen=True)
class ImapServer:
    """Where it is."""

    inbox: Inbox

    def put(self, *messages: bytes) -> None:
        """Deliver messages, in order."""
        with imaplib.IMAP4("127.0.0.1", self.inbox.port) as client:
            client.login(USER, PASSWORD)
            for each in messages:
                answer, words = client.append("INBOX", "", "", each)
                assert answer == "OK", words

    def flags(self) -> list[bytes]:
        """The flags of every message."""
        with imaplib.IMAP4("127.0.0.1", self.inbox.port) as client:
            client.login(USER, PASSWORD)
            client.select("INBOX", readonly=True)
            return [each for each in client.fetch("1:*", "(FLAGS)")[1] if isinstance(each, bytes)]

    def at(self, **changes: object) -> Inbox:
        """The mailbox with other settings."""
        return replace(self.inbox, **changes)  # type: ignore[arg-type]


@contextmanager
def imap_server(*options: str) -> Iterator[ImapServer]:
    """An IMAP server with one account."""
    port = free_port()
    start = "from pymap.main import main; main()"
    command = [sys.executable, "-c", start, "--host", "127.0.0.1", "--port", str(port)]
    account = ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    with subprocess.Popen([*command, *options, *account], stderr=subprocess.DEVNULL) as process:
        try:
            _await(port)
            inbox = Inbox("127.0.0.1", USER, PASSWORD, port, "none", timeout=5.0)
            yield ImapServer(inbox)
        finally:
            process.kill()


def _await(port: int) -> None:
    for _ in range(300):
        try:
            imaplib.IMAP4("127.0.0.1", port, timeout=5).logout()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the IMAP server does not listen")
