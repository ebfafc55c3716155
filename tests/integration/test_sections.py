"""A queue of any size reads the same, whole or walked, page by page, in every order."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any, get_args

import pytest
from sqlalchemy import Engine, event, select

from engine.people import search, sections
from engine.people.sections import Order, SectionPage, Stretch, Wanted, read_section
from engine.state.cursor import BadCursorError
from engine.state.database import reading, writing
from engine.state.importance import importance
from engine.state.places import place_accounts, place_tasks, words_of
from engine.state.tables import Account, QueuePlace, QueueWord, Task
from tests.website_book import NOW, account, put, task

OVERDUE = Stretch("overdue", "Overdue", None, NOW)
LATER = Stretch("later", "Later", NOW, None)
RESTING = Stretch("snoozed", "Snoozed", is_resting=True)
_ACCOUNTS: tuple[tuple[str, str, int | None, int | None, str | None], ...] = (
    ("acme", "Acme Manufacturing", 124_000, 35, "high_touch"),
    ("born", "börn & Søn", None, 80, "low_touch"),
    ("cyan", "cyan", 2_000_000, None, None),
)


@pytest.fixture
def book(database: Engine) -> Engine:
    """Three accounts with sixty open tasks of two people and a shared queue, some of them snoozed."""
    for name, title, arr, health, segment in _ACCOUNTS:
        numbers = {"arr": arr, "health": health}
        known = {key: Decimal(value) for key, value in numbers.items() if value is not None}
        put(database, *account(name, title, segment=segment, **known))
    tasks = [
        task(
            f"t{number:02}",
            title=("Call Priya", "Review the plan", "Call back")[number % 3] + f" {number}",
            account_id=_ACCOUNTS[number % 3][0],
            assignee=("dana", "omar", "team:cs_pool")[number % 5 % 3],
            playbook=("at-risk", "renewal")[number % 2],
            kind=("account", "contact")[number // 7 % 2],
            priority=(90, 50)[number % 4 // 3],
            due_at=NOW + timedelta(hours=number // 2 - 12),
            snoozed_until=NOW + timedelta(days=1) if number % 11 == 0 else None,
        )
        for number in range(60)
    ]
    put(database, *tasks, task("closed", state="done"))
    return database


@pytest.fixture(params=[(1_000, 50_000), (3, 50_000), (3, 12)], ids=["whole", "walked", "broken off"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """How much is read whole, and how far an index is walked."""
    counted, walked = request.param
    monkeypatch.setattr(sections, "COUNTED", counted)
    monkeypatch.setattr(sections, "WALKED", walked)
    return counted, walked


_WANTED = (
    Wanted(),
    Wanted(assignees=("dana",)),
    Wanted(assignees=("dana", "team:cs_pool")),
    Wanted(account_id="acme"),
    Wanted(playbook="renewal"),
    Wanted(assignees=("omar",), playbook="renewal", kind="contact"),
    Wanted(segment="low_touch"),
    Wanted(sees=lambda account_id, assignee: (account_id == "acme") | (assignee == "omar")),
)


def test_pages_put_together_are_the_section(book: Engine, bounds: tuple[int, int]) -> None:
    """Without gap or repeat, in the order of a plain sort, however it is read."""
    with reading(book) as connection:
        for case in product(_WANTED, (OVERDUE, LATER, RESTING), get_args(Order)):
            wanted, stretch = replace(case[0], order=case[2]), case[1]
            pages = list(_pages(connection, wanted, stretch))
            found = [task_id for page in pages for task_id in page.task_ids]
            assert found == _expected(connection, wanted, stretch), case
            assert max(page.total for page in pages) <= bounds[0]


def _pages(connection: Any, wanted: Wanted, stretch: Stretch) -> Iterator[SectionPage]:
    """Every page of four."""
    after: str | None = ""
    while after is not None:
        page = read_section(connection, wanted, stretch, NOW, limit=4, after=after)
        yield page
        after = page.cursor


def _expected(connection: Any, wanted: Wanted, stretch: Stretch) -> list[str]:
    """The tasks of a section by a plain reading of what it means."""
    joined = select(Task.__table__, Account.name, Account.arr, Account.health, Account.segment)  # type: ignore[attr-defined,call-overload]
    rows = connection.execute(joined.join(Account, Account.id == Task.account_id)).all()  # type: ignore[arg-type]
    kept = []
    for row in rows:
        rests = row.snoozed_until is not None and row.snoozed_until > NOW
        is_within = (stretch.start or row.due_at) <= row.due_at and (
            stretch.end is None or row.due_at < stretch.end
        )
        facts = (
            row.state == "open",
            rests if stretch.is_resting else not rests and is_within,
            wanted.assignees is None or row.assignee in wanted.assignees,
            wanted.account_id in (None, row.account_id),
            wanted.playbook in (None, row.playbook),
            wanted.kind in (None, row.kind),
            wanted.segment in (None, row.segment),
            wanted.sees is None or row.account_id == "acme" or row.assignee == "omar",
        )
        if all(facts):
            kept.append(row)
    return [row.id for row in sorted(kept, key=lambda row: (_key(row, wanted.order), row.due_at, row.id))]


def _key(row: Any, order: Order) -> Any:
    keys: dict[Order, Any] = {
        "importance": -importance(row.priority, row.arr, row.health).points,
        "due": row.due_at,
        "arr": (row.arr is None, -(row.arr or 0)),
        "health": (row.health is None, row.health or 0),
        "account": row.name.casefold(),
    }
    return keys[order]


_FOUND = {
    "priya": 20,
    "PRI": 20,
    "call": 40,
    "acme call": 20,
    "call 4": 6,
    "born": 20,
    "SØN": 20,
    "plan 1": 5,
    "zebra": 0,
    "call zebra": 0,
    "%": 0,
    "call_": 40,
}


def test_search_finds_beginnings_of_words(book: Engine) -> None:
    """In the title or the account's name, whatever the accents; every word must be there."""
    everything = Stretch("found", "Found")
    with reading(book) as connection:
        for text, count in _FOUND.items():
            page = read_section(connection, Wanted(text=text), everything, NOW, limit=100)
            resting = read_section(connection, Wanted(text=text), RESTING, NOW, limit=100)
            assert page.total + resting.total == count, text


def test_search_looks_at_no_more_than_it_says(book: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A common word is told as such."""
    monkeypatch.setattr(search, "LOOKED_AT", 5)
    with reading(book) as connection:
        assert search.is_too_common(connection, "call")
        assert not search.is_too_common(connection, "call 59")
        everything = Stretch("found", "Found")
        assert read_section(connection, Wanted(text="call"), everything, NOW, limit=100).total <= 5
        found = read_section(connection, Wanted(text="call 59"), everything, NOW, limit=100)
    assert found.task_ids == ("t59",)


def test_made_up_cursors_are_refused(book: Engine) -> None:
    """They are told, not obeyed."""
    made_up = (
        "x",
        "é",
        "W10",
        "WzEsMiwzXQ",
        "WyJhIiwiYiIsImMiXQ",
        "bnVsbA",
        "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OSwyLDNd",
    )
    with reading(book) as connection:
        for cursor, order in product(made_up, get_args(Order)):
            with pytest.raises(BadCursorError):
                read_section(connection, Wanted(order=order), LATER, NOW, limit=5, after=cursor)


def test_places_follow_their_tasks_and_accounts(book: Engine) -> None:
    """Whatever is done once too often changes nothing; what is gone leaves no word behind."""
    with writing(book) as connection:
        before = _places(connection)
        place_tasks(connection, ["t01", "nowhere"])
        place_accounts(connection, ["acme"])
        assert _places(connection) == before
        connection.execute(Task.__table__.update().where(Task.id != "t01").values(state="done"))  # type: ignore[attr-defined,arg-type]
        connection.execute(Account.__table__.update().values(name="Zeta Ltd", arr=Decimal(7)))  # type: ignore[attr-defined]
        place_tasks(connection, [f"t{number:02}" for number in range(60)])
        place_accounts(connection, ["born"])
        (place,) = connection.execute(select(QueuePlace.__table__)).all()  # type: ignore[attr-defined]
        words = list(connection.scalars(select(QueueWord.word).order_by(QueueWord.word)))  # type: ignore[call-overload]
    assert (place.task_id, place.by_account, place.by_arr) == ("t01", "zeta ltd", -7_000_000)
    assert words == ["1", "ltd", "plan", "review", "the", "zeta"]


def _places(connection: Any) -> list[Any]:
    return list(connection.execute(select(QueuePlace.__table__).order_by(QueuePlace.task_id)))  # type: ignore[attr-defined,arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Call Priya at Acme-Labs", ("call", "priya", "at", "acme", "labs")),
        ("Ærø & Çelik, STRASSE straße", ("ærø", "celik", "strasse")),
        ("a_b  a.b", ("a", "b")),
        ("日本 株式会社", ("日本", "株式会社")),
        ("\U0010ffff <b>", ("b",)),
        ("x" * 40, ("x" * 32,)),
        ("", ()),
    ],
)
def test_words_are_folded_alike_in_titles_and_searches(text: str, words: tuple[str, ...]) -> None:
    """In lower case, without accents, each once."""
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("arr", "health", "points"),
    [
        (None, None, 10),
        (Decimal(999), Decimal(100), 0),
        (Decimal(1_000), Decimal(75), 5),
        (Decimal(124_000), Decimal("39.99"), 60),
        (Decimal(5_000_000), Decimal(40), 70),
    ],
)
def test_importance_adds_points_to_the_priority(
    arr: Decimal | None, health: Decimal | None, points: int
) -> None:
    """As docs/console.md lists them."""
    assert importance(50, arr, health).points == 50 + points


def test_no_reading_of_a_section_looks_at_the_whole_table(
    sqlite_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every query finds its places by an index."""
    monkeypatch.setattr(sections, "COUNTED", 0)
    put(sqlite_database, *account("acme", "Acme"), task("one", due_at=datetime(2026, 1, 1, tzinfo=UTC)))
    statements: list[tuple[str, Any]] = []

    @event.listens_for(sqlite_database, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many):  # type: ignore[no-untyped-def]
        statements.append((statement, parameters))

    with reading(sqlite_database) as connection:
        for counted in (0, 1_000):
            monkeypatch.setattr(sections, "COUNTED", counted)
            for wanted in (*_WANTED, Wanted(text="acme")):
                for order in get_args(Order):
                    read_section(connection, replace(wanted, order=order), OVERDUE, NOW, limit=25)
        for statement, parameters in {each[0]: each for each in statements}.values():
            if statement.lstrip().startswith("SELECT"):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                steps = [row[3] for row in plan]
                scans = [each for each in steps if each.startswith("SCAN queue_") and "INDEX" not in each]
                assert not scans, (statement, steps)
