"""Completing and snoozing change the task, wake its account, and refuse what makes no sense."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, select

from engine.runs import task_actions
from engine.runs.task_errors import (
    BadNoteError,
    BadSnoozeError,
    TaskClosedError,
    TaskNotFoundError,
    UnknownOutcomeError,
)
from engine.state.database import reading
from engine.state.tables import Task, Watch
from tests.website_book import NOW, account, put, task


@pytest.fixture
def book(database: Engine) -> Engine:
    """One account with a task that needs an outcome, one that has none, and one done."""
    put(
        database,
        *account("acme", "Acme"),
        task("choice", outcomes=["reached", "no_response"]),
        task("plain"),
        task("done", state="done"),
    )
    return database


def _task(database: Engine, task_id: str) -> Row[Any]:
    with reading(database) as connection:
        return connection.execute(select(Task.__table__).where(Task.id == task_id)).one()  # type: ignore[attr-defined,arg-type]


def _watch(database: Engine) -> tuple[int, datetime]:
    with reading(database) as connection:
        row = connection.execute(select(Watch.__table__)).one()  # type: ignore[attr-defined]
    return row.revision, row.due_at


def _complete(database: Engine, task_id: str, outcome: str | None = None, note: str | None = None) -> None:
    task_actions.complete(database, task_id, outcome=outcome, note=note, by="dana", now=NOW)


def test_complete_closes_the_task_and_makes_its_account_due(book: Engine) -> None:
    """The next tick folds what a person did."""
    _complete(book, "choice", "reached", "  Will call back.  ")
    row = _task(book, "choice")
    assert (row.state, row.outcome, row.note) == ("done", "reached", "Will call back.")
    assert (row.closed_at, row.closed_by) == (NOW, "dana")
    assert _watch(book) == (2, NOW)


def test_complete_takes_no_outcome_where_a_task_has_none(book: Engine) -> None:
    """Done is done."""
    _complete(book, "plain", None, "   ")
    row = _task(book, "plain")
    assert (row.state, row.outcome, row.note) == ("done", None, None)


@pytest.mark.parametrize(
    ("task_id", "outcome", "note", "error", "words"),
    [
        ("nowhere", None, None, TaskNotFoundError, "no task 'nowhere'"),
        ("done", None, None, TaskClosedError, "is done already"),
        ("choice", None, None, UnknownOutcomeError, "needs an outcome; choose one of reached, no_response"),
        ("choice", "Reached", None, UnknownOutcomeError, "'Reached' is not an outcome"),
        ("plain", "reached", None, UnknownOutcomeError, "leave the outcome out"),
        ("plain", None, "x" * 4001, BadNoteError, "longer than 4,000 characters"),
        ("plain", None, "a\x00b", BadNoteError, "cannot be stored"),
        ("plain", None, "\ud800", BadNoteError, "cannot be stored"),
    ],
)
def test_complete_refuses_and_changes_nothing(
    book: Engine, task_id: str, outcome: str | None, note: str | None, error: type[Exception], words: str
) -> None:
    """A refusal leaves task and account as they were."""
    before = _watch(book)
    with pytest.raises(error, match=words):
        _complete(book, task_id, outcome, note)
    assert _watch(book) == before


def test_complete_twice_counts_once(book: Engine) -> None:
    """The second of two people is told."""
    _complete(book, "plain")
    with pytest.raises(TaskClosedError):
        _complete(book, "plain")
    assert _watch(book)[0] == 2


def test_complete_never_puts_an_account_off(book: Engine) -> None:
    """An account due earlier stays due then."""
    earlier = NOW - timedelta(hours=1)
    task_actions.complete(book, "plain", outcome=None, note=None, by="dana", now=earlier)
    _complete(book, "choice", "reached")
    assert _watch(book) == (3, earlier)


def test_snooze_rests_the_task_and_keeps_its_due_date(book: Engine) -> None:
    """It comes back by itself."""
    due = _task(book, "plain").due_at
    task_actions.snooze(book, "plain", until=NOW + timedelta(days=3), by="dana", now=NOW)
    row = _task(book, "plain")
    assert (row.state, row.snoozed_until, row.due_at) == ("open", NOW + timedelta(days=3), due)
    assert _watch(book) == (2, NOW)


@pytest.mark.parametrize(
    "until", [NOW, NOW - timedelta(days=1), NOW + timedelta(days=367)], ids=["now", "past", "too far"]
)
def test_snooze_refuses_times_that_make_no_sense(book: Engine, until: datetime) -> None:
    """Only the coming year will do."""
    with pytest.raises(BadSnoozeError, match="choose a time in the future, at most 366 days away"):
        task_actions.snooze(book, "plain", until=until, by="dana", now=NOW)


@pytest.mark.parametrize(("task_id", "error"), [("nowhere", TaskNotFoundError), ("done", TaskClosedError)])
def test_snooze_refuses_tasks_that_cannot_rest(book: Engine, task_id: str, error: type[Exception]) -> None:
    """Missing and closed tasks are told apart."""
    with pytest.raises(error):
        task_actions.snooze(book, task_id, until=NOW + timedelta(days=1), by="dana", now=NOW)
