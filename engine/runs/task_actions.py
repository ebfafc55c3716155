"""What a person does with a task: complete it, or put it off."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, case, or_, select, update

from engine.clock.zones import format_instant
from engine.state.database import writing
from engine.state.tables import Task, Watch

LONGEST_NOTE = 4000
"""Characters."""
LONGEST_SNOOZE = timedelta(days=366)

_TASK = Task.__table__  # type: ignore[attr-defined]
_WATCH = Watch.__table__  # type: ignore[attr-defined]


class TaskActionError(Exception):
    """What was asked of a task cannot be done; the message says why and what to do."""


class TaskNotFoundError(TaskActionError):
    """There is no task of that id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there is no task {task_id!r}; the queue lists the tasks there are")


class TaskClosedError(TaskActionError):
    """The task is done or cancelled already."""

    def __init__(self, task_id: str, state: str) -> None:
        super().__init__(f"task {task_id} is {state} already; nothing was changed")


class UnknownOutcomeError(TaskActionError):
    """The outcome is not one the playbook knows."""

    def __init__(self, outcome: str | None, choices: tuple[str, ...]) -> None:
        self.choices = choices
        given = f"{outcome!r} is not an outcome of this task" if outcome else "this task needs an outcome"
        mend = f"choose one of {', '.join(choices)}" if choices else "leave the outcome out: it has none"
        super().__init__(f"{given}; {mend}")


class BadNoteError(TaskActionError):
    """The note cannot be kept."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"the note {fault}; shorten or retype it")


class BadSnoozeError(TaskActionError):
    """The time until which a task should rest makes no sense."""

    def __init__(self, until: datetime) -> None:
        limit = f"choose a time in the future, at most {LONGEST_SNOOZE.days} days away"
        super().__init__(f"a task cannot rest until {format_instant(until)}; {limit}")


@dataclass(frozen=True, slots=True)
class _Held:
    """The part of an open task that the actions look at."""

    account_id: str
    state: str
    outcomes: tuple[str, ...]


def complete(
    database: Engine, task_id: str, *, outcome: str | None, note: str | None, by: str, now: datetime
) -> None:
    """Close a task as done, and ask the next tick to carry its run on.

    A task with outcomes needs one of them; a task without takes none. Raises TaskActionError:
    TaskNotFoundError, TaskClosedError, UnknownOutcomeError (with the choices) or BadNoteError.
    """
    kept_note = readable_note(note)
    with _open_task(database, task_id, now) as (connection, held):
        chosen = valid_outcome(outcome, held.outcomes)
        values = {"state": "done", "outcome": chosen, "note": kept_note, "closed_at": now, "closed_by": by}
        connection.execute(update(_TASK).where(_TASK.c.id == task_id).values(values))


def snooze(database: Engine, task_id: str, *, until: datetime, by: str, now: datetime) -> None:
    """Let an open task rest until an instant; its due date stays. `by` is who asked.

    Raises TaskActionError: TaskNotFoundError, TaskClosedError or BadSnoozeError.
    """
    if not now < until <= now + LONGEST_SNOOZE:
        raise BadSnoozeError(until)
    with _open_task(database, task_id, now) as (connection, _held):
        connection.execute(update(_TASK).where(_TASK.c.id == task_id).values(snoozed_until=until))


@contextmanager
def _open_task(database: Engine, task_id: str, now: datetime) -> Iterator[tuple[Connection, _Held]]:
    """A write transaction that holds the account's watch row, and the task as it is under that lock."""
    with writing(database) as connection:
        account_id = connection.scalar(select(_TASK.c.account_id).where(_TASK.c.id == task_id))
        if account_id is None:
            raise TaskNotFoundError(task_id)
        _wake_account(connection, account_id, now)
        held = _read(connection, task_id)
        if held.state != "open":
            raise TaskClosedError(task_id, held.state)
        yield connection, held


def _wake_account(connection: Connection, account_id: str, now: datetime) -> None:
    """Lock the account's watch row by adding an intake to it, due at once."""
    sooner = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > now)
    values = {
        "revision": _WATCH.c.revision + 1,
        "due_at": case((sooner, now), else_=_WATCH.c.due_at),
    }
    connection.execute(update(_WATCH).where(_WATCH.c.account_id == account_id).values(values))


def _read(connection: Connection, task_id: str) -> _Held:
    columns = (_TASK.c.account_id, _TASK.c.state, _TASK.c.outcomes)
    row = connection.execute(select(*columns).where(_TASK.c.id == task_id)).one()
    return _Held(row.account_id, row.state, tuple(row.outcomes or ()))


def valid_outcome(outcome: str | None, choices: tuple[str, ...]) -> str | None:
    """The outcome by which a task with these choices is finished. Raises UnknownOutcomeError."""
    chosen = outcome or None
    if choices and chosen not in choices:
        raise UnknownOutcomeError(chosen, choices)
    if chosen and not choices:
        raise UnknownOutcomeError(chosen, ())
    return chosen


def readable_note(note: str | None) -> str | None:
    """The note as it is kept. Raises BadNoteError."""
    kept = (note or "").strip()
    if len(kept) > LONGEST_NOTE:
        raise BadNoteError(f"is longer than {LONGEST_NOTE:,} characters")
    if "\x00" in kept or not _is_encodable(kept):
        raise BadNoteError("contains a character that cannot be stored")
    return kept or None


def _is_encodable(text: str) -> bool:
    """Whether the text has no half of a surrogate pair, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
