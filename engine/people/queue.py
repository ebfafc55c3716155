"""The tasks in people's queues: one way to read them for the API, the console and the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select

from engine.clock.zones import format_instant, parse_instant
from engine.runs.task_version import MOVING, task_version
from engine.state.cursor import BadCursorError, read_cursor, write_cursor
from engine.state.tables import Account, Person, Task
from engine.users.scope import EVERYTHING, Scope

TaskState = Literal["open", "done", "skipped", "cancelled"]

_TASK = Task.__table__  # type: ignore[attr-defined]
_ACCOUNT = Account.__table__  # type: ignore[attr-defined]
_PERSON = Person.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class QueueTask:
    """A task with the names a reader needs. `due_on` is a date in the account's own time zone."""

    id: str
    run_id: str
    playbook: str
    step: str
    account_id: str
    account: str
    kind: str
    subject_id: str
    title: str
    body: str
    role: str
    assignee: str
    """A person's id, or `team:ROLE` for a shared queue."""
    assignee_name: str
    priority: int
    state: str
    outcomes: tuple[str, ...]
    outcome: str | None
    note: str | None
    due_on: date
    due_at: datetime
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    counts_at: datetime | None
    """When its closing counts for its run; until then it may be undone."""
    snoozed_until: datetime | None
    escalated_at: datetime | None
    escalated_from: str | None
    reason: str
    occurrence: int
    """Of a step that repeats, which time it is."""

    @property
    def version(self) -> str:
        """What an action may be made to depend on: it changes with whatever is done to the task."""
        return task_version({name: getattr(self, name) for name in MOVING})

    def as_json(self) -> dict[str, Any]:
        """The one JSON form of a task, on the command line and in the API."""
        return {
            "id": self.id,
            "version": self.version,
            "playbook": self.playbook,
            "step": self.step,
            "occurrence": self.occurrence,
            "run_id": self.run_id,
            "account_id": self.account_id,
            "account": self.account,
            "subject": self.kind,
            "subject_id": self.subject_id,
            "title": self.title,
            "body": self.body,
            "role": self.role,
            "assignee": self.assignee,
            "assignee_name": self.assignee_name,
            "due": self.due_on.isoformat(),
            "due_at": format_instant(self.due_at),
            "priority": self.priority,
            "state": self.state,
            "outcomes": list(self.outcomes),
            "outcome": self.outcome,
            "note": self.note,
            "created_at": format_instant(self.created_at),
            "closed_at": _optional_instant(self.closed_at),
            "closed_by": self.closed_by,
            "counts_at": _optional_instant(self.counts_at),
            "snoozed_until": _optional_instant(self.snoozed_until),
            "escalated_from": self.escalated_from,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks are wanted; what is None does not narrow."""

    assignee: str | None = None
    account_id: str | None = None
    playbook: str | None = None
    state: TaskState | None = "open"
    due_from: datetime | None = None
    due_before: datetime | None = None
    resting_at: datetime | None = None
    """Only tasks snoozed beyond this instant."""
    awake_at: datetime | None = None
    """Only tasks not snoozed beyond this instant."""
    scope: Scope = EVERYTHING
    """Only tasks that somebody may see."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of tasks; `cursor` is where the next begins, or None at the end."""

    tasks: tuple[QueueTask, ...]
    cursor: str | None


def page(connection: Connection, wanted: TaskFilter, *, limit: int, cursor: str | None = None) -> Page:
    """Tasks by priority, highest first, then by due time. Raises BadCursorError."""
    query = _ordered(select(_TASK.c.id).where(*_conditions(wanted)))
    if cursor:
        query = query.where(_beyond(*_read_cursor(cursor)))
    found = _load(connection, query.limit(limit + 1))
    shown = found[:limit]
    return Page(tuple(shown), _cursor_after(shown[-1]) if len(found) > limit else None)


def every(connection: Connection, wanted: TaskFilter) -> list[QueueTask]:
    """All tasks that match, in the order of `page`."""
    return _load(connection, _ordered(select(_TASK.c.id).where(*_conditions(wanted))))


def one(connection: Connection, task_id: str) -> QueueTask | None:
    """The task of that id, in whatever state."""
    found = _load(connection, select(_TASK.c.id).where(_TASK.c.id == task_id))
    return found[0] if found else None


def named(connection: Connection, task_ids: Sequence[str]) -> list[QueueTask]:
    """The tasks of these ids, in whatever state, in the order given; those that are gone are left out."""
    found = {each.id: each for each in _load(connection, select(_TASK.c.id).where(_TASK.c.id.in_(task_ids)))}
    return [found[task_id] for task_id in task_ids if task_id in found]


def people(connection: Connection) -> Mapping[str, Row[Any]]:
    """Everybody on our side by id, with name, role, manager and time zone."""
    columns = [_PERSON.c[name] for name in ("id", "name", "role", "manager", "timezone")]
    return {row.id: row for row in connection.execute(select(*columns).order_by(_PERSON.c.name))}


def display_name(assignee: str, person_name: str | None) -> str:
    """How an assignee is written for people: `team:cs_pool` reads "Cs pool (shared)"."""
    if assignee.startswith("team:"):
        words = assignee.removeprefix("team:").replace("_", " ")
        return f"{words[:1].upper()}{words[1:]} (shared)"
    return person_name or assignee


def _conditions(wanted: TaskFilter) -> list[ColumnElement[bool]]:
    exact = {
        _TASK.c.assignee: wanted.assignee,
        _TASK.c.account_id: wanted.account_id,
        _TASK.c.playbook: wanted.playbook,
        _TASK.c.state: wanted.state,
    }
    found: list[ColumnElement[bool]] = [
        column == value for column, value in exact.items() if value is not None
    ]
    if wanted.due_from:
        found.append(_TASK.c.due_at >= wanted.due_from)
    if wanted.due_before:
        found.append(_TASK.c.due_at < wanted.due_before)
    if wanted.resting_at:
        found.append(_TASK.c.snoozed_until > wanted.resting_at)
    if wanted.awake_at:
        rest = _TASK.c.snoozed_until
        found.append(or_(rest.is_(None), rest <= wanted.awake_at))
    if not wanted.scope.is_everything:
        found.append(wanted.scope.sees_task(_TASK.c.account_id, _TASK.c.assignee))
    return found


def _ordered(query: Select[Any]) -> Select[Any]:
    return query.order_by(_TASK.c.priority.desc(), _TASK.c.due_at, _TASK.c.id)


def _load(connection: Connection, ids: Select[Any]) -> list[QueueTask]:
    """The named tasks with their names. The narrow inner query sorts; the wide rows are read once."""
    narrow = ids.subquery()
    joined = (
        _TASK.join(narrow, narrow.c.id == _TASK.c.id)
        .outerjoin(_ACCOUNT, _ACCOUNT.c.id == _TASK.c.account_id)
        .outerjoin(_PERSON, _PERSON.c.id == _TASK.c.assignee)
    )
    columns = [_TASK.c[name] for name in _COPIED]
    names = (_ACCOUNT.c.name.label("account_name"), _PERSON.c.name.label("person_name"))
    query = _ordered(select(*columns, _TASK.c.outcomes, *names).select_from(joined))
    return [_task(row) for row in connection.execute(query)]


_COPIED = (
    *("id", "run_id", "playbook", "step", "account_id", "kind", "subject_id", "title", "body", "role"),
    *("assignee", "priority", "state", "outcome", "note", "due_on", "due_at", "created_at", "closed_at"),
    *("closed_by", "counts_at", "snoozed_until", "escalated_at", "escalated_from", "reason", "occurrence"),
)


def _task(row: Row[Any]) -> QueueTask:
    copied = {name: getattr(row, name) for name in _COPIED}
    return QueueTask(
        **copied,
        account=row.account_name or row.account_id,
        assignee_name=display_name(row.assignee, row.person_name),
        outcomes=tuple(row.outcomes or ()),
    )


def _beyond(priority: int, due_at: datetime, task_id: str) -> ColumnElement[bool]:
    same_priority = _TASK.c.priority == priority
    return or_(
        _TASK.c.priority < priority,
        and_(same_priority, _TASK.c.due_at > due_at),
        and_(same_priority, _TASK.c.due_at == due_at, _TASK.c.id > task_id),
    )


def _cursor_after(task: QueueTask) -> str:
    return write_cursor([task.priority, format_instant(task.due_at), task.id])


def _read_cursor(cursor: str) -> tuple[int, datetime, str]:
    try:
        priority, due_at, task_id = read_cursor(cursor)
        if type(priority) is not int or abs(priority) > 2**31 or not isinstance(task_id, str):
            raise BadCursorError
        return priority, parse_instant(due_at), task_id.replace("\x00", "")
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadCursorError from error


def _optional_instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)
