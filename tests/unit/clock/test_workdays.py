"""Working days and hours of an account."""

from datetime import date, time

import pytest

from engine.clock.durations import parse_duration
from engine.clock.workdays import LocalCalendar, add_business_days, is_business_day
from engine.clock.zones import zone
from tests.builders import at


@pytest.mark.parametrize(
    ("day", "country", "expected"),
    [
        (date(2026, 3, 2), "US", True),
        (date(2026, 3, 7), "US", False),
        (date(2026, 7, 3), "US", False),
        (date(2026, 7, 3), "DE", True),
        (date(2026, 12, 25), "DE", False),
        (date(2026, 12, 25), "XX", True),
        (date(2026, 12, 26), "XX", False),
    ],
)
def test_business_day_is_a_weekday_that_is_no_holiday_there(day: date, country: str, expected: bool) -> None:
    """An unknown country has weekends only."""
    assert is_business_day(day, country) is expected


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 3, 6), 0, date(2026, 3, 6)),
        (date(2026, 3, 7), 0, date(2026, 3, 9)),
        (date(2026, 3, 6), 1, date(2026, 3, 9)),
        (date(2026, 3, 7), 1, date(2026, 3, 10)),
        (date(2026, 12, 24), 2, date(2026, 12, 29)),
    ],
)
def test_business_days_are_counted_from_the_day_after(day: date, count: int, expected: date) -> None:
    """Weekends and Christmas are passed over."""
    assert add_business_days(day, count, "US") == expected


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-03-02 06:00", "2026-03-02 13:00"),
        ("2026-03-02 15:00", "2026-03-02 15:00"),
        ("2026-03-02 23:00", "2026-03-03 13:00"),
        ("2026-03-07 23:30", "2026-03-08 12:00"),
    ],
)
def test_within_hours_waits_for_the_morning_there(instant: str, expected: str) -> None:
    """Eight to six in New York, the night of the change of clocks included."""
    calendar = LocalCalendar(zone("America/New_York"), "US", time(8), time(18))
    assert calendar.within_hours(at(instant)) == at(expected)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        ("2026-03-02 15:00", "2026-03-02 15:00"),
        ("2026-03-06 23:30", "2026-03-09 12:00"),
        ("2026-03-07 15:00", "2026-03-09 12:00"),
        ("2026-12-24 23:30", "2026-12-28 13:00"),
        ("2026-12-25 15:00", "2026-12-28 13:00"),
    ],
)
def test_within_business_hours_waits_for_the_next_business_morning(instant: str, expected: str) -> None:
    """Over a weekend, over the change of clocks, and over Christmas."""
    calendar = LocalCalendar(zone("America/New_York"), "US", time(8), time(18))
    assert calendar.within_business_hours(at(instant)) == at(expected)


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ("4h", "2026-03-06 19:00"),
        ("1bd", "2026-03-09 18:00"),
        ("1d", "2026-03-07 18:00"),
        ("0d", "2026-03-06 18:00"),
    ],
)
def test_deadline_of_days_is_the_end_of_a_working_day(within: str, expected: str) -> None:
    """Hours are elapsed time."""
    calendar = LocalCalendar(zone("UTC"), "US", time(8), time(18))
    assert calendar.deadline(at("2026-03-06 15:00"), parse_duration(within)) == at(expected)


def test_hours_are_no_number_of_days() -> None:
    """Asking for a date some hours later is a mistake in the program."""
    calendar = LocalCalendar(zone("UTC"), "US", time(8), time(18))
    with pytest.raises(ValueError, match="4h is no number of days"):
        calendar.plus_days(date(2026, 3, 6), parse_duration("4h"))
