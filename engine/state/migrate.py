"""Brings a database to the schema this version works with."""

from importlib import import_module

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.state.database import open_database, reading, writing
from engine.state.migrations import HEAD

_LOCK = 7_446_853_301
"""An advisory lock number of our own, so that two starting processes migrate one after the other."""


class DatabaseUnusableError(RuntimeError):
    """The database cannot be opened; the message is a sentence that says why and where to look."""


class DatabaseTooNewError(DatabaseUnusableError):
    """The database was written by a newer version, which knows revisions this one does not."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"the database is at schema revision {revision}, newer than this version of Tminus ({HEAD}); "
            "install the version that last used it, or restore a backup made before"
        )


def migrated(url: str) -> Engine:
    """Open the database at `url` and bring its schema to HEAD; safe when several processes start at once.

    Raises DatabaseTooNewError for a database of a later version, and DatabaseUnusableError for one that does
    not open.
    """
    try:
        return _migrated(url)
    except (SQLAlchemyError, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = str(cause).partition("\n")[0]
        raise DatabaseUnusableError(
            f"the database cannot be opened ({reason}); look at database_url"
        ) from error


def _migrated(url: str) -> Engine:
    engine = open_database(url)
    try:
        with reading(engine) as connection:
            is_current = _revision(connection) == HEAD
        if not is_current:
            upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def upgrade(engine: Engine) -> None:
    """Run the missing revisions in one write transaction. Raises DatabaseTooNewError."""
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        config = _config(connection)
        current = _revision(connection)
        known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise DatabaseTooNewError(current)
        command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    import_module("engine.state.tables")
    config = Config()
    config.set_main_option("script_location", "engine.state:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    """The schema's revision; None for a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
