"""When customers may be written to: within the working hours of their account's place."""

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.clock.workdays import LocalCalendar
from engine.clock.zones import zone
from engine.settings import Settings


def within_working_hours(
    instant: datetime, timezone: str | None, country: str | None, settings: Settings
) -> datetime:
    """The first instant not before `instant` at which an email may leave for an account in `timezone`."""
    calendar = LocalCalendar(
        _zone(timezone, settings),
        country or settings.country,
        settings.working_hours.start,
        settings.working_hours.end,
    )
    return calendar.within_hours(instant)


def _zone(name: str | None, settings: Settings) -> ZoneInfo:
    try:
        return zone(name or settings.timezone)
    except ValueError:
        return zone(settings.timezone)
