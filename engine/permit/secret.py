"""Keys this installation makes for itself, once."""

from secrets import token_urlsafe

from sqlalchemy import Engine, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.state.database import reading, writing
from engine.state.tables import Secret

_secret: Table = Secret.__table__  # type: ignore[attr-defined]


def installation_secret(database: Engine, name: str) -> str:
    """The key called `name`. The first to ask makes it; of several who ask at once all get the same."""
    wanted = select(_secret.c.value).where(_secret.c.name == name)
    with reading(database) as connection:
        found = connection.scalar(wanted)
    if found is not None:
        return str(found)
    with writing(database) as connection:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(
            insert(_secret).values(name=name, value=token_urlsafe(32)).on_conflict_do_nothing()
        )
        return str(connection.scalar(wanted))
