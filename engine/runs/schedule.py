"""When steps fall due and when they act. Due dates are local dates in the account's zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.clock.workdays import LocalCalendar
from engine.rulefile.model import AfterTiming, AnchorTiming, DayTiming, EmailAction, Late, Step, deeds


@dataclass(frozen=True, slots=True)
class Slot:
    """A step's due date and the instant from which it acts."""

    due_on: date
    act_at: datetime


def at_once(now: datetime, step: Step, calendar: LocalCalendar, *, by_calendar: bool) -> Slot:
    """The slot of a step that is wanted now.

    What a change, an event or a person causes acts at once; what the calendar alone causes, and every
    step that can only be an email, waits for working hours.
    """
    waits = by_calendar or all(isinstance(each, EmailAction) for each in deeds(step.action))
    return Slot(calendar.day_of(now), calendar.within_hours(now) if waits else now)


def on_day(day: date, now: datetime, step: Step, calendar: LocalCalendar, *, by_calendar: bool) -> Slot:
    """The slot of a step on a local date: its morning, or now where that date has come."""
    if day <= calendar.day_of(now):
        return Slot(day, at_once(now, step, calendar, by_calendar=by_calendar).act_at)
    return Slot(day, calendar.morning(day))


def after_start(
    step: Step, timing: DayTiming, started_at: datetime, calendar: LocalCalendar, *, by_calendar: bool
) -> Slot:
    """The slot of a `day:` step."""
    day = calendar.plus_days(calendar.day_of(started_at), timing.offset)
    return on_day(day, started_at, step, calendar, by_calendar=by_calendar)


def after_step(step: Step, timing: AfterTiming, settled_at: datetime, calendar: LocalCalendar) -> Slot:
    """The slot of an `after:` step, counted from when the named one acted or was settled."""
    if timing.offset.unit in ("h", "min"):
        instant = settled_at + timing.offset.elapsed
        slot = at_once(instant, step, calendar, by_calendar=False)
        return Slot(calendar.day_of(instant), slot.act_at)
    day = calendar.plus_days(calendar.day_of(settled_at), timing.offset)
    return on_day(day, settled_at, step, calendar, by_calendar=False)


def anchored(
    steps: list[tuple[Step, AnchorTiming]],
    anchor: date,
    now: datetime,
    calendar: LocalCalendar,
    late: Late,
    *,
    by_calendar: bool,
) -> dict[str, Slot | None]:
    """The slots of the `at:` steps that have not acted, by step id; None where it is too late for one.

    `late` decides about those whose date has passed: all run, the latest date's run, or none.
    """
    today = calendar.day_of(now)
    days = {step.id: anchor + timedelta(days=timing.days) for step, timing in steps}
    passed = [day for day in days.values() if day < today]
    latest = max(passed, default=None)
    slots: dict[str, Slot | None] = {}
    for step, _ in steps:
        day = days[step.id]
        if day < today and (late is Late.SKIP or (late is Late.LATEST and day != latest)):
            slots[step.id] = None
        else:
            slots[step.id] = on_day(day, now, step, calendar, by_calendar=by_calendar)
    return slots
