"""Dates, instants and amounts as the pages write them."""

import re
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal

from engine.clock.zones import parse_instant
from engine.conditions.wording import show_number

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


def day(value: date | None, today: date | None = None) -> str:
    """`Fri 30 Jan`, with the year when it is not this one."""
    if value is None:
        return "–"
    form = "%a %-d %b" if today and value.year == today.year else "%-d %b %Y"
    return value.strftime(form)


def near_day(value: date, today: date) -> str:
    """A due date as people say it: Today, Tomorrow, Yesterday, 3 days ago, Fri 30 Jan."""
    away = (value - today).days
    near = {0: "Today", 1: "Tomorrow", -1: "Yesterday"}
    if away in near:
        return near[away]
    return f"{-away} days ago" if -31 < away < 0 else day(value, today)


def instant(value: datetime | None, zone: tzinfo = UTC) -> str:
    """`30 Jan 2026, 09:00` in a time zone; UTC is named."""
    if value is None:
        return "–"
    local = value.astimezone(zone)
    return local.strftime("%-d %b %Y, %H:%M") + (" UTC" if zone is UTC else "")


def value(text: str | None, zone: tzinfo = UTC) -> str:
    """A value of the history in its text form; instants in a time zone."""
    if text is None:
        return "missing"
    if not _INSTANT.fullmatch(text):
        return text
    return instant(parse_instant(text), zone)


def amount(value: Decimal | None) -> str:
    """A number with thousands separators."""
    return "–" if value is None else show_number(value)


def words(name: str | None) -> str:
    """`high_touch` as "high touch"."""
    return (name or "–").replace("_", " ")


def sentence(name: str | None) -> str:
    """`no_response` as "No response"."""
    spaced = words(name)
    return spaced[:1].upper() + spaced[1:]
