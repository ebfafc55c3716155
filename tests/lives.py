"""Random lives of accounts through a year, each in a time zone of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

from tests.almanac import DAY, HOLIDAYS, Almanac

BEGIN = datetime(2027, 12, 20, 12, tzinfo=UTC)
"""When all playbooks go live."""
END = datetime(2029, 1, 3, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

ZONES = (
    "UTC",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Pacific/Apia",
    "Pacific/Chatham",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Africa/Cairo",
    "Australia/Lord_Howe",
)
"""On both sides of the date line; some change their clocks at midnight, one by half an hour."""

HEALTHS = (20, 39, 40, 45, 50, 59, 60, 80)


@dataclass(frozen=True)
class Life:
    """What happens to one account."""

    name: str
    zone: str
    country: str
    almanac: Almanac
    health: Sequence[tuple[datetime, int]]
    logins: Sequence[datetime]
    spikes: Sequence[datetime]
    kicks: Sequence[datetime]
    renewals: Sequence[tuple[datetime, date]]
    """When the date of the renewal was learned or corrected, and to what."""
    since: date
    valued: datetime
    """When it first got something out of it."""


def lives(random: Random) -> list[Life]:
    """One account in each zone; every other one has the holidays of the United States."""
    found = []
    for index, zone in enumerate(ZONES):
        country, holidays = ("US", HOLIDAYS) if index % 2 else ("XX", frozenset())
        base = date(2028, random.randint(3, 10), random.randint(1, 28))
        corrections = sorted(_moments(random, 2))
        found.append(
            Life(
                f"a{index:02d}",
                zone,
                country,
                Almanac(zone, holidays),
                [
                    (BEGIN - 40 * DAY, 70),
                    *(
                        (at, random.choice((20, 39, 40, 45, 50, 59, 60, 80)))
                        for at in sorted(_moments(random, 30))
                    ),
                ],
                [BEGIN - DAY, *sorted(_moments(random, 30))],
                sorted(_moments(random, 60)),
                _apart(random),
                [
                    (BEGIN - 40 * DAY, base),
                    *((at, base + random.randint(-12, 12) * DAY) for at in corrections),
                ],
                random.choice((date(2027, 12, 25), date(2024, 2, 29), date(2027, 2, 1), date(2027, 11, 30))),
                min(_moments(random, 3)),
            )
        )
    return found


def _moments(random: Random, count: int) -> set[datetime]:
    """Instants at an odd second, so that none is the end of a stretch or the beginning of a day."""
    span = int((END - BEGIN) / timedelta(minutes=1))
    return {BEGIN + timedelta(minutes=random.randint(1, span - 2), seconds=17) for _ in range(count)}


def _apart(random: Random) -> list[datetime]:
    """Instants of which each is between a day and a month after the one before."""
    found, at = [], BEGIN
    while (at := at + timedelta(minutes=random.randint(1440, 43200), seconds=29)) < END:
        found.append(at)
    return found


def ticks_at(random: Random, mean: timedelta) -> list[datetime]:
    """A service that looks at odd times, rests for long now and then, and looks a last time at the end."""
    found, at = [], BEGIN
    while (at := at + mean * random.choice((0.01, 0.3, 1, 1, 1.5, 6)) * random.random() + MICROSECOND) < END:
        found.append(at)
    return [*found, END]
