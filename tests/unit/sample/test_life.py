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
    """Some tech-touch customers hardly ever log in, so that re-engagement has somebody to write to."""
    quiet = {each.id for each in BOOK if each.is_quiet(NOW)}
    seen = [each for each in _day() if each.account_id in quiet]
    assert len(seen) < 60
    many = [Resident(f"x{index}", "tech_touch", *[None] * 5) for index in range(800)]
    assert 25 <= sum(each.is_quiet(NOW) for each in many) <= 80


def test_happenings_leave_those_away_to_their_silence() -> None:
    """Ten days without a login make a tech-touch customer quiet; one with a CSM is called back."""
    away = NOW - timedelta(days=10)
    assert Resident("x1", "tech_touch", None, None, None, None, None, away).is_quiet(NOW)
    assert not Resident("x1", "low_touch", None, None, None, None, None, away).is_quiet(NOW)


def test_happenings_bring_a_new_champion_and_a_larger_plan() -> None:
    """Who lost a champion finds one in time, and who outgrew the plan gets the next."""
    book = [Resident("a", "high_touch", Decimal(70), Decimal(90), Decimal(100), None, "a-sub")]
    found = [each for step in range(800) for each in happenings(NOW + timedelta(seconds=20 * step), book, 1)]
    entries = [each for each in found if isinstance(each, Entry)]
    assert any(each.values.get("role") == "champion" for each in entries)
    assert any(each.values.get("limit") == 150 for each in entries)
    assert any(isinstance(each, EventEntry) and each.name == "plan_upgraded" for each in found)


def test_happenings_of_an_empty_book_are_none() -> None:
    """No customers, no life."""
    assert happenings(NOW, [], 1) == []


def test_live_writes_what_happens_once(sqlite_database: Engine) -> None:
    """An instant lived twice, as after a crash, is written once as far as events go."""
    seed(sqlite_database, BUILT_IN, accounts=8, end=NOW - timedelta(hours=1))
    assert len(residents(sqlite_database)) >= 6
    assert live(sqlite_database, BUILT_IN, NOW) > 0
