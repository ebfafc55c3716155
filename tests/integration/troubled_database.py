"""Databases that go away for a while: cut off, locked by somebody else, or on a disk that is full."""

import resource
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from sqlalchemy import Engine, event, make_url

from engine.state.database import open_database
from engine.state.migrate import migrated

AWAY_SECONDS = 0.5


@dataclass
class Trouble:
    """A database, and how to take it away and bring it back."""

    database: Engine
    leave: Callable[[], None]
    come_back: Callable[[], None]
    times: int = field(default=0)

    def strike(self) -> None:
        """Take it away, the first time this is called, for half a second."""
        self.times += 1
        if self.times == 1:
            self.leave()
            timer = Timer(AWAY_SECONDS, self.come_back)
            timer.daemon = True
            timer.start()


@contextmanager
def locked_sqlite(file: Path) -> Iterator[Trouble]:
    """Somebody else holds SQLite's write lock for longer than we wait for it."""
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    def lock() -> None:
        holder.execute("BEGIN EXCLUSIVE")

    with _impatient(file) as database:
        yield Trouble(database, lock, lambda: holder.rollback())
    holder.close()


@contextmanager
def full_disk_sqlite(file: Path) -> Iterator[Trouble]:
    """No file can grow beyond what SQLite has written so far: to it that is a disk without room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = Path(f"{file}-wal")

    def fill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(log.stat().st_size, 1), hard))

    def free() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    try:
        with _impatient(file) as database:
            yield Trouble(database, fill, free)
    finally:
        free()


@contextmanager
def filled_sqlite(file: Path, disk: Path) -> Iterator[Trouble]:
    """The database lies on a small disk, and something else takes the rest of that."""
    other = disk / "filler"

    def fill() -> None:
        with other.open("wb", buffering=0) as taken, suppress(OSError):
            while True:
                taken.write(bytes(512))

    with _impatient(file) as database:
        yield Trouble(database, fill, other.unlink)


@contextmanager
def _impatient(file: Path) -> Iterator[Engine]:
    """The database with little patience for a lock."""
    database = open_database(f"sqlite:///{file}")

    @event.listens_for(database, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    yield database
    database.dispose()


@contextmanager
def lost_postgresql(url: str) -> Iterator[Trouble]:
    """The network between us and the server breaks, and every connection with it."""
    road = _Road(Path(str(make_url(url).query["host"])) / ".s.PGSQL.5432")
    address = make_url(url).set(host="127.0.0.1", port=road.port, query={})
    database = open_database(address.render_as_string(hide_password=False))
    try:
        yield Trouble(database, road.close, road.open)
    finally:
        database.dispose()
        road.close()


@contextmanager
def stopped_postgresql(server: Any) -> Iterator[Trouble]:
    """The server itself is stopped in the middle of everything, and started again."""
    url = server.get_uri()
    migrated(url).dispose()
    database = open_database(url)
    try:
        yield Trouble(database, server.stop, server.start)
    finally:
        database.dispose()


class _Road:
    """Leads from a port of this machine to a server's socket while it is open."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._travellers: set[socket.socket] = set()
        self._entrance = socket.create_server(("127.0.0.1", 0))
        self.port = self._entrance.getsockname()[1]
        self._let_in()

    def open(self) -> None:
        """Let connections through."""
        self._entrance = socket.create_server(("127.0.0.1", self.port))
        self._let_in()

    def close(self) -> None:
        """Cut every connection, and refuse new ones."""
        for each in (self._entrance, *self._travellers):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._travellers.clear()

    def _let_in(self) -> None:
        threading.Thread(target=self._accept, args=(self._entrance,), daemon=True).start()

    def _accept(self, entrance: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = entrance.accept()
                there = socket.socket(socket.AF_UNIX)
                there.connect(str(self._target))
                self._travellers |= {here, there}
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=_carry, args=pair, daemon=True).start()


def _carry(giver: socket.socket, taker: socket.socket) -> None:
    with suppress(OSError):
        while content := giver.recv(65536):
            taker.sendall(content)
    for each in (giver, taker):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
