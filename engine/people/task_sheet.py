"""Everything that somebody who works on a task wants to see beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Table, case, select

from engine.people import queue, runs
from engine.people.queue import QueueTask
from engine.runs.task_log import LogEntry, read_log
from engine.state.importance import Importance, importance
from engine.state.tables import Account, Contact, Person, Run, Task

MOST_CONTACTS = 6

_ACCOUNT: Table = Account.__table__  # type: ignore[attr-defined]
_CONTACT: Table = Contact.__table__  # type: ignore[attr-defined]
_PERSON: Table = Person.__table__  # type: ignore[attr-defined]
_RUN: Table = Run.__table__  # type: ignore[attr-defined]
_TASK: Table = Task.__table__  # type: ignore[attr-defined]

_ESSENTIALS = ("id", "name", "segment", "stage", "plan", "arr", "health", "renews_on", "timezone")
_ROLES = ("champion", "economic_buyer", "executive_sponsor", "technical_owner")
"""Whom to speak to first."""


@dataclass(frozen=True, slots=True)
class TaskSheet:
    """A task with its account, its run, whom to speak to, and what was done with it."""

    task: QueueTask
    account: Any
    """What is most worth knowing of it, None for a source."""
    contacts: Sequence[Row[Any]]
    run: Any
    """When it started, why, and how it stands; None where it is gone."""
    steps: Sequence[Row[Any]]
    evidence: Sequence[dict[str, Any]]
    """The conditions that started the run, with the values found."""
    log: Sequence[LogEntry]
    importance: Importance


def read_sheet(connection: Connection, task_id: str) -> TaskSheet | None:
    """The sheet of a task; None when there is no such task."""
    task = queue.one(connection, task_id)
    if task is None:
        return None
    account = essentials(connection, [task.account_id]).get(task.account_id)
    run = connection.execute(
        select(_RUN.c.started_at, _RUN.c.state, _RUN.c.outcome, _RUN.c.anchor, _RUN.c.reason).where(
            _RUN.c.id == task.run_id
        )
    ).one_or_none()
    found = connection.scalar(select(_TASK.c.evidence).where(_TASK.c.id == task_id)) or []
    return TaskSheet(
        task,
        account,
        _contacts(connection, task),
        run,
        runs.steps(connection, [task.run_id])[task.run_id],
        [each for each in found if isinstance(each, dict) and "words" in each],
        read_log(connection, task_id),
        weight(task, account),
    )


def weight(task: QueueTask, account: Any) -> Importance:
    """How much the task matters, and what for."""
    arr: Decimal | None = account.arr if account else None
    health: Decimal | None = account.health if account else None
    return importance(task.priority, arr, health)


def essentials(connection: Connection, account_ids: Sequence[str]) -> dict[str, Any]:
    """What is most worth knowing of accounts, by their ids."""
    columns = [_ACCOUNT.c[name] for name in _ESSENTIALS]
    query = select(*columns, _PERSON.c.name.label("csm")).outerjoin(_PERSON, _PERSON.c.id == _ACCOUNT.c.csm)
    rows = connection.execute(query.where(_ACCOUNT.c.id.in_(sorted(set(account_ids)))))
    return {row.id: row for row in rows}


def _contacts(connection: Connection, task: QueueTask) -> Sequence[Row[Any]]:
    """Whom one may speak to: first the person whom the task is about, then by role. Nobody who has left."""
    names = ("id", "name", "title", "role", "email", "phone", "status")
    first = case(
        (_CONTACT.c.id == task.subject_id, 0),
        *((_CONTACT.c.role == role, position) for position, role in enumerate(_ROLES, 1)),
        else_=len(_ROLES) + 1,
    )
    query = select(*(_CONTACT.c[name] for name in names)).where(_CONTACT.c.account_id == task.account_id)
    query = query.where(_CONTACT.c.status.is_distinct_from("departed") | (_CONTACT.c.id == task.subject_id))
    return connection.execute(query.order_by(first, _CONTACT.c.id).limit(MOST_CONTACTS)).all()
