"""Insert or update, the same on SQLite and on PostgreSQL."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
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
    statement = _statement(connection.dialect.name, table, tuple(rows[0]), tuple(by), keep)
    connection.execute(statement, list(rows))


@lru_cache(maxsize=256)
def _statement(
    dialect_name: str, table: Table, columns: tuple[str, ...], by: tuple[str, ...], keep: bool
) -> Any:
    """The statement for rows of these columns: writing it anew takes longer than a small one's execution."""
    dialect: Any = sqlite if dialect_name == "sqlite" else postgresql
    statement = dialect.insert(table)
    keys = list(by) or [column.name for column in table.primary_key]
    changing = {name: statement.excluded[name] for name in columns if name not in keys}
    if keep or not changing:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=changing)
