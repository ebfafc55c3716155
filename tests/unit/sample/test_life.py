"""The sample customers going on living."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Engine

from engine.conditions.catalogue import BUILT_IN
from engine.sample.life import Resident, happenings, live, residents
from engine.sample.seed import seed
from engine.state.ingest import Entry, EventEntry

NOW = datetime(2026, 6, 17, 9, 30, tzinfo=UTC)
BOOK = [
    Resident(
        f"acc-{index}",
        ("high_touch", "low_touch", "tech_touch")[index % 3],
        Decimal(40 + index),
        Decimal(700),
        Decimal(1000),
        f"con-{index}",
        f"sub-{index}",
    )
    for index in range(60)
]


def _day() -> list[Entry | EventEntry]:
    """A day at three instants a minute."""
    return [each for step in range(4320) for each in happenings(NOW + timedelta(seconds=20 * step), BOOK, 1)]


def test_happenings_are_the_same_for_the_same_instant() -> None:
    """Asked twice, an instant answers the same; fractions of a second do not matter."""
    assert happenings(NOW, BOOK, 1) == happenings(NOW + timedelta(microseconds=5), BOOK, 1)
    assert happenings(NOW, BOOK, 1) != happenings(NOW + timedelta(seconds=20), BOOK, 1)


def test_happenings_are_few_and_now() -> None:
    """An instant brings a handful of things, all of them at that instant."""
    found = happenings(NOW, BOOK, 1)
    assert 2 <= len(found) <= 15
    assert {each.recorded_at for each in found} == {NOW}


def test_happenings_of_a_day_hold_some_of_everything() -> None:
    """Within a day there are logins, departures, cancel requests, slumps and crossings."""
    day = _day()
    events = Counter(each.name for each in day if isinstance(each, EventEntry))
    values = [each.values for each in day if isinstance(each, Entry)]
    health = [each["health"] for each in values if "health" in each]
    assert events["login"] > 4000
    assert 5 <= events["cancel_requested"] <= 40
    assert 5 <= sum("status" in each for each in values) <= 60
    assert 20 <= sum(isinstance(each, Decimal) and each < 40 for each in health) <= 200
    assert any(each.get("usage", Decimal(0)) >= 800 for each in values)  # type: ignore[operator]


def test_happenings_leave_quiet_customers_alone() -> None:
    """Some tech-touch customers never log in, so that re-engagement has somebody to write to."""
    quiet = {each.id for each in BOOK if each.is_quiet}
    assert {each.account_id for each in _day()} & quiet == set()
    many = [Resident(f"x{index}", "tech_touch", *[None] * 5) for index in range(800)]
    assert 25 <= sum(each.is_quiet for each in many) <= 80


def test_happenings_of_an_empty_book_are_none() -> None:
    """No customers, no life."""
    assert happenings(NOW, [], 1) == []


def test_live_writes_what_happens_once(sqlite_database: Engine) -> None:
    """An instant lived twice, as after a crash, is written once as far as events go."""
    seed(sqlite_database, BUILT_IN, accounts=8, end=NOW - timedelta(hours=1))
    assert len(residents(sqlite_database)) >= 6
    assert live(sqlite_database, BUILT_IN, NOW) > 0
