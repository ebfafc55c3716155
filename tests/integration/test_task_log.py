"""What people do with tasks beside finishing them: skip, pass on, comment, in bulk, two at once, and undo."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, select, update

from engine.runs import task_actions
from engine.runs.task_actions import Done
from engine.runs.task_deeds import Complete, Skip, Snooze
from engine.runs.task_errors import (
    NothingToUndoError,
    NoWordsError,
    SameAssigneeError,
    TaskChangedError,
    TaskClosedError,
    TooLateToUndoError,
    UnknownAssigneeError,
)
from engine.runs.task_log import read_log
from engine.runs.task_undo import UNDO_WITHIN, undo
from engine.runs.task_version import task_version
from engine.state.database import reading, writing
from engine.state.tables import Person, QueuePlace, StepRow, Task, Watch
from tests.website_book import NOW, account, put, task

_TASK: Any = Task.__table__  # type: ignore[attr-defined]
_SHARED = frozenset({"team:cs_pool"})
_TEN = timedelta(seconds=10)


@pytest.fixture
def book(database: Engine) -> Engine:
    """Two people, and an account with three open tasks of one run."""
    put(
        database,
        Person(id="dana", name="Dana Whitfield"),
        Person(id="omar", name="Omar Haddad"),
        *account("acme", "Acme"),
        task("one", outcomes=["reached", "no_response"]),
        task("two", step="two"),
        task("three", step="three", snoozed_until=NOW + timedelta(days=1)),
        StepRow(id="s1", run_id="run-1", account_id="acme", step="outreach", state="open", occurrence=1),
    )
    return database


def _row(database: Engine, task_id: str) -> Row[Any]:
    with reading(database) as connection:
        return connection.execute(select(_TASK).where(_TASK.c.id == task_id)).one()


def _version(database: Engine, task_id: str) -> str:
    return task_version(_row(database, task_id)._asdict())


def _log(database: Engine, task_id: str) -> list[tuple[str, str, str, str | None]]:
    with reading(database) as connection:
        return [(each.by, each.did, each.words, each.note) for each in read_log(connection, task_id)]


def _watch(database: Engine) -> tuple[int, datetime]:
    with reading(database) as connection:
        row = connection.execute(select(Watch.__table__)).one()  # type: ignore[attr-defined]
    return row.revision, row.due_at


def _assign(database: Engine, to: str, by: str = "dana") -> Done:
    return task_actions.reassign(database, "one", to=to, shared=_SHARED, note="Yours", by=by, now=NOW)


def _skip(database: Engine, **options: Any) -> Done:
    return task_actions.skip(database, "one", reason="They renewed.", by="dana", now=NOW, **options)


def test_skip_closes_the_task_with_its_reason(book: Engine) -> None:
    """It is in no queue any more, and its account is looked at."""
    _skip(book)
    row = _row(book, "one")
    assert (row.state, row.note, row.closed_by, row.outcome) == ("skipped", "They renewed.", "dana", None)
    assert _log(book, "one") == [("dana", "skipped", "", "They renewed.")]
    assert _watch(book) == (2, NOW)
    with reading(book) as connection:
        assert set(connection.scalars(select(QueuePlace.task_id))) == {"two", "three"}  # type: ignore[call-overload]


@pytest.mark.parametrize("reason", ["", "   "])
def test_skip_needs_a_reason(book: Engine, reason: str) -> None:
    """Nothing is left out without one."""
    with pytest.raises(NoWordsError, match="the reason is empty"):
        task_actions.skip(book, "one", reason=reason, by="dana", now=NOW)
    assert _row(book, "one").state == "open"


@pytest.mark.parametrize("to", ["omar", "team:cs_pool"])
def test_reassign_moves_the_task_to_another_queue(book: Engine, to: str) -> None:
    """A person's or a shared one; the role stays, by which it escalates."""
    _assign(book, to)
    assert (_row(book, "one").assignee, _row(book, "one").role) == (to, "csm")
    assert _log(book, "one") == [("dana", "reassigned", to, "Yours")]
    with reading(book) as connection:
        place = connection.execute(select(QueuePlace.__table__).where(QueuePlace.task_id == "one")).one()  # type: ignore[attr-defined,arg-type]
    assert place.assignee == to


@pytest.mark.parametrize(
    ("to", "error"),
    [("nobody", UnknownAssigneeError), ("team:made_up", UnknownAssigneeError), ("dana", SameAssigneeError)],
)
def test_reassign_refuses_whom_it_does_not_know(book: Engine, to: str, error: type[Exception]) -> None:
    """And whoever has the task already."""
    with pytest.raises(error):
        _assign(book, to)
    assert (_watch(book)[0], _log(book, "one")) == (1, [])


def test_comment_changes_nothing_but_the_log(book: Engine) -> None:
    """Closed tasks may be spoken of too; nobody's account is looked at for it."""
    version = _version(book, "one")
    task_actions.comment(book, "one", text=" She is back on Monday. ", by="omar", now=NOW)
    assert _log(book, "one") == [("omar", "commented", "", "She is back on Monday.")]
    assert (_version(book, "one"), _watch(book)[0]) == (version, 1)
    _skip(book)
    task_actions.comment(book, "one", text="Good.", by="omar", now=NOW)
    assert len(_log(book, "one")) == 3


def test_the_second_of_two_people_is_told_what_the_first_did(book: Engine) -> None:
    """A version that is out of date overwrites nothing."""
    seen = _version(book, "one")
    _assign(book, "omar", by="dana")
    with pytest.raises(TaskChangedError, match="dana gave it to omar at 2026-01-28T10:00:00Z") as caught:
        task_actions.complete(book, "one", outcome="reached", note=None, by="omar", now=NOW, version=seen)
    assert caught.value.version == _version(book, "one")
    assert _row(book, "one").state == "open"
    current = _version(book, "one")
    task_actions.complete(book, "one", outcome="reached", note=None, by="omar", now=NOW, version=current)


def test_an_escalation_counts_as_a_change(book: Engine) -> None:
    """Whoever read the task before is told of it."""
    seen = _version(book, "one")
    with writing(book) as connection:
        values = {"assignee": "omar", "escalated_at": NOW, "escalated_from": "dana"}
        connection.execute(update(_TASK).where(_TASK.c.id == "one").values(values))
    with pytest.raises(TaskChangedError, match="it was escalated from dana to omar"):
        task_actions.snooze(book, "one", until=NOW + _TEN, by="dana", now=NOW, version=seen)


def test_in_bulk_those_that_refuse_leave_the_others_alone(book: Engine) -> None:
    """One entry each, under one name, undone together."""
    task_actions.complete(book, "two", outcome=None, note=None, by="omar", now=NOW)
    chosen = dict.fromkeys(["one", "two", "three", "nowhere"])
    done = task_actions.act(book, chosen, Skip("Duplicate.", _TEN), by="dana", now=NOW)
    assert done.tasks == ("one", "three")
    assert {task_id: str(error)[:24] for task_id, error in done.refused.items()} == {
        "two": "task two is done already",
        "nowhere": "there is no task 'nowher",
    }
    assert undo(book, done.act, by="dana", now=NOW + timedelta(seconds=3)).tasks == ("one", "three")
    assert [_row(book, name).state for name in ("one", "two", "three")] == ["open", "done", "open"]


_Act = Callable[[Engine], Done]
_ACTS: list[tuple[str, _Act]] = [
    ("completed", lambda book: _act(book, Complete("reached", "x", _TEN))),
    ("skipped", lambda book: _act(book, Skip("x", _TEN))),
    ("snoozed", lambda book: _act(book, Snooze(NOW + timedelta(days=2)))),
    ("reassigned", lambda book: _assign(book, "omar")),
]


def _act(book: Engine, deed: Any) -> Done:
    return task_actions.act(book, {"one": None}, deed, by="dana", now=NOW)


@pytest.mark.parametrize(("did", "act"), _ACTS, ids=[name for name, _ in _ACTS])
def test_undo_gives_back_what_was(book: Engine, did: str, act: _Act) -> None:
    """The row is as before, the log has both, and the account is looked at again."""
    before = _row(book, "one")
    done = act(book)
    assert _row(book, "one") != before
    undo(book, done.act, by="dana", now=NOW + timedelta(seconds=9))
    assert _row(book, "one") == before
    assert [entry[1:3] for entry in _log(book, "one")] == [(did, _log(book, "one")[0][2]), ("undid", did)]
    assert _watch(book)[0] == 3
    with pytest.raises(NothingToUndoError):
        undo(book, done.act, by="dana", now=NOW)


@pytest.mark.parametrize(("did", "act"), _ACTS, ids=[name for name, _ in _ACTS])
def test_undo_refuses_when_it_is_too_late(book: Engine, did: str, act: _Act) -> None:
    """A closing has counted for its run; anything else is long ago."""
    done = act(book)
    late = NOW + (_TEN if did in ("completed", "skipped") else UNDO_WITHIN + _TEN)
    refused = undo(book, done.act, by="dana", now=late).refused
    assert isinstance(refused["one"], TooLateToUndoError)


@pytest.mark.parametrize(("did", "act"), _ACTS, ids=[name for name, _ in _ACTS])
def test_undo_is_for_who_did_it(book: Engine, did: str, act: _Act) -> None:
    """And never takes back what another has done since."""
    done = act(book)
    with pytest.raises(NothingToUndoError):
        undo(book, done.act, by="omar", now=NOW)


def test_undo_leaves_what_another_has_done_since(book: Engine) -> None:
    """The other's work stands."""
    done = task_actions.snooze(book, "one", until=NOW + timedelta(days=2), by="dana", now=NOW)
    task_actions.complete(book, "one", outcome="reached", note=None, by="omar", now=NOW)
    refused = undo(book, done.act, by="dana", now=NOW).refused
    assert "omar completed it with the outcome reached" in str(refused["one"])
    assert _row(book, "one").state == "done"


def test_undo_refuses_once_the_run_has_gone_on(book: Engine) -> None:
    """Where the run ended meanwhile, its step has settled."""
    done = _act(book, Complete("reached", None, _TEN))
    with writing(book) as connection:
        connection.execute(update(StepRow.__table__).values(state="done"))  # type: ignore[attr-defined]
    refused = undo(book, done.act, by="dana", now=NOW + timedelta(seconds=1)).refused
    assert isinstance(refused["one"], TooLateToUndoError)


def test_a_closing_that_may_be_undone_is_looked_at_when_it_counts(book: Engine) -> None:
    """Not before: an account due later is made due then."""
    _act(book, Complete("reached", None, _TEN))
    assert _watch(book) == (2, NOW + _TEN)
    with pytest.raises(TaskClosedError, match="by dana at 2026-01-28T10:00:00Z"):
        _skip(book)
