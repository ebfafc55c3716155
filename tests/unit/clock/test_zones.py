"""Instants and local dates where clocks change."""

from datetime import UTC, date, datetime, time

import pytest

from engine.clock.zones import at_local, first_instant, format_instant, local_date, parse_instant, zone
from tests.builders import at


@pytest.mark.parametrize(
    ("day", "name", "expected"),
    [
        (date(2026, 3, 29), "Europe/Berlin", "2026-03-28 23:00"),
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-24 22:00"),
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04 03:00"),
        (date(2026, 9, 6), "America/Santiago", "2026-09-06 04:00"),
        (date(2026, 3, 2), "Asia/Kolkata", "2026-03-01 18:30"),
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30 10:00"),
    ],
)
def test_first_instant_of_a_date_is_not_always_midnight(day: date, name: str, expected: str) -> None:
    """In Santiago the clocks go forward at midnight, and the day begins at one."""
    found = first_instant(day, zone(name))
    assert found == at(expected)
    assert local_date(found, zone(name)) == day


@pytest.mark.parametrize(
    ("clock", "expected"),
    [(time(1, 59), "2026-03-29 00:59"), (time(2, 30), "2026-03-29 01:00"), (time(3), "2026-03-29 01:00")],
)
def test_wall_time_that_is_skipped_is_the_end_of_the_gap(clock: time, expected: str) -> None:
    """Half past two does not exist that night in Berlin."""
    assert at_local(date(2026, 3, 29), clock, zone("Europe/Berlin")) == at(expected)


def test_wall_time_that_occurs_twice_is_its_first() -> None:
    """Half past two happens twice that night."""
    assert at_local(date(2026, 10, 25), time(2, 30), zone("Europe/Berlin")) == at("2026-10-25 00:30")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe/berlin\x00"])
def test_unknown_zone_is_refused_with_an_example(name: str) -> None:
    """A typing error is told as such."""
    with pytest.raises(ValueError, match="is not a time zone; use an IANA name such as Europe/Berlin"):
        zone(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T09:00:00Z", datetime(2026, 1, 31, 9, tzinfo=UTC)),
        (" 2026-01-31T09:00+02:00", datetime(2026, 1, 31, 7, tzinfo=UTC)),
        ("2026-01-31T09:00:00.000001Z", datetime(2026, 1, 31, 9, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_instant_is_read_and_written_in_one_form(text: str, expected: datetime) -> None:
    """Whatever the offset it came with."""
    assert parse_instant(text) == expected
    assert parse_instant(format_instant(expected)) == expected
    assert format_instant(expected).endswith("Z")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-01-31T09:00:00", "has no time zone"),
        ("yesterday", "is not an instant"),
        ("", "is not an instant"),
    ],
)
def test_instant_without_a_zone_is_refused(text: str, message: str) -> None:
    """A guess at the zone would be wrong somewhere."""
    with pytest.raises(ValueError, match=message):
        parse_instant(text)
