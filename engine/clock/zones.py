"""Instants and local dates. Every instant in Tminus is an aware datetime in UTC."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The IANA time zone `name`. Raises ValueError when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; use an IANA name such as Europe/Berlin") from error


def local_date(instant: datetime, tz: ZoneInfo) -> date:
    """The calendar date in `tz` at `instant`."""
    return instant.astimezone(tz).date()


def is_zone(name: str) -> bool:
    """Whether a time zone has that name."""
    try:
        zone(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=65536)
def at_local(day: date, clock: time, tz: ZoneInfo) -> datetime:
    """The first instant of `day` in `tz` whose wall clock is at or past `clock`, in UTC.

    Where daylight saving skips that wall time, the instant the clocks jump forward; where the wall
    time occurs twice, its first occurrence.
    """
    wall = datetime.combine(day, clock, tzinfo=tz)
    instant = wall.astimezone(UTC)
    if instant.astimezone(tz).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return instant
    return _end_of_gap(wall, tz)


def first_instant(day: date, tz: ZoneInfo) -> datetime:
    """The first instant of the local date, which is not always 00:00."""
    return at_local(day, time(0), tz)


def _end_of_gap(wall: datetime, tz: ZoneInfo) -> datetime:
    """The instant at which a skipped wall time's gap ends, to the second."""
    naive = wall.replace(tzinfo=None)
    low = wall.astimezone(UTC) - timedelta(days=1)
    high = wall.astimezone(UTC) + timedelta(days=1)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(tz).replace(tzinfo=None) < naive:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def parse_instant(text: str) -> datetime:
    """Read an ISO 8601 instant with an offset or Z. Raises ValueError when the offset is missing."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is not an instant; write it as 2026-01-31T09:00:00Z") from error
    if value.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it as 2026-01-31T09:00:00Z")
    return value.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """ISO 8601 in UTC with a Z, without needless fractions: the one form used in JSON and in history."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
