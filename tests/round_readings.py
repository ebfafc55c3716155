"""When playbooks start by the calendar, read a second time, without the engine."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from hashlib import sha256

from tests.almanac import DAY
from tests.lives import BEGIN, END, Life
from tests.state_readings import Did, acted


def _months() -> Iterator[tuple[int, int]]:
    yield from ((2027, 12), *((2028, month) for month in range(1, 13)), (2029, 1))


def _days_of(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [first + index * DAY for index in range(31) if (first + index * DAY).month == month]


def _rounds(life: Life, days: Iterator[date | None]) -> Iterator[Did]:
    for day in days:
        if day is not None and life.almanac.start(day) > BEGIN:
            yield from acted(life, life.almanac.start(day), by_calendar=True)


def _business_days(life: Life, year: int, month: int) -> list[date]:
    return [day for day in _days_of(year, month) if life.almanac.is_business(day)]


def first_business(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """The first business day of each month."""
    yield from _rounds(life, (_business_days(life, *each)[0] for each in _months()))


def last_business(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """The last business day of each month."""
    yield from _rounds(life, (_business_days(life, *each)[-1] for each in _months()))


def thirtieth(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """The 30th of each month, or the last of February."""
    yield from _rounds(life, (_days_of(*each)[:30][-1] for each in _months()))


def quarterly(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """The first business day of each quarter."""
    yield from _rounds(life, (_business_days(life, *each)[0] for each in _months() if each[1] % 3 == 1))


def spread(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Over the first ten business days of each quarter, at the account's own place."""
    place = int(sha256(f"spread\x1fspread\x1f{life.name}".encode()).hexdigest()[:16], 16) % 10
    yield from _rounds(life, (_business_days(life, *each)[place] for each in _months() if each[1] % 3 == 1))


def weekly(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Thursdays."""
    days = (date(2027, 12, 23) + week * 7 * DAY for week in range(60))
    yield from _rounds(life, (day for day in days if life.almanac.start(day) <= END))


def yearly(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """The anniversary; of the leap day the 28th in other years."""
    for year in (2027, 2028, 2029):
        days = [day for day in _days_of(year, life.since.month) if day.day <= life.since.day]
        if days[-1] > life.since:
            yield from _rounds(life, iter(days[-1:]))
