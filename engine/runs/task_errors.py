"""Why what was asked of a task cannot be done. Each message says what is wrong and what to do."""

from datetime import datetime, timedelta

from engine.clock.zones import format_instant

LONGEST_NOTE = 4000
"""Characters."""
LONGEST_SNOOZE = timedelta(days=366)


class TaskActionError(Exception):
    """What was asked of a task cannot be done; the message says why and what to do."""


class TaskNotFoundError(TaskActionError):
    """There is no task of that id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"there is no task {task_id!r}; the queue lists the tasks there are")


class TaskClosedError(TaskActionError):
    """The task is done, skipped or cancelled already."""

    def __init__(self, task_id: str, state: str, by: str | None = None, at: datetime | None = None) -> None:
        who = f", by {by}" if by else ""
        when = f" at {format_instant(at)}" if at else ""
        super().__init__(f"task {task_id} is {state} already{who}{when}; nothing was changed")


class TaskChangedError(TaskActionError):
    """Somebody has changed the task since it was read."""

    def __init__(self, task_id: str, told: str, version: str) -> None:
        self.version = version
        """Of the task as it is now."""
        super().__init__(f"task {task_id} has changed since you read it: {told}; look again, then decide")


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


class NoWordsError(TaskActionError):
    """A reason or a comment is empty."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the {what} is empty; say it in a few words")


class BadSnoozeError(TaskActionError):
    """The time until which a task should rest makes no sense."""

    def __init__(self, until: datetime) -> None:
        limit = f"choose a time in the future, at most {LONGEST_SNOOZE.days} days away"
        super().__init__(f"a task cannot rest until {format_instant(until)}; {limit}")


class UnknownAssigneeError(TaskActionError):
    """There is no such person, and no such shared queue."""

    def __init__(self, to: str) -> None:
        mend = "give a person's id, or team: and a role of the settings"
        super().__init__(f"{to!r} is neither a person nor a shared queue; {mend}")


class SameAssigneeError(TaskActionError):
    """The task is with that person already."""

    def __init__(self, task_id: str, to: str) -> None:
        super().__init__(f"task {task_id} is with {to} already; nothing was changed")


class NothingToUndoError(TaskActionError):
    """There is nothing of that id that could be undone."""

    def __init__(self, act: str) -> None:
        super().__init__(f"there is nothing {act!r} to undo; it was undone already, or never done")


class TooLateToUndoError(TaskActionError):
    """What was done to a task has had its effect, or is too long ago."""

    def __init__(self, task_id: str, why: str) -> None:
        super().__init__(f"task {task_id} cannot be undone any more: {why}")
