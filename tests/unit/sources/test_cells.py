"""Cells as values: dates, times, flags and numbers in the forms people export."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.sources.cells import (
    end_of_day,
    problem_of_format,
    read_date,
    read_flag,
    read_instant,
    read_number,
)
from engine.sources.mapping import Formats

EUROPEAN = Formats(dates=("DD.MM.YYYY",), instants=("DD.MM.YYYY HH:mm",), decimal=",")
BERLIN = Formats(dates=("YYYY-MM-DD",), zone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("1234.5", Formats(), "1234.5"),
        ("1,234,567.5", Formats(), "1234567.5"),
        ("-12", Formats(), "-12"),
        ("1e3", Formats(), "1000"),
        ("1.234,5", EUROPEAN, "1234.5"),
        ("1 234,5", EUROPEAN, "1234.5"),
        ("1\u202f234", EUROPEAN, "1234"),
        ("0,25", EUROPEAN, "0.25"),
    ],
)
def test_read_number_takes_declared_forms(text: str, formats: Formats, expected: str) -> None:
    """With either decimal sign, and with grouped thousands."""
    assert read_number(text, formats) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("1,5", Formats()),
        ("1.5", EUROPEAN),
        ("1,23,456", Formats()),
        ("", Formats()),
        ("-", Formats()),
        ("0x10", Formats()),
        ("Infinity", Formats()),
        ("1_000", Formats()),
        ("١٢", Formats()),
        ("1.2.3", Formats()),
        ("9" * 40, Formats()),
    ],
)
def test_read_number_refuses_what_is_unclear(text: str, formats: Formats) -> None:
    """A number that could be two numbers is none."""
    with pytest.raises(ValueError, match=r"is not a number|too large"):
        read_number(text, formats)


def test_read_number_removes_declared_signs() -> None:
    """Currency and percent signs, on either side."""
    assert read_number("$ 1,200", Formats(), ("$", "%")) == 1200
    assert read_number("45 %", Formats(), ("$", "%")) == 45


def test_read_date_passes_over_a_time() -> None:
    """A date field may come from a column of times."""
    assert read_date("31.01.2026 14:30", EUROPEAN) == date(2026, 1, 31)
    assert read_date("1.2.2026", EUROPEAN) == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("31.01.2026", EUROPEAN, datetime(2026, 1, 31, tzinfo=UTC)),
        ("31.01.2026 14:30", EUROPEAN, datetime(2026, 1, 31, 14, 30, tzinfo=UTC)),
        ("2026-01-31", BERLIN, datetime(2026, 1, 30, 23, tzinfo=UTC)),
        ("2026-01-31T14:30:00+02:00", BERLIN, datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("01/02/26", Formats(dates=("MM/DD/YY",)), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
)
def test_read_instant_knows_its_zone(text: str, formats: Formats, expected: datetime) -> None:
    """A time without a zone is local to the mapping's; a date is its first instant there."""
    assert read_instant(text, formats) == expected


def test_read_instant_refuses_a_time_without_a_zone_in_iso() -> None:
    """Unless the mapping has a format for it."""
    with pytest.raises(ValueError, match=r"'2026-01-31T14:30' is not a time; YYYY-MM-DD is expected"):
        read_instant("2026-01-31T14:30", Formats())


def test_end_of_day_is_local() -> None:
    """In the mapping's zone, across a change of clocks."""
    begins = read_instant("2026-03-29", BERLIN)
    assert end_of_day(begins, BERLIN) == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_read_flag_takes_declared_words() -> None:
    """In any case, and no others."""
    formats = Formats(true=frozenset(["yes", "1"]), false=frozenset(["no", "0"]))
    assert (read_flag("YES", formats), read_flag("0", formats)) == (True, False)
    with pytest.raises(ValueError, match="'true' is neither true nor false; 1 or yes or 0 or no is expected"):
        read_flag("true", formats)


@pytest.mark.parametrize("pattern", ["DD-MM-YYYY", "YYYYMMDD", "MM/DD/YY HH:mm:ss", "YYYY-MM-DDTHH:mm"])
def test_problem_of_format_passes_good_formats(pattern: str) -> None:
    """Any order, any signs between."""
    assert problem_of_format(pattern) is None
