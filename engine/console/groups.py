"""A queue by urgency, and the times to which a task can be put off."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.clock.zones import at_local, first_instant, local_date
from engine.people.sections import Stretch


def stretches(now: datetime, zone: ZoneInfo) -> tuple[Stretch, ...]:
    """Overdue, today, the rest of this week until Sunday, and later, in the reader's time zone."""
    today = local_date(now, zone)
    tomorrow = first_instant(today + timedelta(days=1), zone)
    next_week = first_instant(next_monday(today), zone)
    return (
        Stretch("overdue", "Overdue", None, now),
        Stretch("today", "Today", now, tomorrow),
        Stretch("week", "This week", tomorrow, next_week),
        Stretch("later", "Later", next_week, None),
    )


def next_monday(today: date) -> date:
    """The Monday after `today`."""
    return today + timedelta(days=7 - today.weekday())


def rest_until(choice: str, on: str, now: datetime, zone: ZoneInfo, start: time) -> datetime:
    """Until when `tomorrow`, `next_week` or a date `on` puts a task off: the start of that working day.

    Raises ValueError when the choice or the date cannot be read.
    """
    today = local_date(now, zone)
    if choice == "tomorrow":
        return at_local(today + timedelta(days=1), start, zone)
    if choice == "next_week":
        return at_local(next_monday(today), start, zone)
    try:
        chosen = date.fromisoformat(on)
        return at_local(chosen, start, zone)
    except (ValueError, OverflowError) as error:
        raise ValueError("choose tomorrow, next week or a date") from error
