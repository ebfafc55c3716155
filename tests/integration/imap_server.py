"""IMAP servers on loopback: a real one in a process of its own, and one that follows a script."""

import imaplib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from connectors.inbox import Inbox
from tests.integration.mail_servers import ScriptedHandler, ScriptedServer, free_port, serving

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


_USUAL = {
    "GREETING": "* OK ready",
    "CAPABILITY": "* CAPABILITY IMAP4rev1\r\nTAG OK done",
    "LOGIN": "TAG OK welcome",
    "EXAMINE": "* 2 EXISTS\r\nTAG OK [READ-ONLY] done",
    "STATUS": '* STATUS "INBOX" (UIDVALIDITY 7)\r\nTAG OK done',
    "LOGOUT": "* BYE\r\nTAG OK done",
    "HANDSHAKE": "go on",
}


class _ImapHandler(ScriptedHandler):
    """Answers to a command by its name, with TAG in place of the client's tag and LINE of what it said."""

    endless = "* OK still here"
    tag = ""
    line = ""

    def _talk(self, scripted: ScriptedServer) -> None:
        if scripted.is_secured:
            self._secure(scripted)
        self._say(scripted, "GREETING")
        while line := self.rfile.readline():
            self.line = line.decode("latin-1").strip()
            self.tag, *words = self.line.split(" ")
            step = " ".join(words[:2] if words[0] == "UID" else words[:1]).upper()
            if step == "UID FETCH":
                step += f" {words[2]}"
            self._say(scripted, step)
            if step == "STARTTLS":
                self._secure(scripted)

    def _planned(self, scripted: ScriptedServer, step: str) -> str:
        return scripted.answer(step).replace("TAG", self.tag).replace("LINE", self.line)


@contextmanager
def scripted_imap(
    messages: Sequence[bytes], script: Mapping[str, str | Sequence[str]], **options: Any
) -> Iterator[ScriptedServer]:
    """A mailbox with messages that answers as `script` says: a reply, CUT, HANG, DRIP or FLOOD by command."""
    numbers = range(1, len(messages) + 1)
    usual = _USUAL | {"UID SEARCH": f"* SEARCH {' '.join(map(str, numbers))}\r\nTAG OK done"}
    for number, content in zip(numbers, messages, strict=True):
        head = f'* {number} FETCH (UID {number} INTERNALDATE "02-Mar-2026 09:00:00 +0000" BODY[]<0>'
        usual[f"UID FETCH {number}"] = f"{head} {{{len(content)}}}\r\n{content.decode()})\r\nTAG OK done"
    with serving(ScriptedServer(script, usual=usual, **options), _ImapHandler) as scripted:
        yield scripted
