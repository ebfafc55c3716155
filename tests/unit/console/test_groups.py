"""A queue's groups and the times of rest follow the reader's own calendar."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from engine.console.groups import next_monday, rest_until, stretches

BERLIN = ZoneInfo("Europe/Berlin")
HONOLULU = ZoneInfo("Pacific/Honolulu")
WEDNESDAY = datetime(2026, 1, 28, 10, 0, tzinfo=UTC)


def test_stretches_meet_without_gap() -> None:
    """Every instant belongs to one group."""
    found = stretches(WEDNESDAY, BERLIN)
    assert [each.key for each in found] == ["overdue", "today", "week", "later"]
    assert found[0].start is None
    assert found[-1].end is None
    assert [each.end for each in found[:-1]] == [each.start for each in found[1:]]


@pytest.mark.parametrize(
    ("zone", "now", "today_ends", "week_ends"),
    [
        (BERLIN, WEDNESDAY, datetime(2026, 1, 28, 23, tzinfo=UTC), datetime(2026, 2, 1, 23, tzinfo=UTC)),
        (HONOLULU, WEDNESDAY, datetime(2026, 1, 29, 10, tzinfo=UTC), datetime(2026, 2, 2, 10, tzinfo=UTC)),
        (
            BERLIN,
            datetime(2026, 3, 28, 12, tzinfo=UTC),
            datetime(2026, 3, 28, 23, tzinfo=UTC),
            datetime(2026, 3, 29, 22, tzinfo=UTC),
        ),
    ],
    ids=["berlin", "honolulu, where it is just midnight", "into summer time"],
)
def test_stretches_end_at_local_midnight(
    zone: ZoneInfo, now: datetime, today_ends: datetime, week_ends: datetime
) -> None:
    """Days are local days, and weeks end on Sunday."""
    _, today, week, _ = stretches(now, zone)
    assert today.end == today_ends
    assert week.end == week_ends


@pytest.mark.parametrize(
    ("today", "monday"),
    [
        (date(2026, 1, 26), date(2026, 2, 2)),
        (date(2026, 1, 28), date(2026, 2, 2)),
        (date(2026, 2, 1), date(2026, 2, 2)),
    ],
)
def test_next_monday_is_never_today(today: date, monday: date) -> None:
    """On a Monday it is the one after."""
    assert next_monday(today) == monday


@pytest.mark.parametrize(
    ("choice", "on", "until"),
    [
        ("tomorrow", "", datetime(2026, 1, 29, 7, tzinfo=UTC)),
        ("next_week", "", datetime(2026, 2, 2, 7, tzinfo=UTC)),
        ("date", "2026-07-01", datetime(2026, 7, 1, 6, tzinfo=UTC)),
    ],
)
def test_rest_until_is_the_start_of_a_local_working_day(choice: str, on: str, until: datetime) -> None:
    """Summer time included."""
    assert rest_until(choice, on, WEDNESDAY, BERLIN, time(8)) == until


@pytest.mark.parametrize("on", ["", "soon", "2026-02-30", "0000-01-01"])
def test_rest_until_refuses_what_is_no_date(on: str) -> None:
    """With words for the person who chose."""
    with pytest.raises(ValueError, match="choose tomorrow, next week or a date"):
        rest_until("date", on, WEDNESDAY, BERLIN, time(8))
