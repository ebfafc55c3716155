"""What comes round with the calendar: which occurrence was the latest, and when the next one is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.clock.periods import DayOfPeriod, Period, anniversary_in, day_in
from engine.clock.workdays import LocalCalendar, add_business_days
from engine.conditions.wording import label, show_duration
from engine.identity import digest
from engine.rulefile.model import Every

_ONE_DAY = timedelta(days=1)
_REACH = 8
"""Periods looked at. Few have no occurrence: those without a business day, those before the first date."""
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One turn of a recurrence."""

    period: date
    """The first day of the period it belongs to."""
    key: str
    day: date
    """The account's local date."""
    at: datetime
    """The first instant of that date."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """An `every` as it stands for one subject. An occurrence belongs to its period, wherever it moves."""

    every: Every
    calendar: LocalCalendar
    offset: int
    """How many days of the spread the account is behind the first ones."""
    first: date | None = None
    """The date that comes round, where `every` names a field and it is known."""

    def latest(self, now: datetime) -> Occurrence | None:
        """The newest occurrence that has begun by `now`."""
        return self._search(now, lambda found: found.at <= now, forward=False)

    def following(self, now: datetime) -> Occurrence | None:
        """The first occurrence that begins after `now`."""
        return self._search(now, lambda found: found.at > now, forward=True)

    def _search(
        self, now: datetime, fits: Callable[[Occurrence], bool], *, forward: bool
    ) -> Occurrence | None:
        period = self.every.period
        try:
            day = self.calendar.day_of(now) + (-period.shortest if forward else _ONE_DAY)
            if forward and self.first is not None:
                day = max(day, self.first)
            for _ in range(_REACH):
                found = self._in(period.start_of(day))
                if found is not None and fits(found):
                    return found
                day = period.end_of(day) + _ONE_DAY if forward else period.start_of(day) - _ONE_DAY
        except OverflowError:
            pass
        return None

    def _in(self, start: date) -> Occurrence | None:
        """The occurrence of the period that begins on `start`."""
        period, country = self.every.period, self.calendar.country
        if isinstance(self.every.day, DayOfPeriod):
            base = day_in(period, start, self.every.day, country)
        else:
            base = anniversary_in(period, start, self.first) if self.first is not None else None
        if base is None:
            return None
        day = self._spread(base)
        return Occurrence(start, period.key_of(start), day, self.calendar.starts(day))

    def _spread(self, base: date) -> date:
        spread = self.every.spread
        if spread is None:
            return base
        if spread.is_business:
            return add_business_days(base, self.offset, self.calendar.country)
        return base + timedelta(days=self.offset)


def offset_of(every: Every, playbook: str, account_id: str) -> int:
    """Which day of the spread is the account's: always the same one, and as many accounts on each."""
    if every.spread is None:
        return 0
    days = every.spread.amount if every.spread.is_business else every.spread.elapsed.days
    return int(digest("spread", playbook, account_id), 16) % days


def every_words(every: Every) -> str:
    """The trigger in words: "every quarter, on its first business day, spread over 10 business days"."""
    spread = f", spread over {show_duration(every.spread)}" if every.spread is not None else ""
    return f"every {every.period.replace('_', '-')}, on {_day_words(every)}{spread}"


def _day_words(every: Every) -> str:
    day = every.day
    if not isinstance(day, DayOfPeriod):
        return f"the day of {label(day)}"
    if day.is_business:
        return f"its {_ORDINALS[day.number]} business day"
    if every.period is Period.WEEK:
        return _WEEKDAYS[day.number - 1]
    return "its last day" if day.number < 0 else f"day {day.number}"
