"""Periods of the calendar and the days within them."""

from datetime import date, timedelta

import pytest

from engine.clock.periods import DayOfPeriod, Period, anniversary_in, day_in


@pytest.mark.parametrize(
    ("period", "day", "start", "end", "key"),
    [
        ("week", "2026-10-11", "2026-10-05", "2026-10-11", "2026-W41"),
        ("week", "2027-01-01", "2026-12-28", "2027-01-03", "2026-W53"),
        ("month", "2028-02-29", "2028-02-01", "2028-02-29", "2028-02"),
        ("quarter", "2026-12-31", "2026-10-01", "2026-12-31", "2026-Q4"),
        ("half_year", "2026-06-30", "2026-01-01", "2026-06-30", "2026-H1"),
        ("half_year", "2026-07-01", "2026-07-01", "2026-12-31", "2026-H2"),
        ("year", "2026-07-01", "2026-01-01", "2026-12-31", "2026"),
    ],
)
def test_period_has_its_first_and_last_day_and_its_name(
    period: str, day: str, start: str, end: str, key: str
) -> None:
    """Weeks begin on Monday and are named as ISO 8601 does, quarters begin in January."""
    found, inside = Period(period), date.fromisoformat(day)
    assert found.start_of(inside) == date.fromisoformat(start)
    assert found.end_of(inside) == date.fromisoformat(end)
    assert found.key_of(inside) == key


@pytest.mark.parametrize("period", list(Period))
def test_period_follows_on_the_one_before_within_its_lengths(period: Period) -> None:
    """Over ten years no day is in two periods or in none, and the lengths are those that are promised."""
    day, lengths, keys = date(2023, 12, 31), set(), set()
    day = period.start_of(day)
    while day.year < 2034:
        end = period.end_of(day)
        lengths.add((end - day).days + 1)
        keys.add(period.key_of(day))
        assert period.start_of(end) == day
        assert period.start_of(end + timedelta(days=1)) == end + timedelta(days=1)
        day = end + timedelta(days=1)
    assert min(lengths) == period.shortest.days
    assert max(lengths) == period.longest_days
    assert len(keys) >= 10


@pytest.mark.parametrize(
    ("period", "start", "number", "is_business", "found"),
    [
        ("month", "2026-02-01", 1, False, "2026-02-01"),
        ("month", "2026-02-01", 31, False, "2026-02-28"),
        ("month", "2028-02-01", 29, False, "2028-02-29"),
        ("month", "2026-02-01", -1, False, "2026-02-28"),
        ("month", "2026-02-01", 1, True, "2026-02-02"),
        ("month", "2027-01-01", 1, True, "2027-01-04"),
        ("month", "2026-01-01", 3, True, "2026-01-06"),
        ("month", "2026-05-01", -1, True, "2026-05-29"),
        ("quarter", "2026-07-01", 92, False, "2026-09-30"),
        ("year", "2026-01-01", 366, False, "2026-12-31"),
        ("week", "2026-12-28", 1, True, "2026-12-28"),
        ("week", "2026-12-28", 5, True, "2026-12-31"),
        ("week", "2026-12-28", 7, False, "2027-01-03"),
    ],
)
def test_day_in_a_period_keeps_to_it(
    period: str, start: str, number: int, is_business: bool, found: str
) -> None:
    """Where there are too few days it is the last one; public holidays of the United States are no work."""
    wanted = DayOfPeriod(number, is_business)
    assert day_in(Period(period), date.fromisoformat(start), wanted, "US") == date.fromisoformat(found)


def test_day_in_a_week_without_business_days_is_none() -> None:
    """The golden week of 2026 in China: nothing occurs rather than two things in the week after."""
    wanted = DayOfPeriod(1, True)
    days = [day_in(Period.WEEK, date(2026, 2, 16) + timedelta(weeks=n), wanted, "CN") for n in range(2)]
    assert days == [None, date(2026, 2, 24)]


@pytest.mark.parametrize(
    ("period", "start", "first", "found"),
    [
        ("year", "2026-01-01", "2024-02-29", "2026-02-28"),
        ("year", "2028-01-01", "2024-02-29", "2028-02-29"),
        ("year", "2024-01-01", "2024-02-29", None),
        ("year", "2023-01-01", "2024-02-29", None),
        ("quarter", "2026-01-01", "2025-11-30", "2026-02-28"),
        ("half_year", "2026-07-01", "2026-03-15", "2026-09-15"),
        ("month", "2026-04-01", "2026-03-31", "2026-04-30"),
    ],
)
def test_anniversary_is_after_the_first_day_and_in_its_month(
    period: str, start: str, first: str, found: str | None
) -> None:
    """The last day of a shorter month stands for a day that it lacks."""
    day = anniversary_in(Period(period), date.fromisoformat(start), date.fromisoformat(first))
    assert day == (date.fromisoformat(found) if found else None)


def test_anniversary_of_a_week_is_refused() -> None:
    """Weeks have weekdays."""
    with pytest.raises(ValueError, match="every week"):
        anniversary_in(Period.WEEK, date(2026, 1, 5), date(2025, 1, 1))
