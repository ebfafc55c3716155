"""Insert or update, the same on SQLite and on PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: bool = False,
    by: Sequence[str] = (),
) -> None:
    """Write `rows`, which all have the same columns, by primary key or by the unique columns `by`.

    A row that exists takes the new values; with `keep`, it stays as it is.
    """
    if not rows:
        return
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table)
    keys = list(by) or [column.name for column in table.primary_key]
    changing = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    if keep or not changing:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    else:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changing)
    connection.execute(statement, list(rows))
