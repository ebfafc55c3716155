"""Weeks, months, quarters, half-years and years, and the days on which something comes round in them."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

from engine.clock.workdays import is_business_day

_ONE_DAY = timedelta(days=1)


class Period(StrEnum):
    """A stretch of the calendar that comes round: weeks begin on Monday, quarters in January."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months it has; 0 for a week."""
        return {"month": 1, "quarter": 3, "half_year": 6, "year": 12}.get(self.value, 0)

    @property
    def shortest(self) -> timedelta:
        """The length of the shortest one."""
        days = {"week": 7, "month": 28, "quarter": 90, "half_year": 181, "year": 365}
        return timedelta(days=days[self.value])

    @property
    def longest_days(self) -> int:
        """The number of days of the longest one."""
        return {"week": 7, "month": 31, "quarter": 92, "half_year": 184, "year": 366}[self.value]

    def start_of(self, day: date) -> date:
        """The first day of the period that `day` lies in."""
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(month=day.month - (day.month - 1) % self.months, day=1)

    def end_of(self, day: date) -> date:
        """The last day of the period that `day` lies in. Raises OverflowError beyond the year 9999."""
        start = self.start_of(day)
        if self is Period.WEEK:
            return start + timedelta(days=6)
        month = start.month + self.months - 1
        return start.replace(month=month, day=monthrange(start.year, month)[1])

    def key_of(self, day: date) -> str:
        """The name of the period that `day` lies in: 2026-W41, 2026-10, 2026-Q4, 2026-H2, 2026."""
        if self is Period.WEEK:
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02d}"
        if self is Period.MONTH:
            return f"{day.year}-{day.month:02d}"
        if self is Period.YEAR:
            return str(day.year)
        return f"{day.year}-{'Q' if self is Period.QUARTER else 'H'}{1 + (day.month - 1) // self.months}"


@dataclass(frozen=True, slots=True)
class DayOfPeriod:
    """The `number`-th day, or business day, of a period; -1 is its last."""

    number: int
    is_business: bool = False


@lru_cache(maxsize=4096)
def day_in(period: Period, start: date, wanted: DayOfPeriod, country: str) -> date | None:
    """That day in the period that begins on `start`.

    A period with too few days has its last one instead; one without any business day has none.
    """
    end = period.end_of(start)
    if not wanted.is_business:
        return end if wanted.number < 0 else min(end, start + timedelta(days=wanted.number - 1))
    is_from_end = wanted.number < 0
    day, step, found = (end, -_ONE_DAY, None) if is_from_end else (start, _ONE_DAY, None)
    left = abs(wanted.number)
    while left and start <= day <= end:
        if is_business_day(day, country):
            found, left = day, left - 1
        day += step
    return found


def anniversary_in(period: Period, start: date, first: date) -> date | None:
    """The day in the period that begins on `start` on which `first` comes round, after `first` itself.

    The day of the month is that of `first`, or the last of a shorter month. Raises ValueError for weeks.
    """
    if not period.months:
        raise ValueError("a date does not come round every week")
    month = start.month + (first.month - 1) % period.months
    day = start.replace(month=month, day=min(first.day, monthrange(start.year, month)[1]))
    return day if day > first else None
