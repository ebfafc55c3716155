"""Inserting many rows: the statement is compiled and equal values converted once, not once a row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table

_Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Insert:
    """A compiled insertion of some columns."""

    text: str
    order: tuple[str, ...]
    converters: tuple[_Converter | None, ...]
    is_positional: bool


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all have the same columns as the first."""
    if not rows:
        return
    insert = _compiled(connection.dialect, table, tuple(rows[0]))
    columns = [
        _converted(convert, [row[name] for row in rows])
        for name, convert in zip(insert.order, insert.converters, strict=True)
    ]
    tuples = list(zip(*columns, strict=True))
    if insert.is_positional:
        connection.exec_driver_sql(insert.text, tuples)
    else:
        connection.exec_driver_sql(
            insert.text, [dict(zip(insert.order, each, strict=True)) for each in tuples]
        )


@lru_cache(maxsize=256)
def _compiled(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> _Insert:
    compiled = table.insert().inline().compile(dialect=dialect, column_keys=list(columns))
    names = compiled.positiontup if compiled.positional else None
    order = columns if names is None else tuple(names)
    converters = tuple(table.c[each].type.dialect_impl(dialect).bind_processor(dialect) for each in order)
    return _Insert(str(compiled), order, converters, names is not None)


def _converted(convert: _Converter | None, values: list[Any]) -> list[Any]:
    """One column's values as the driver wants them."""
    if convert is None:
        return values
    if any(isinstance(each, dict | list) for each in values):
        return [convert(each) for each in values]
    known = {value: convert(value) for value in set(values)}
    return [known[value] for value in values]
