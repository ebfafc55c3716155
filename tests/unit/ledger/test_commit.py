"""Writing folds: what moved meanwhile is left out, and writing twice writes once."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.fold.case import Folded
from engine.ledger.commit import commit_shard
from engine.runs.run import Decision, Message, Run
from engine.state import tables
from engine.state.book import Standing
from engine.state.database import writing
from engine.state.entries import Entry, EventEntry
from tests.builders import START, Company, account, company
from tests.histories import DAY, HOUR


def folded(name: str, silenced: bool = False) -> Folded:
    """One run with one message and one decision."""
    run = Run(f"r-{name}", name, "slide", "v", "account", name, "", 1, "open", START)
    message = Message(
        f"m-{name}",
        run.id,
        name,
        "slide",
        "hello",
        None,
        "slack",
        "#all",
        None,
        "",
        {"text": "x"},
        START,
        START,
    )
    decision = Decision(name, "slide", "account", name, START, "started", "because")
    silent = frozenset({run.id}) if silenced else frozenset()
    return Folded(name, START + DAY, [], [run], [], [], [message], silent, [decision], [], [])


@pytest.fixture
def two(database: Engine, tmp_path: Path) -> Company:
    """Two accounts nobody has looked at."""
    mine = company(database, tmp_path)
    mine.take(account(START - DAY, "a"), account(START - DAY, "b"))
    return mine


@pytest.mark.parametrize("seen", [Standing(0, None), Standing(1, START), Standing(2, None)])
def test_account_that_moved_on_is_left_out(two: Company, seen: Standing) -> None:
    """A newer intake, or another ticker's evaluation: nothing of that fold is written."""
    with writing(two.database) as connection:
        done = commit_shard(
            connection, [folded("a"), folded("b")], {"a": Standing(1, None), "b": seen}, START, BUILT_IN
        )
    assert (done.accounts, done.conflicts) == (1, {"b"})
    assert [each.account_id for each in two.runs()] == ["a"]
    assert [each.account_id for each in two.messages()] == ["a"]
    assert [each[1] for each in two.decisions()] == ["started"]
    assert (two.watch("a").due_at, two.watch("a").evaluated_to) == (START + DAY, START)
    assert two.watch("b").evaluated_to is None


def test_fold_is_written_once(two: Company) -> None:
    """The second writer of the same fold finds that the account has moved on."""
    for _ in range(2):
        with writing(two.database) as connection:
            commit_shard(connection, [folded("a")], {"a": Standing(1, None)}, START, BUILT_IN)
    assert len(two.runs()) == len(two.messages()) == len(two.decisions()) == 1


def test_message_under_way_is_not_overwritten(two: Company) -> None:
    """What a deliverer has taken or sent stays as it is, whatever a fold says again."""
    outbox = tables.Outbox.__table__  # type: ignore[attr-defined]
    with writing(two.database) as connection:
        commit_shard(connection, [folded("a")], {"a": Standing(1, None)}, START, BUILT_IN)
        connection.execute(outbox.update().values(state="completed", attempts=1))
        commit_shard(connection, [folded("a")], {"a": Standing(1, START)}, START + HOUR, BUILT_IN)
    assert [(each.state, each.attempts) for each in two.messages()] == [("completed", 1)]


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("available", "cancelled"),
        ("retryable", "cancelled"),
        ("executing", "executing"),
        ("completed", "completed"),
        ("unknown", "unknown"),
    ],
)
def test_exit_cancels_what_has_not_left(two: Company, state: str, after: str) -> None:
    """What is being sent, or has been, is no longer ours to stop."""
    outbox = tables.Outbox.__table__  # type: ignore[attr-defined]
    with writing(two.database) as connection:
        commit_shard(connection, [folded("a")], {"a": Standing(1, None)}, START, BUILT_IN)
        connection.execute(outbox.update().values(state=state))
        commit_shard(
            connection, [folded("a", silenced=True)], {"a": Standing(1, START)}, START + HOUR, BUILT_IN
        )
    assert [each.state for each in two.messages()] == [after]


def test_what_a_fold_brings_about_becomes_state_and_no_input(two: Company) -> None:
    """Changes and events are written with their source, and the account stays judged up to the tick."""
    entry = Entry(Kind.ACCOUNT, "a", "a", {"health": Decimal(31)}, START, START, "playbook:slide")
    event = EventEntry("e1", "a", "went_quiet", START, START)
    with writing(two.database) as connection:
        fold = replace(folded("a"), born=[entry, event])
        commit_shard(connection, [fold], {"a": Standing(1, None)}, START, BUILT_IN)
        change = tables.Change.__table__  # type: ignore[attr-defined]
        query = select(change.c.new, change.c.source, change.c.revision).where(change.c.field == "health")
        assert connection.execute(query).all() == [("31", "playbook:slide", 2)]
        names = connection.scalars(select(tables.Event.__table__.c.name)).all()  # type: ignore[attr-defined]
        assert names == ["went_quiet"]
    watch = two.watch("a")
    assert (watch.revision, watch.evaluated_revision, watch.due_at) == (2, 2, START + DAY)
