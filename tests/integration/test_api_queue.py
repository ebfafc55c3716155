"""The queue is read in one order, a page at a time, by index."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from engine.people import queue
from engine.people.queue import TaskFilter
from engine.state.cursor import BadCursorError
from engine.state.database import reading
from tests.website_book import NOW, account, put, task


@pytest.fixture
def book(database: Engine) -> Engine:
    """Twelve tasks of three priorities, of which two are due at the same instant."""
    put(database, *account("acme", "Acme"))
    for number in range(12):
        due = NOW + timedelta(hours=number // 2)
        put(database, task(f"t{number:02}", priority=(50, 90, 10)[number % 3], due_at=due, assignee="dana"))
    return database


def test_page_follows_on_without_gap_or_repeat(book: Engine) -> None:
    """Pages put together are the whole, by priority and then due time."""
    with reading(book) as connection:
        whole = [each.id for each in queue.every(connection, TaskFilter())]
        found: list[str] = []
        cursor = None
        for _ in range(3):
            page = queue.page(connection, TaskFilter(), limit=5, cursor=cursor)
            found += [each.id for each in page.tasks]
            cursor = page.cursor
    assert cursor is None
    assert found == whole
    assert whole[:5] == ["t01", "t04", "t07", "t10", "t00"]


@pytest.mark.parametrize(
    "cursor", ["x", "é", "W10", "WzEsMiwzXQ", "A" * 900, "WyJhIiwiYiIsImMiXQ", "bnVsbA", "W1tbW1tb"]
)
def test_page_refuses_cursors_it_never_gave(book: Engine, cursor: str) -> None:
    """A made-up cursor is told, not obeyed."""
    with reading(book) as connection, pytest.raises(BadCursorError):
        queue.page(connection, TaskFilter(), limit=5, cursor=cursor)


def test_page_names_the_account_and_the_person(book: Engine) -> None:
    """Unknown people keep their id; shared queues read as teams."""
    put(book, task("team", assignee="team:cs_pool"), task("stray", account_id="gone"))
    with reading(book) as connection:
        team, stray = queue.one(connection, "team"), queue.one(connection, "stray")
    assert team is not None
    assert stray is not None
    assert (team.account, team.assignee_name) == ("Acme", "Cs pool (shared)")
    assert (stray.account, stray.assignee_name) == ("gone", "dana")


def test_first_page_uses_an_index(sqlite_database: Engine) -> None:
    """Neither one person's queue nor everybody's reads the whole table."""
    statements: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(sqlite_database, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def]
        statements.append((statement, parameters))

    with reading(sqlite_database) as connection:
        for wanted in (
            TaskFilter(assignee="dana", due_before=NOW, awake_at=NOW),
            TaskFilter(due_before=NOW),
            TaskFilter(account_id="acme"),
        ):
            queue.page(connection, wanted, limit=25)
        for statement, parameters in list(statements):
            if statement.lstrip().startswith("SELECT"):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps = [row[3] for row in plan]
                assert not [step for step in steps if step.startswith("SCAN task")], steps
                assert any("ix_task_" in step for step in steps), steps
