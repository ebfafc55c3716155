"""When steps fall due and act, in zones with and without daylight saving."""

from datetime import date, datetime, time

import pytest

from engine.clock.durations import parse_duration
from engine.clock.workdays import LocalCalendar
from engine.clock.zones import zone
from engine.rulefile.model import (
    Action,
    AfterTiming,
    AnchorTiming,
    DayTiming,
    EmailAction,
    Late,
    Step,
    TaskAction,
    Timing,
)
from engine.runs import schedule
from engine.runs.schedule import Slot
from tests.builders import at

TASK = TaskAction("csm", "Call", None, parse_duration("1bd"), ())
EMAIL = EmailAction(("any",), "hello", "tips")


def calendar(name: str = "UTC", country: str = "US") -> LocalCalendar:
    """Working from eight to six."""
    return LocalCalendar(zone(name), country, time(8), time(18))


def step(timing: Timing, action: Action = TASK) -> Step:
    """A step of that timing."""
    return Step("one", timing, action)


@pytest.mark.parametrize(
    ("now", "by_calendar", "action", "expected"),
    [
        ("2026-03-02 22:00", False, TASK, "2026-03-02 22:00"),
        ("2026-03-02 22:00", True, TASK, "2026-03-03 08:00"),
        ("2026-03-02 03:00", True, TASK, "2026-03-02 08:00"),
        ("2026-03-02 09:30", True, TASK, "2026-03-02 09:30"),
        ("2026-03-02 18:00", True, TASK, "2026-03-03 08:00"),
        ("2026-03-02 22:00", False, EMAIL, "2026-03-03 08:00"),
        ("2026-03-02 17:59", False, EMAIL, "2026-03-02 17:59"),
    ],
)
def test_what_time_causes_and_every_email_waits_for_working_hours(
    now: str, by_calendar: bool, action: Action, expected: str
) -> None:
    """What an input causes acts at once."""
    timing = DayTiming(parse_duration("0d"))
    slot = schedule.at_once(at(now), step(timing, action), calendar(), by_calendar=by_calendar)
    assert slot.act_at == at(expected)


@pytest.mark.parametrize(
    ("name", "started", "offset", "expected"),
    [
        ("UTC", "2026-03-06 15:00", "1d", Slot(date(2026, 3, 7), at("2026-03-07 08:00"))),
        ("UTC", "2026-03-06 15:00", "1bd", Slot(date(2026, 3, 9), at("2026-03-09 08:00"))),
        ("America/New_York", "2026-03-07 15:00", "1d", Slot(date(2026, 3, 8), at("2026-03-08 12:00"))),
        ("America/New_York", "2026-03-06 15:00", "1d", Slot(date(2026, 3, 7), at("2026-03-07 13:00"))),
        ("Pacific/Auckland", "2026-03-02 12:00", "1d", Slot(date(2026, 3, 4), at("2026-03-03 19:00"))),
        ("Asia/Kolkata", "2026-03-02 20:00", "0d", Slot(date(2026, 3, 3), at("2026-03-02 20:00"))),
    ],
)
def test_days_after_the_start_are_local_mornings(
    name: str, started: str, offset: str, expected: Slot
) -> None:
    """The day is counted where the account is, across daylight saving too."""
    timing = DayTiming(parse_duration(offset))
    found = schedule.after_start(step(timing), timing, at(started), calendar(name), by_calendar=False)
    assert found == expected


def test_business_days_skip_the_holidays_of_the_country() -> None:
    """Good Friday and Easter Monday in Germany."""
    timing = AfterTiming("x", parse_duration("1bd"))
    found = schedule.after_step(step(timing), timing, at("2026-04-02 09:00"), calendar("Europe/Berlin", "DE"))
    assert found.due_on == date(2026, 4, 7)


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        (Late.RUN, ["2026-03-15 09:00", "2026-03-15 09:00", "2026-03-15 09:00", "2026-04-01 08:00"]),
        (Late.LATEST, [None, "2026-03-15 09:00", "2026-03-15 09:00", "2026-04-01 08:00"]),
        (Late.SKIP, [None, None, "2026-03-15 09:00", "2026-04-01 08:00"]),
    ],
)
def test_anchored_steps_of_the_past_follow_late(late: Late, expected: list[str | None]) -> None:
    """Today's step is not late."""
    anchor, today = date(2026, 4, 1), at("2026-03-15 09:00")
    steps = []
    for index, days in enumerate((-60, -30, -17, 0)):
        timing = AnchorTiming(days)
        steps.append((Step(f"s{index}", timing, TASK), timing))
    found = schedule.anchored(steps, anchor, today, calendar(), late, by_calendar=False)
    acts: list[datetime | None] = [None if each is None else each.act_at for each in found.values()]
    assert acts == [None if each is None else at(each) for each in expected]
