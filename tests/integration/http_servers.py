"""A real HTTP server on loopback that answers as told, byte for byte, or breaks off where it is told."""

import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Literal

PATH = "/services/T000/B000/sEcReT"

Point = Literal["accepted", "head", "request"]
"""How much it takes before it answers: a connection, the head of a request, all of it."""


@dataclass
class Webhook:
    """A server that gives one raw answer, and what it was sent."""

    answer: bytes
    hangs: bool = False
    """Whether it keeps the connection open after the answer instead of closing it."""
    drips: bool = False
    """Whether it goes on after the answer with a byte now and then."""
    after: Point = "request"
    tls: ssl.SSLContext | None = None
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        """The secret address."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}{PATH}"


class _Handler(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        webhook: Webhook = self.server.webhook
        if webhook.after == "accepted" or self._take(webhook):
            self._answer(webhook)

    def _take(self, webhook: Webhook) -> bool:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return False
            head += line
        if webhook.after == "request":
            lines = head.lower().split(b"\r\n")
            length = next(int(each[15:]) for each in lines if each.startswith(b"content-length:"))
            webhook.requests.append(head + self.rfile.read(length))
        return True

    def _answer(self, webhook: Webhook) -> None:
        self.wfile.write(webhook.answer)
        self.wfile.flush()
        while webhook.drips and not webhook.stopped.wait(0.05):
            try:
                self.wfile.write(b"x")
                self.wfile.flush()
            except OSError:
                return
        if webhook.hangs:
            webhook.stopped.wait(10)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    webhook: Webhook

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Speak TLS where there is a context for it, and leave a client alone that does not come along."""
        self.webhook.connections += 1
        try:
            if self.webhook.tls is None:
                super().finish_request(request, client_address)
                return
            with self.webhook.tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError:
            return


@contextmanager
def webhook(answer: str | bytes, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Webhook]:
    """A server on a free port that answers every request with `answer`."""
    content = answer if isinstance(answer, bytes) else answer.replace("\n", "\r\n").encode()
    found = Webhook(content, tls=tls, **options)
    server = _Server(("127.0.0.1", found.port), _Handler)
    server.webhook = found
    found.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield found
    finally:
        found.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def reply(status: str, body: str = "", headers: str = "") -> str:
    """A raw HTTP answer."""
    return f"HTTP/1.1 {status}\nContent-Length: {len(body)}\nConnection: close\n{headers}\n{body}"
