"""Local days, working hours and business days, found by looking at the clock every quarter of an hour.

A second reading of the calendar for tests: plain datetime and zoneinfo, nothing of the engine.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY, HOUR, QUARTER = timedelta(days=1), timedelta(hours=1), timedelta(minutes=15)

HOLIDAYS = frozenset(
    [date(2027, *day) for day in ((11, 25), (12, 24), (12, 31))]
    + [date(2028, *day) for day in ((1, 17), (2, 21), (5, 29), (6, 19), (7, 4), (9, 4), (10, 9))]
    + [date(2028, 11, 10), date(2028, 11, 23), date(2028, 12, 25), date(2029, 1, 1), date(2029, 1, 15)]
)
"""Federal holidays of the United States (5 U.S.C. 6103) that fall on weekdays, or are observed on them."""


class Almanac:
    """The days of one place."""

    def __init__(self, zone: str, holidays: Iterable[date] = ()) -> None:
        self._zone = ZoneInfo(zone)
        self._holidays = frozenset(holidays)
        self.start = cache(self._start)
        self.clock = cache(self._clock)

    def _start(self, day: date) -> datetime:
        """The first instant of a local date."""
        noon = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return self._first(noon - 18 * HOUR, lambda local: local.date() >= day)

    def _clock(self, day: date, hour: int) -> datetime:
        """The first instant of a local date at which its clocks show this hour, or a later one."""
        return self._first(
            self.start(day), lambda local: (local.date(), local.hour) >= (day, hour) and local.date() >= day
        )

    def _first(self, instant: datetime, is_reached: Callable[[datetime], bool]) -> datetime:
        while not is_reached(instant.astimezone(self._zone)):
            instant += QUARTER
        return instant

    def day(self, instant: datetime) -> date:
        """The local date."""
        day = instant.astimezone(self._zone).date() + DAY
        while self.start(day) > instant:
            day -= DAY
        return day

    def in_hours(self, instant: datetime) -> datetime:
        """Eight in the morning, or at once until six in the evening, or eight the day after."""
        day = self.day(instant)
        if instant < self.clock(day, 18):
            return max(instant, self.clock(day, 8))
        return self.clock(day + DAY, 8)

    def is_business(self, day: date) -> bool:
        """Neither a Saturday or Sunday nor a holiday."""
        return day.isoweekday() < 6 and day not in self._holidays

    def plus_business(self, day: date, count: int) -> date:
        """So many business days later, beginning with the next one on a day off."""
        while not self.is_business(day):
            day += DAY
        for _ in range(count):
            day += DAY
            while not self.is_business(day):
                day += DAY
        return day
