"""Receives over SMTP on this machine, in a thread of its own, and files what comes."""

from asyncio import AbstractServer, run_coroutine_threadsafe
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from socket import create_server, socket
from weakref import WeakSet

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from engine.mailbox.store import store_email

LARGEST_MESSAGE = 10 * 1024 * 1024


class MailboxReceiver:
    """An SMTP server that takes every message and delivers none."""

    def __init__(self, folder: Path, host: str, port: int, keep: int, clock: Callable[[], datetime]) -> None:
        """Port 0 takes a free one."""
        self._handler = _Filing(folder, keep, clock)
        self._address = (host, port)
        self._controller: _Server | None = None

    def start(self) -> int:
        """Begin to receive; returns the port. Raises OSError when it is taken."""
        listener = create_server(self._address)
        self._controller = _Server(self._handler, listener)
        self._controller.start()
        return self._controller.port

    def stop(self) -> None:
        """Stop receiving. Harmless when not started."""
        if self._controller is not None:
            self._controller.hang_up()
            self._controller.stop(no_assert=True)
            self._controller = None


class _Server(Controller):
    """A controller on a socket already bound, which hangs up on those still connected."""

    def __init__(self, handler: object, listener: socket) -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(
            handler,
            hostname=host,
            port=port,
            data_size_limit=LARGEST_MESSAGE,
            enable_SMTPUTF8=True,
            ident="mailbox",
        )
        self._listener = listener
        self._sessions: WeakSet[SMTP] = WeakSet()

    def _create_server(self) -> Coroutine[None, None, AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listener)

    def factory(self) -> SMTP:
        """The protocol of one new connection."""
        session: SMTP = super().factory()  # type: ignore[no-untyped-call]
        self._sessions.add(session)
        return session

    def hang_up(self) -> None:
        """Close every open connection."""
        if self.loop.is_running():
            run_coroutine_threadsafe(self._close_all(), self.loop).result(5)

    async def _close_all(self) -> None:
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.close()


class _Filing:
    def __init__(self, folder: Path, keep: int, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._keep = keep
        self._clock = clock

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer only after the message is on disk."""
        content = envelope.original_content or b""
        try:
            name = store_email(self._folder, content, self._clock(), self._keep)
        except OSError as error:
            return f"451 the message cannot be kept: {error.strerror}"
        return f"250 kept as {name}"
