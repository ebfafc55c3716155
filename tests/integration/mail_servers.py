"""Real servers on loopback for delivery tests: one that follows a script, and a full SMTP server."""

import asyncio
import socket
import socketserver
import ssl
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller

CUT = "cut"
HANG = "hang"
DRIP = "drip"
FLOOD = "flood"
BREAK = "<cut>"
"""Within an answer: what stands before it is sent as it is, and the connection cut."""

_USUAL = {
    "GREETING": "220 ready",
    "EHLO": "250 scripted",
    "HELO": "250 scripted",
    "STARTTLS": "220 go on",
    "MAIL": "250 sender fine",
    "RCPT": "250 recipient fine",
    "DATA": "354 go on",
    "DOT": "250 queued as 42",
    "RSET": "250 forgotten",
    "QUIT": "221 bye",
    "HANDSHAKE": "go on",
}


@dataclass
class ScriptedServer:
    """What a scripted server was told to do, and what it saw."""

    script: Mapping[str, str | Sequence[str]]
    port: int = 0
    connections: int = 0
    messages: list[bytes] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    stopped: Event = field(default_factory=Event)
    tls: ssl.SSLContext | None = None
    is_secured: bool = False
    """Whether it speaks TLS from the start; otherwise after STARTTLS."""
    longest: int | None = None
    """After so many bytes of a message it goes on as for BODY: it cuts, or hangs."""

    usual: Mapping[str, str] = field(default_factory=lambda: _USUAL)

    def answer(self, step: str) -> str:
        """The scripted answer to a step; the last of several stays."""
        planned = self.script.get(step, self.usual.get(step, "500 what?"))
        answers = [planned] if isinstance(planned, str) else list(planned)
        self.seen[step] += 1
        return answers[min(self.seen[step], len(answers)) - 1]


class ScriptedHandler(socketserver.StreamRequestHandler):
    """One SMTP connection that goes as its server's script says."""

    server: Any
    endless = "250-more"
    """A line after which there must come another."""

    def handle(self) -> None:
        """Talk until one side hangs up."""
        try:
            self._talk(self.server.scripted)
        except (OSError, CutError):
            return

    def _talk(self, scripted: ScriptedServer) -> None:
        scripted.connections += 1
        if scripted.is_secured:
            self._secure(scripted)
        self._say(scripted, "GREETING")
        while line := self.rfile.readline():
            command = line.decode("latin-1").strip()
            scripted.commands.append(command)
            step = command.split(" ")[0].split(":")[0].upper()
            said = self._say(scripted, step)
            if step == "STARTTLS" and said.startswith("220"):
                self._secure(scripted)
            if said.startswith("354"):
                body = self._body(scripted)
                if scripted.answer("ACCEPT") != "no":
                    scripted.messages.append(body)
                self._say(scripted, "DOT")
            if step == "QUIT":
                return

    def _say(self, scripted: ScriptedServer, step: str) -> str:
        answer = self._planned(scripted, step)
        if answer == HANG:
            scripted.stopped.wait(20)
            raise CutError
        while answer == DRIP and not scripted.stopped.wait(0.05):
            self.wfile.write(f"{self.endless}\r\n".encode())
        while answer == FLOOD and not scripted.stopped.is_set():
            self.wfile.write(f"{self.endless}\r\n".encode() * 1000)
        if BREAK in answer:
            self.wfile.write(answer.partition(BREAK)[0].encode())
            raise CutError
        if answer == CUT:
            raise CutError
        self.wfile.write(f"{answer}\r\n".encode())
        return answer

    def _planned(self, scripted: ScriptedServer, step: str) -> str:
        return scripted.answer(step)

    def _secure(self, scripted: ScriptedServer) -> None:
        if scripted.answer("HANDSHAKE") == CUT:
            raise CutError
        if scripted.answer("HANDSHAKE") == HANG:
            scripted.stopped.wait(20)
        assert scripted.tls is not None
        self.request = scripted.tls.wrap_socket(self.request, server_side=True)
        self.rfile = self.request.makefile("rb")
        self.wfile = self.request.makefile("wb", 0)

    def _body(self, scripted: ScriptedServer) -> bytes:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
            if scripted.longest is not None and sum(map(len, lines)) > scripted.longest:
                self._say(scripted, "BODY")
        return b"".join(lines)

    def finish(self) -> None:
        """Also what a handshake put in its place."""
        with suppress(OSError):
            super().finish()
        with suppress(OSError):
            self.request.close()


class CutError(Exception):
    """The script asks for the connection to be cut."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, scripted: ScriptedServer, handler: type[ScriptedHandler]) -> None:
        self.scripted = scripted
        super().__init__(("127.0.0.1", scripted.port), handler)

    def server_bind(self) -> None:
        """With little room for what is not read yet, where it is to stop reading."""
        if self.scripted.longest is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        super().server_bind()


@contextmanager
def scripted_smtp(
    script: Mapping[str, str | Sequence[str]] | None = None, **options: Any
) -> Iterator[ScriptedServer]:
    """An SMTP server that answers as `script` says: a reply, CUT, HANG, DRIP or FLOOD by step."""
    with serving(ScriptedServer(script or {}, **options), ScriptedHandler) as scripted:
        yield scripted


@contextmanager
def serving(scripted: ScriptedServer, handler: type[ScriptedHandler]) -> Iterator[ScriptedServer]:
    """A server on its port, or a free one, that lets `handler` talk."""
    server = _Server(scripted, handler)
    scripted.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield scripted
    finally:
        scripted.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


class KeepingHandler:
    """Keeps what a real server received."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.peers: set[Any] = set()
        """Whence it came: one for each connection."""
        self.pause = 0.0
        """Seconds between taking a message and saying so."""

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Take every message."""
        self.contents.append(envelope.original_content)
        self.peers.add(session.peer)
        if self.pause:
            await asyncio.sleep(self.pause)
        return f"250 queued as {len(self.contents)}"


@contextmanager
def real_smtp(**options: Any) -> Iterator[tuple[int, KeepingHandler]]:
    """A complete SMTP server on a free port."""
    handler = KeepingHandler()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port, handler
    finally:
        controller.stop()


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS context for localhost and 127.0.0.1, and a client's that trusts it."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", str(key), "-out", str(chain), "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(chain, key)
    return server, ssl.create_default_context(cafile=str(chain))


def messages_by_id(contents: Sequence[bytes]) -> dict[str, int]:
    """How often each Message-ID was received."""
    counts: dict[str, int] = defaultdict(int)
    for content in contents:
        for line in content.split(b"\r\n\r\n")[0].split(b"\r\n"):
            if line.lower().startswith(b"message-id:"):
                counts[line.partition(b":")[2].strip().decode()] += 1
    return dict(counts)
