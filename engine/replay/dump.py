"""Writing a replay into a database, where everything that reads a ledger can read it."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection

from engine.conditions.catalogue import KEPT
from engine.ledger.commit import decision_row
from engine.replay.memory import Account, Change, Happening, Memory, Row
from engine.state import tables
from engine.state.bulk import insert_rows
from engine.state.healths import write_scores
from engine.state.subjects import TABLES

_BY_ACCOUNT: Sequence[tuple[str, Any]] = (
    ("episodes", tables.Episode),
    ("runs", tables.Run),
    ("steps", tables.StepRow),
    ("tasks", tables.Task),
    ("silences", tables.Silence),
)


def dump(connection: Connection, memory: Memory) -> None:
    """Write everything known and decided into tables that hold nothing of these accounts yet."""
    accounts = list(memory.accounts.values())
    for kind in KEPT:
        rows = [row for each in accounts for row in each.subjects[kind].values()]
        insert_rows(connection, TABLES[kind], rows)
    changes: list[Change] = [each for account in accounts for each in account.changes]
    happenings: list[Happening] = [each for account in accounts for each in account.events]
    _insert(connection, tables.Change, _plain(changes))
    _insert(connection, tables.Event, _plain(happenings))
    _insert(connection, tables.Watch, [_watch(each) for each in accounts])
    waits = [(each.id, source, until) for each in accounts for source, until in each.waits.items()]
    _insert(
        connection,
        tables.Awaited,
        [dict(zip(("account_id", "source", "until"), each, strict=True)) for each in waits],
    )
    for name, model in _BY_ACCOUNT:
        _insert(connection, model, _plain(row for each in accounts for row in getattr(each, name).values()))
    _insert(connection, tables.Outbox, [row for each in accounts for row in each.messages.values()])
    _insert(connection, tables.Hold, _plain(memory.holds.values()))
    _insert(connection, tables.Pause, _plain(memory.pauses))
    _insert(connection, tables.Decision, [decision_row(each) for each in memory.decisions])
    write_scores(connection, [score for each in accounts for score in each.scores.values()])


def _insert(connection: Connection, model: Any, rows: Sequence[Row]) -> None:
    insert_rows(connection, model.__table__, rows)


def _plain(rows: Iterable[Any]) -> list[Row]:
    """Dataclasses whose fields are columns, as rows."""
    return [{each.name: getattr(row, each.name) for each in fields(row)} for row in rows]


def _watch(account: Account) -> Row:
    return {
        "account_id": account.id,
        "revision": account.revision,
        "evaluated_revision": account.evaluated_revision,
        "evaluated_to": account.evaluated_to,
        "due_at": account.due_at,
    }
