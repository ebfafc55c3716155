"""From the text of a cell to a value: dates as people write them, flags, numbers with commas and units."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from engine.clock.zones import at_local, parse_instant
from engine.conditions.catalogue import FieldType, Value, decode_number
from engine.sources.mapping import Formats
from engine.state.accept import EARLIEST, LATEST

TOKENS = {"YYYY": r"(?P<year>\d{4})", "YY": r"(?P<short>\d{2})", "MM": r"(?P<month>\d{1,2})"}
TOKENS |= {"DD": r"(?P<day>\d{1,2})", "HH": r"(?P<hour>\d{1,2})", "mm": r"(?P<minute>\d{2})"}
TOKENS |= {"ss": r"(?P<second>\d{2})"}
_TOKEN = re.compile("YYYY|YY|MM|DD|HH|mm|ss")
_THOUSANDS = {".": ",", ",": "."}
_NUMBER = re.compile(r"[-+]?\d{1,30}(\.\d{1,30})?([eE][-+]?\d{1,2})?", re.ASCII)
_SHORT_YEARS = 2000
"""Two-digit years are of this century."""


def problem_of_format(pattern: str) -> str | None:
    """What is wrong with a date format, or None."""
    found = _TOKEN.findall(pattern)
    if len(set(found)) != len(found):
        return "names a part twice"
    if not {"MM", "DD"} <= set(found) or not {"YYYY", "YY"} & set(found) or {"YYYY", "YY"} <= set(found):
        return "needs a year (YYYY or YY), a month (MM) and a day (DD)"
    if re.search("[A-Za-z]", _TOKEN.sub("", pattern).replace("T", "")):
        return "may hold only YYYY, YY, MM, DD, HH, mm, ss and signs between them"
    return None


@lru_cache(maxsize=100_000)
def read_date(text: str, formats: Formats) -> date:
    """A date in one of the formats; a time after it is passed over. Raises ValueError naming the formats."""
    for pattern in (*formats.dates, *formats.instants):
        if found := _matched(text, pattern):
            return found.date()
    raise ValueError(f"{_shown(text)} is not a date; {' or '.join(formats.dates)} is expected")


@lru_cache(maxsize=100_000)
def read_instant(text: str, formats: Formats) -> datetime:
    """An instant in one of the formats or in ISO 8601; a date stands for its first instant."""
    for pattern in formats.instants:
        if found := _matched(text, pattern):
            return at_local(found.date(), found.time(), formats.zone)
    for pattern in formats.dates:
        if found := _matched(text, pattern):
            return at_local(found.date(), time(0), formats.zone)
    try:
        return parse_instant(text)
    except (ValueError, OverflowError) as error:
        known = " or ".join([*formats.instants, *formats.dates])
        raise ValueError(f"{_shown(text)} is not a time; {known} is expected") from error


def end_of_day(instant: datetime, formats: Formats) -> datetime:
    """The first instant of the next day."""
    day = instant.astimezone(formats.zone).date() + timedelta(days=1)
    return at_local(day, time(0), formats.zone)


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(f"({_TOKEN.pattern})", text)
    return re.compile("".join(TOKENS.get(each) or re.escape(each) for each in parts), re.ASCII)


def _matched(text: str, pattern: str) -> datetime | None:
    """The wall-clock time in `text`. Raises ValueError for a day that does not exist."""
    found = _pattern(pattern).fullmatch(text)
    if found is None:
        return None
    parts = {name: int(value) for name, value in found.groupdict().items()}
    year = parts["year"] if "year" in parts else _SHORT_YEARS + parts["short"]
    if not EARLIEST <= year <= LATEST:
        raise ValueError(f"{_shown(text)} lies outside the years {EARLIEST} to {LATEST}")
    try:
        return datetime(
            year,
            parts["month"],
            parts["day"],
            parts.get("hour", 0),
            parts.get("minute", 0),
            parts.get("second", 0),
            tzinfo=UTC,
        ).replace(tzinfo=None)
    except ValueError as error:
        raise ValueError(f"{_shown(text)} is no day of the calendar ({pattern} is expected)") from error


def read_number(text: str, formats: Formats, strip: tuple[str, ...] = ()) -> Decimal:
    """A number with the declared decimal sign; thousands may be grouped by the other sign or by blanks."""
    if len(text) < 10 and text.isascii() and text.isdigit():
        return Decimal(text)
    plain = text
    for sign in strip:
        plain = plain.strip().removeprefix(sign).removesuffix(sign)
    whole, mark, places = plain.strip().partition(formats.decimal)
    plain = _ungrouped(whole, formats) + (f".{places}" if mark else "")
    if not _NUMBER.fullmatch(plain) or ("." in plain and not mark):
        form = " with a decimal comma" if formats.decimal == "," else ""
        raise ValueError(f"{_shown(text)} is not a number{form}")
    return decode_number(plain)


def _ungrouped(whole: str, formats: Formats) -> str:
    """Digits without the signs between groups of three; anything else as it is."""
    sign = re.escape(_THOUSANDS[formats.decimal])
    if re.fullmatch(rf"[-+]?\d{{1,3}}(?:[{sign} \u00a0\u202f']\d{{3}})+", whole, re.ASCII):
        return re.sub(r"[^-+\d]", "", whole)
    return whole


def read_flag(text: str, formats: Formats) -> bool:
    """One of the declared words for true and false, in any case."""
    small = text.lower()
    if small in formats.true:
        return True
    if small in formats.false:
        return False
    known = " or ".join([*sorted(formats.true), *sorted(formats.false)])
    raise ValueError(f"{_shown(text)} is neither true nor false; {known} is expected")


def reader(kind: FieldType, formats: Formats, strip: tuple[str, ...] = ()) -> Callable[[str], Value]:
    """How the cells of a column of this type are read. The reader raises ValueError."""
    if kind.is_numeric:
        return lambda text: read_number(text, formats, strip)
    if kind is FieldType.FLAG:
        return lambda text: read_flag(text, formats)
    if kind is FieldType.DATE:
        return lambda text: read_date(text, formats)
    if kind is FieldType.INSTANT:
        return lambda text: read_instant(text, formats)
    return str


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
