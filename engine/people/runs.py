"""Runs as people see them: which there were, and what became of their steps."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from engine.people.plain import plain_row
from engine.state import keyset
from engine.state.keyset import Key, Page
from engine.state.tables import Account, Run, StepRow
from engine.users.scope import EVERYTHING, Scope

RunState = Literal["open", "ended"]

_RUN: Table = Run.__table__  # type: ignore[attr-defined]
_STEP: Table = StepRow.__table__  # type: ignore[attr-defined]
_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]

_COLUMNS = (
    *("id", "playbook", "version", "account_id", "kind", "subject_id", "key", "generation", "state"),
    *("started_at", "anchor", "outcome", "ended_at", "reason"),
)
_STEPS = (
    *("step", "occurrence", "state", "due_on", "act_at", "acted_at", "settled_at", "outcome", "reason"),
    "branch",
)
_NEWEST_FIRST = (
    Key(_RUN.c.started_at, "started_at", datetime, is_descending=True),
    Key(_RUN.c.id, "id", str),
)


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted; what is None does not narrow."""

    account_id: str | None = None
    playbook: str | None = None
    subject_id: str | None = None
    state: RunState | None = None
    outcome: str | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """The filter as a query asks it."""
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None:
                yield _RUN.c[name] == value


def page(
    connection: Connection,
    wanted: RunFilter,
    *,
    limit: int,
    cursor: str | None = None,
    scope: Scope = EVERYTHING,
) -> Page[Row[Any]]:
    """Runs that somebody may see, with their accounts' names, the newest first. Raises BadCursorError."""
    query = _query().where(*wanted.conditions())
    if not scope.is_everything:
        query = query.where(scope.sees(_RUN.c.account_id))
    return keyset.page(connection, query, _NEWEST_FIRST, limit=limit, cursor=cursor)


def one(connection: Connection, run_id: str) -> Row[Any] | None:
    """The run of that id."""
    return connection.execute(_query().where(_RUN.c.id == run_id)).one_or_none()


def steps(connection: Connection, run_ids: Iterable[str]) -> Mapping[str, list[Row[Any]]]:
    """What became of the steps of each of the runs, in the order in which they were due."""
    found: dict[str, list[Row[Any]]] = {run_id: [] for run_id in run_ids}
    query = select(_STEP.c.run_id, *(_STEP.c[name] for name in _STEPS)).where(_STEP.c.run_id.in_(found))
    for row in connection.execute(
        query.order_by(_STEP.c.run_id, _STEP.c.due_on, _STEP.c.step, _STEP.c.occurrence)
    ):
        found[row.run_id].append(row)
    return found


def run_json(row: Row[Any]) -> dict[str, Any]:
    """The one JSON form of a run."""
    return {**plain_row(row, _COLUMNS), "account": row.account_name}


def step_json(row: Row[Any]) -> dict[str, Any]:
    """The one JSON form of a step of a run."""
    return plain_row(row, _STEPS)


def _query() -> Select[Any]:
    columns = [_RUN.c[name] for name in _COLUMNS]
    return select(*columns, _ACCOUNT.c.name.label("account_name")).outerjoin(
        _ACCOUNT, _ACCOUNT.c.id == _RUN.c.account_id
    )
