"""Inserting many rows: the statement is compiled and equal values converted once, not once a row."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all have the same columns as the first."""
    if not rows:
        return
    dialect = connection.dialect
    columns = list(rows[0])
    compiled = table.insert().inline().compile(dialect=dialect, column_keys=columns)
    names = compiled.positiontup if compiled.positional else None
    order = columns if names is None else names
    converted = [_converted(connection, table, name, [row[name] for row in rows]) for name in order]
    tuples = list(zip(*converted, strict=True))
    if names is None:
        connection.exec_driver_sql(str(compiled), [dict(zip(order, each, strict=True)) for each in tuples])
    else:
        connection.exec_driver_sql(str(compiled), tuples)


def _converted(connection: Connection, table: Table, name: str, values: list[Any]) -> list[Any]:
    """One column's values as the driver wants them."""
    convert = table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    if convert is None:
        return values
    if any(isinstance(each, dict | list) for each in values):
        return [convert(each) for each in values]
    return _converted_once(convert, values)


def _converted_once(convert: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    known = {value: convert(value) for value in set(values)}
    return [known[value] for value in values]
