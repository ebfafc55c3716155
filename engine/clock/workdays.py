"""Business days: weekdays that are no public holiday in the account's country."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from engine.clock.durations import Duration
from engine.clock.zones import at_local, first_instant, local_date

_ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=256)
def _holidays(country: str) -> holidays.HolidayBase | None:
    try:
        return holidays.country_holidays(country)
    except NotImplementedError:
        return None


def is_business_day(day: date, country: str) -> bool:
    """Whether people work on `day`. A country the calendar does not know has weekends only."""
    if day.weekday() >= 5:
        return False
    calendar = _holidays(country)
    return calendar is None or day not in calendar


def add_business_days(day: date, count: int, country: str) -> date:
    """The `count`-th business day after `day`; with 0, `day` itself or the next business day."""
    while not is_business_day(day, country):
        day += _ONE_DAY
    for _ in range(count):
        day += _ONE_DAY
        while not is_business_day(day, country):
            day += _ONE_DAY
    return day


@dataclass(frozen=True, slots=True)
class LocalCalendar:
    """Where and when an account works: its zone, its country's holidays, the working hours."""

    zone: ZoneInfo
    country: str
    opens: time
    closes: time

    def day_of(self, instant: datetime) -> date:
        """The local date at `instant`."""
        return local_date(instant, self.zone)

    def starts(self, day: date) -> datetime:
        """The first instant of the local date."""
        return first_instant(day, self.zone)

    def morning(self, day: date) -> datetime:
        """When work begins on `day`."""
        return at_local(day, self.opens, self.zone)

    def evening(self, day: date) -> datetime:
        """When work ends on `day`."""
        return at_local(day, self.closes, self.zone)

    def within_hours(self, instant: datetime) -> datetime:
        """The first instant not before `instant` that lies within working hours of any day."""
        day = self.day_of(instant)
        if instant < self.morning(day):
            return self.morning(day)
        if instant < self.evening(day):
            return instant
        return self.morning(day + _ONE_DAY)

    def within_business_hours(self, instant: datetime) -> datetime:
        """The first instant not before `instant` that lies within working hours of a business day."""
        found = self.within_hours(instant)
        day = self.day_of(found)
        if is_business_day(day, self.country):
            return found
        return self.morning(add_business_days(day, 0, self.country))

    def plus_days(self, day: date, offset: Duration) -> date:
        """The local date `offset` later. Raises ValueError for hours and minutes."""
        if offset.unit == "bd":
            return add_business_days(day, offset.amount, self.country)
        if offset.unit in ("d", "w"):
            return day + offset.elapsed
        raise ValueError(f"{offset} is no number of days")

    def deadline(self, instant: datetime, within: Duration) -> datetime:
        """When something asked for at `instant` is due: hours are elapsed, days end with the working day."""
        if within.unit in ("h", "min"):
            return instant + within.elapsed
        return self.evening(self.plus_days(self.day_of(instant), within))
