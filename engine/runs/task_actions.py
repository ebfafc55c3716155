"""What a person does with tasks: complete, skip, put off, pass on, say something, and undo it again.

Every deed is written with an entry of the task's log in one transaction, under the lock of its account. What
closes a task and may be undone for a while counts for its run only when that is over: nothing has followed
from it before, so undoing it leaves nothing to take back. The run goes on from that instant, whenever a tick
looks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, case, or_, select, update

from engine.clock.zones import format_instant
from engine.identity import digest
from engine.runs.task_deeds import Comment, Complete, Deed, Doing, Reassign, Skip, Snooze
from engine.runs.task_errors import TaskActionError, TaskChangedError, TaskNotFoundError
from engine.runs.task_log import Entry, last_words, write_entry
from engine.runs.task_version import task_version
from engine.state.database import writing
from engine.state.history import chunked
from engine.state.places import place_tasks
from engine.state.tables import Person, Task, Watch

MOST_AT_ONCE = 500
"""Tasks in one deed."""

_TASK = Task.__table__  # type: ignore[attr-defined]
_WATCH = Watch.__table__  # type: ignore[attr-defined]
_PERSON = Person.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a deed."""

    act: str
    """What it is undone by."""
    tasks: tuple[str, ...] = ()
    """Those it was done to."""
    refused: Mapping[str, TaskActionError] = field(default_factory=dict)
    """Those it was not done to, and why."""


def act(database: Engine, chosen: Mapping[str, str | None], deed: Deed, *, by: str, now: datetime) -> Done:
    """Do one thing to tasks, at most MOST_AT_ONCE of them. What one of them refuses is done to the others.

    `chosen` gives of each task the version it was read at, or None where that is not to matter.
    """
    named = digest("act", by, format_instant(now), type(deed).__name__, *sorted(chosen))
    done: list[str] = []
    refused: dict[str, TaskActionError] = {}
    with writing(database) as connection:
        rows = lock_tasks(connection, list(chosen))
        doing = Doing(by, now, _people(connection) if isinstance(deed, Reassign) else ())
        moved: dict[str, datetime] = {}
        for task_id, version in chosen.items():
            try:
                row = _fresh(connection, rows, task_id, version)
                values = deed.values(row, doing)
            except TaskActionError as error:
                refused[task_id] = error
                continue
            _write(connection, row, deed, values, Entry(named, task_id, row["account_id"], now, by))
            done.append(task_id)
            if values:
                account, due = row["account_id"], values.get("counts_at") or now
                moved[account] = min(due, moved.get(account, due))
        wake_accounts(connection, moved)
        place_tasks(connection, done)
    return Done(named, tuple(done), refused)


def complete(
    database: Engine,
    task_id: str,
    *,
    outcome: str | None,
    note: str | None,
    by: str,
    now: datetime,
    version: str | None = None,
    undo_for: timedelta = timedelta(0),
) -> Done:
    """Close a task as done, and ask the next tick to carry its run on.

    A task with outcomes needs one of them; a task without takes none. Raises TaskActionError; its kind
    UnknownOutcomeError has the choices.
    """
    return _one(database, task_id, version, Complete(outcome, note, undo_for), by, now)


def skip(
    database: Engine,
    task_id: str,
    *,
    reason: str,
    by: str,
    now: datetime,
    version: str | None = None,
    undo_for: timedelta = timedelta(0),
) -> Done:
    """Close a task that need not be done; its step counts as skipped. Raises TaskActionError."""
    return _one(database, task_id, version, Skip(reason, undo_for), by, now)


def snooze(
    database: Engine, task_id: str, *, until: datetime, by: str, now: datetime, version: str | None = None
) -> Done:
    """Let an open task rest until an instant; its due date stays. Raises TaskActionError."""
    return _one(database, task_id, version, Snooze(until), by, now)


def reassign(
    database: Engine,
    task_id: str,
    *,
    to: str,
    shared: frozenset[str],
    note: str | None,
    by: str,
    now: datetime,
    version: str | None = None,
) -> Done:
    """Give an open task to another person, or to one of the shared queues. Raises TaskActionError."""
    return _one(database, task_id, version, Reassign(to, note, shared), by, now)


def comment(database: Engine, task_id: str, *, text: str, by: str, now: datetime) -> Done:
    """Say something of a task, open or closed. Raises TaskActionError."""
    return _one(database, task_id, None, Comment(text), by, now)


def _one(database: Engine, task_id: str, version: str | None, deed: Deed, by: str, now: datetime) -> Done:
    done = act(database, {task_id: version}, deed, by=by, now=now)
    if task_id in done.refused:
        raise done.refused[task_id]
    return done


def lock_tasks(connection: Connection, task_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The tasks by id, as they are under the locks of their accounts' watch rows."""
    accounts: set[str] = set()
    for chunk in chunked(sorted(task_ids)):
        accounts.update(connection.scalars(select(_TASK.c.account_id).where(_TASK.c.id.in_(chunk))))
    for chunk in chunked(sorted(accounts)):
        watched = select(_WATCH.c.account_id).where(_WATCH.c.account_id.in_(chunk))
        connection.execute(watched.order_by(_WATCH.c.account_id).with_for_update()).all()
    found: dict[str, Mapping[str, Any]] = {}
    for chunk in chunked(sorted(task_ids)):
        rows = connection.execute(select(_TASK).where(_TASK.c.id.in_(chunk))).mappings()
        found.update({row["id"]: row for row in rows})
    return found


def wake_accounts(connection: Connection, moved: Mapping[str, datetime]) -> None:
    """Count an intake of these accounts, and have each looked at from its instant on."""
    for account_id, due in sorted(moved.items()):
        sooner = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > due)
        values = {
            "revision": _WATCH.c.revision + 1,
            "due_at": case((sooner, due), else_=_WATCH.c.due_at),
        }
        connection.execute(update(_WATCH).where(_WATCH.c.account_id == account_id).values(values))


def _people(connection: Connection) -> frozenset[str]:
    return frozenset(connection.scalars(select(_PERSON.c.id)))


def _fresh(
    connection: Connection, rows: Mapping[str, Mapping[str, Any]], task_id: str, version: str | None
) -> Mapping[str, Any]:
    """The task, if it is as it was read. Raises TaskNotFoundError, TaskClosedError or TaskChangedError."""
    row = rows.get(task_id)
    if row is None:
        raise TaskNotFoundError(task_id)
    if version is not None and version != (current := task_version(row)):
        raise TaskChangedError(task_id, last_words(connection, row), current)
    return row


def _write(
    connection: Connection, row: Mapping[str, Any], deed: Deed, values: dict[str, Any], entry: Entry
) -> None:
    """Change the task, and write down what was done."""
    before, left = None, None
    if values:
        connection.execute(update(_TASK).where(_TASK.c.id == row["id"]).values(values))
        before = {name: _as_text(row[name]) for name in values}
        left = task_version({**row, **values})
    did, words, note = deed.told(values)
    write_entry(connection, entry, did, words, note, before=before, left=left)


def _as_text(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value
