"""The outbox as people see it: one way to read it for the API, the console and the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, func, or_, select

from engine.clock.zones import format_instant, parse_instant
from engine.state.cursor import BadCursorError, read_cursor, write_cursor
from engine.state.tables import Account, Attempt, Outbox, OutboxAct
from engine.users.scope import EVERYTHING, Scope

EntryState = Literal[
    "scheduled",
    "available",
    "executing",
    "retryable",
    "completed",
    "unknown",
    "cancelled",
    "discarded",
]

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_account: Table = Account.__table__  # type: ignore[attr-defined]
_attempt: Table = Attempt.__table__  # type: ignore[attr-defined]
_act: Table = OutboxAct.__table__  # type: ignore[attr-defined]

_COLUMNS = (
    *("id", "run_id", "account_id", "playbook", "step", "contact_id", "connector", "recipient", "topic"),
    *("subject", "state", "attempts", "available_at", "created_at", "finished_at"),
    *("error", "receipt", "waits_for"),
)
_TRIES = ("number", "started_at", "ended_at", "result", "answer")
_ACTS = ("at", "act", "by", "was", "note")


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are wanted; what is None does not narrow."""

    state: EntryState | None = None
    connector: str | None = None
    account_id: str | None = None
    playbook: str | None = None
    since: datetime | None = None
    """Those that ended at or after this instant, or, not having ended, were made then."""
    scope: Scope = EVERYTHING
    """Only those of accounts that somebody may see."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as a query asks it."""
        exact = {
            _outbox.c.state: self.state,
            _outbox.c.connector: self.connector,
            _outbox.c.account_id: self.account_id,
            _outbox.c.playbook: self.playbook,
        }
        found: list[ColumnElement[bool]] = [
            column == value for column, value in exact.items() if value is not None
        ]
        if self.since is not None:
            found.append(func.coalesce(_outbox.c.finished_at, _outbox.c.created_at) >= self.since)
        if not self.scope.is_everything:
            found.append(self.scope.sees(_outbox.c.account_id))
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """One page of entries; `cursor` is where the next begins, or None at the end."""

    entries: tuple[Row[Any], ...]
    """Rows of the outbox without what was rendered, with `account_name`."""
    cursor: str | None


def page(connection: Connection, wanted: EntryFilter, *, limit: int, cursor: str | None = None) -> Page:
    """Entries, newest first. Raises BadCursorError."""
    query = (
        select(*(_outbox.c[name] for name in _COLUMNS), _account.c.name.label("account_name"))
        .outerjoin(_account, _account.c.id == _outbox.c.account_id)
        .where(*wanted.conditions())
    )
    if cursor:
        query = query.where(_beyond(*_read_cursor(cursor)))
    ordered: Any = query.order_by(_outbox.c.created_at.desc(), _outbox.c.id).limit(limit + 1)
    rows = tuple(connection.execute(ordered))
    return Page(rows[:limit], _cursor_after(rows[limit - 1]) if len(rows) > limit else None)


def one(connection: Connection, entry_id: str) -> Row[Any] | None:
    """The entry of that id with what was rendered, and with `account_name`."""
    query = select(_outbox, _account.c.name.label("account_name")).outerjoin(
        _account, _account.c.id == _outbox.c.account_id
    )
    return connection.execute(query.where(_outbox.c.id == entry_id)).one_or_none()


def tries(connection: Connection, entry_id: str) -> Sequence[Row[Any]]:
    """The tries at delivering the entry, in order."""
    query = select(*(_attempt.c[name] for name in _TRIES)).where(_attempt.c.outbox_id == entry_id)
    return connection.execute(query.order_by(_attempt.c.number, _attempt.c.id)).all()


def acts(connection: Connection, entry_id: str) -> Sequence[Row[Any]]:
    """What people did with the entry, and who, in order."""
    query = select(*(_act.c[name] for name in _ACTS)).where(_act.c.outbox_id == entry_id)
    return connection.execute(query.order_by(_act.c.id)).all()


def counts(connection: Connection, column: str, scope: Scope = EVERYTHING) -> dict[str, int]:
    """How many entries somebody may see, by `state` or by `connector`."""
    by = _outbox.c[column]
    query = select(by, func.count()).group_by(by).order_by(by)
    if not scope.is_everything:
        query = query.where(scope.sees(_outbox.c.account_id))
    return {row[0]: row[1] for row in connection.execute(query)}


def entry_json(row: Row[Any]) -> dict[str, Any]:
    """The one JSON form of an entry, on the command line and in the API."""
    return {name: _plain(getattr(row, name)) for name in _COLUMNS} | {"account": row.account_name}


def whole_json(row: Row[Any], attempts: Sequence[Row[Any]], by_hand: Sequence[Row[Any]]) -> dict[str, Any]:
    """An entry with what was rendered, its tries (when, how long, what was answered) and what people did."""
    return {
        **entry_json(row),
        "text": str(row.payload.get("text") or ""),
        "html": row.payload.get("html"),
        "tries": [
            {**{name: _plain(getattr(each, name)) for name in _TRIES}, "seconds": seconds_of(each)}
            for each in attempts
        ],
        "acts": [{name: _plain(getattr(each, name)) for name in _ACTS} for each in by_hand],
    }


def seconds_of(attempt: Row[Any]) -> float | None:
    """How long a try took; None while it is under way."""
    if attempt.ended_at is None:
        return None
    lasted: timedelta = attempt.ended_at - attempt.started_at
    return round(lasted.total_seconds(), 3)


def _plain(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value


def _beyond(created_at: datetime, entry_id: str) -> ColumnElement[bool]:
    same = and_(_outbox.c.created_at == created_at, _outbox.c.id > entry_id)
    return or_(_outbox.c.created_at < created_at, same)


def _cursor_after(row: Row[Any]) -> str:
    return write_cursor([format_instant(row.created_at), row.id])


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        created_at, entry_id = read_cursor(cursor)
        if not isinstance(entry_id, str):
            raise BadCursorError
        return parse_instant(created_at), entry_id.replace("\x00", "")
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadCursorError from error
