"""The migrations: same schema as the models, on both databases, whoever starts first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

from engine.state import tables
from engine.state.database import reading, writing
from engine.state.migrate import DatabaseTooNewError, DatabaseUnusableError, migrated, upgrade
from engine.state.migrations import HEAD


def test_migrations_give_the_schema_of_the_models(database: Engine) -> None:
    """A column, index or constraint in one and not in the other is a mistake."""
    with reading(database) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_head_is_the_newest_revision() -> None:
    """HEAD is written by hand, so it is checked."""
    config = Config()
    config.set_main_option("script_location", "engine.state:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_migrated_creates_the_schema_in_a_new_file(tmp_path: Path) -> None:
    """A fresh installation needs nothing but a URL, with any characters in the path."""
    engine = migrated(f"sqlite:///{tmp_path}/new folder/100% mine.db")
    assert inspect(engine).has_table(tables.Account.__tablename__)
    engine.dispose()


def test_migrated_works_in_memory() -> None:
    """One connection is shared, so the schema is there for the next transaction."""
    engine = migrated("sqlite://")
    with reading(engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM account")) == 0
    engine.dispose()


def test_migrated_keeps_what_is_there(tmp_path: Path) -> None:
    """A second start finds the rows of the first."""
    url = f"sqlite:///{tmp_path}/kept.db"
    first = migrated(url)
    with writing(first) as connection:
        connection.execute(text("INSERT INTO account (id) VALUES ('A1')"))
    first.dispose()
    second = migrated(url)
    with reading(second) as connection:
        assert connection.scalar(text("SELECT id FROM account")) == "A1"
    second.dispose()


def test_migrated_is_safe_when_processes_start_together(tmp_path: Path) -> None:
    """The one that comes second waits and finds the work done."""
    url = f"sqlite:///{tmp_path}/raced.db"
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(lambda _: migrated(url), range(4)))
    with reading(engines[0]) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    for each in engines:
        each.dispose()


def test_upgrade_twice_changes_nothing(database: Engine) -> None:
    """Running the revisions again finds none missing."""
    upgrade(database)
    with reading(database) as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [HEAD]


def test_migrated_refuses_a_database_of_a_later_version(tmp_path: Path) -> None:
    """An older program must not write to a schema it does not know."""
    url = f"sqlite:///{tmp_path}/later.db"
    engine = migrated(url)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseTooNewError, match="schema revision 9999, newer than this version"):
        migrated(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "Could not parse"),
        ("foo://somewhere/tminus", "plugin"),
        ("postgresql://tminus@127.0.0.1:1/tminus", "failed"),
        ("sqlite:////proc/none/tminus.db", "No such file or directory"),
    ],
)
def test_a_database_that_does_not_open_is_told_in_a_sentence(url: str, reason: str) -> None:
    """Whatever is wrong with it, the setting to look at is named."""
    with pytest.raises(DatabaseUnusableError, match=f"cannot be opened .*{reason}.*; look at database_url"):
        migrated(url)
