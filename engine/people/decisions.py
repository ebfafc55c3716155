"""The ledger as people see it: every yes and no that matters, with its reason and evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from engine.people.plain import plain_row
from engine.state import keyset
from engine.state.keyset import Key, Page
from engine.state.tables import Account, Decision
from engine.users.scope import EVERYTHING, Scope

_DECISION: Table = Decision.__table__  # type: ignore[attr-defined]
_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]

_COLUMNS = (
    *("id", "at", "playbook", "account_id", "kind", "subject_id", "step", "answer", "reason"),
    *("evidence", "run_id"),
)
_NEWEST_FIRST = (
    Key(_DECISION.c.at, "at", datetime, is_descending=True),
    Key(_DECISION.c.id, "id", int, is_descending=True),
)


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions are wanted; what is None does not narrow."""

    account_id: str | None = None
    playbook: str | None = None
    subject_id: str | None = None
    run_id: str | None = None
    answer: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    scope: Scope = EVERYTHING
    """Only those of accounts that somebody may see."""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The filter as a query asks it."""
        for name in ("account_id", "playbook", "subject_id", "run_id", "answer"):
            value = getattr(self, name)
            if value is not None:
                yield _DECISION.c[name] == value
        if self.since is not None:
            yield _DECISION.c.at >= self.since
        if self.before is not None:
            yield _DECISION.c.at < self.before
        if not self.scope.is_everything:
            yield self.scope.sees(_DECISION.c.account_id)


def page(
    connection: Connection, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
) -> Page[Row[Any]]:
    """Decisions with the names of their accounts, the newest first. Raises BadCursorError."""
    columns = [_DECISION.c[name] for name in _COLUMNS]
    query = (
        select(*columns, _ACCOUNT.c.name.label("account_name"))
        .outerjoin(_ACCOUNT, _ACCOUNT.c.id == _DECISION.c.account_id)
        .where(*wanted.conditions())
    )
    return keyset.page(connection, query, _NEWEST_FIRST, limit=limit, cursor=cursor)


def decision_json(row: Row[Any]) -> dict[str, Any]:
    """The one JSON form of a decision. `evidence` has the values compared."""
    return {**plain_row(row, _COLUMNS), "account": row.account_name}
