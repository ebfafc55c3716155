"""One door to the database: engines set up alike, and write transactions that take their lock first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool


def open_database(url: str) -> Engine:
    """An engine for SQLite (WAL, busy timeout 30 s) or PostgreSQL (session time zone UTC).

    Its errors do not show the values that were to be written: they may be anybody's address.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    return create_engine(parsed, pool_pre_ping=True, hide_parameters=True, connect_args=_POSTGRESQL)


_POSTGRESQL = {
    "options": "-c timezone=utc",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that has gone without a word is noticed within a minute or so, and not after hours."""


def _with_driver(url: URL) -> URL:
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _open_sqlite(url: URL) -> Engine:
    connect_args = {"timeout": 30, "check_same_thread": False}
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, hide_parameters=True, connect_args=connect_args)
    else:
        engine = create_engine(url, hide_parameters=True, connect_args=connect_args, poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def configure(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=30000", "cache_size=-65536"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A write transaction. On SQLite it takes the write lock at once, so that it never fails half-way."""
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, and sees one snapshot on SQLite."""
    with engine.connect() as connection, connection.begin():
        yield connection
