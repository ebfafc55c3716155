"""What the database says at the operators' edges: the last column of docs/operators.md."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from engine.conditions.catalogue import Kind, Value, encode
from engine.conditions.narrowing import bounds
from engine.narrow.columns import SubjectColumns
from engine.state import tables
from engine.state.subjects import TABLES
from tests.operator_edges import Edge

ACCOUNT: Any = tables.Account.__table__  # type: ignore[attr-defined]
_MEMBERS = {kind: TABLES[kind] for kind in (Kind.CONTACT, Kind.SUBSCRIPTION)}
_CHANGE: Any = tables.Change.__table__  # type: ignore[attr-defined]
_EVENT: Any = tables.Event.__table__  # type: ignore[attr-defined]


def write_edge(connection: Connection, edge: Edge) -> None:
    """Write the edge's account, with its past and its events, in place of what was written before."""
    for table in (ACCOUNT, _CHANGE, _EVENT, *_MEMBERS.values()):
        connection.execute(table.delete())
    values = edge.book.account
    connection.execute(ACCOUNT.insert().values(id="acme", timezone=edge.zone, **values))
    for kind, table in _MEMBERS.items():
        for identity, known in edge.book.subjects[kind].items():
            connection.execute(table.insert().values(id=identity, account_id="acme", **known))
    if edge.predicate.field is not None:
        _write_past(connection, edge, edge.predicate.field.name, values)
    for number, (ago, carried) in enumerate(edge.happened):
        when = edge.at - ago
        row = {
            "id": str(number), "account_id": "acme", "name": edge.event, "occurred_at": when,
            "properties": carried,
        }  # fmt: skip
        connection.execute(_EVENT.insert().values(**row, recorded_at=when, applies_at=when, revision=1))


def _write_past(connection: Connection, edge: Edge, name: str, values: dict[str, Value]) -> None:
    old = None
    for ago, past in edge.past:
        new = encode(Decimal(str(past))) if isinstance(past, int | float) else past
        _write_change(connection, name, old, new, edge.at - ago)
        old = new
    if (present := encode(values.get(name))) != old:
        _write_change(connection, name, old, present, edge.at - timedelta(seconds=1))


def _write_change(connection: Connection, name: str, old: Any, new: Any, when: datetime) -> None:
    connection.execute(
        _CHANGE.insert().values(
            account_id="acme", kind=Kind.ACCOUNT, subject_id="acme", field=name, old=old, new=new,
            effective_at=when, recorded_at=when, applies_at=when, superseded=False, revision=1, source="",
        )
    )  # fmt: skip


def database_words(connection: Connection, edge: Edge) -> str:
    """What the database says of an edge that is written: yes, no, unknown or unsure; not asked of moments."""
    if edge.is_moment or edge.started is not None or edge.step is not None or edge.predicate.step is not None:
        return "not asked"
    columns = SubjectColumns(Kind.ACCOUNT, edge.at, connection.dialect.name == "sqlite", edge.book.feeds)
    found = bounds(edge.predicate, columns)
    low, high = connection.execute(select(found.low, found.high).select_from(columns.source)).one()
    if low:
        return "yes"
    if high is not None and not high:
        return "no"
    return "unknown" if low is None and high is None else "unsure"
