"""How fast entries may follow one another where a connector has a rate. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor


@dataclass(frozen=True, slots=True)
class Pace:
    """A bucket that fills at the rate and holds at most one span's worth."""

    most: int
    """Entries within any `per`, on average; above zero."""
    per: timedelta
    filled: float
    at: datetime

    @classmethod
    def full(cls, most: int, per: timedelta, at: datetime) -> "Pace":
        """A bucket nobody has taken from."""
        return cls(most, per, float(most), at)

    def available(self, now: datetime) -> int:
        """How many entries may go at `now`."""
        return floor(self._level(now))

    def taken(self, count: int, now: datetime) -> "Pace":
        """The bucket after `count` entries went at `now`."""
        return Pace(self.most, self.per, self._level(now) - count, max(now, self.at))

    def _level(self, now: datetime) -> float:
        passed = max(now - self.at, timedelta(0))
        return min(float(self.most), self.filled + self.most * (passed / self.per))
