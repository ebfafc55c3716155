"""When steps act, fall due and escalate, and when runs end, read a second time, without the engine."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from tests.almanac import DAY, HOUR, Almanac
from tests.lives import BEGIN, END, Life
from tests.state_readings import Did, health_at, near, renewal_at


def anchored(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Steps at T-45, T-14, T-0 and T+10 of one run, which move with a corrected date until they act."""
    found = near(life, 60)
    if not found:
        return
    start = found[0][0]
    yield "start", start
    days = {"early": -45, "middle": -14, "last": 0, "later": 10}
    changes = [at for at, _ in life.renewals if at > start]
    is_input = start in {at for at, _ in life.renewals}
    planned: dict[str, datetime] = {}
    done: dict[str, datetime] = {}
    for at in [start, *changes, END + DAY]:
        done |= {step: when for step, when in planned.items() if when <= at and step not in done}
        if at > END or len(done) == len(days):
            break
        today = life.almanac.day(at)
        for step, offset in days.items():
            day = renewal_at(life, at) + offset * DAY
            if day > today:
                planned[step] = life.almanac.clock(day, 8)
            else:
                planned[step] = at if is_input or at != start else life.almanac.in_hours(at)
    yield from ((step, when) for step, when in done.items() if when <= END)


def aged(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Steps after a date in the past: of those missed at go-live the latest acts at once, the rest never."""
    yield "start", BEGIN
    today = life.almanac.day(BEGIN)
    days = {step: life.since + offset * DAY for step, offset in (("a", 7), ("b", 30), ("c", 90), ("d", 365))}
    missed = [day for day in days.values() if day < today]
    for step, day in days.items():
        if day > today:
            yield from ((step, at) for at in [life.almanac.clock(day, 8)] if at <= END)
        elif day == today or day == max(missed):
            yield step, BEGIN
        else:
            yield f"{step} skipped", BEGIN


def valued(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Steps after an instant, which has a date of its own in each zone."""
    yield "start", life.valued
    for step, offset in (("week", 7), ("month", 30)):
        at = life.almanac.clock(life.almanac.day(life.valued) + offset * DAY, 8)
        if at <= END:
            yield step, at


def worked(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Tasks with their dates, in runs of which each kick starts a new one."""
    for kick, following in zip(life.kicks, [*life.kicks[1:], END + DAY], strict=True):
        yield "start", kick
        yield from ((what, at) for what, at in _work(life.almanac, kick, following) if at <= END)


def _work(almanac: Almanac, kick: datetime, following: datetime) -> Iterator[Did]:
    today = almanac.day(kick)
    third, second = almanac.clock(today + 3 * DAY, 8), almanac.clock(almanac.plus_business(today, 2), 8)
    fourth = almanac.clock(almanac.plus_business(today, 3), 8)
    created = {"a": kick, "b": third, "c": second, "d": fourth, "e": third + 5 * HOUR}
    due = {
        "a": lambda at: _evening(almanac, almanac.plus_business(almanac.day(at), 1)),
        "b": lambda at: at + 4 * HOUR,
        "c": lambda at: _evening(almanac, almanac.day(at) + 2 * DAY),
        "d": lambda at: _evening(almanac, almanac.plus_business(almanac.day(at), 1)),
        "e": lambda at: _evening(almanac, almanac.day(at) + 1 * DAY),
    }
    for step, at in created.items():
        if at < following and at <= END:
            yield step, at
            yield f"{step} due {almanac.day(due[step](at))}", at
            yield f"{step} due at {due[step](at).isoformat()}", at
    escalated = {
        "a": almanac.clock(almanac.plus_business(today, 2), 8),
        "e": third + 11 * HOUR,
    }
    for step, at in escalated.items():
        if at < following and created[step] < following:
            yield f"{step} escalated", at
    mail = almanac.in_hours(kick)
    if mail < following:
        yield "mail", mail


def _evening(almanac: Almanac, day: date) -> datetime:
    return almanac.clock(day, 18)


def left(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """A kick starts it, three days of health from 60 on within it end it."""
    free = BEGIN
    turns = [at for at, _ in life.health]
    for kick in life.kicks:
        if kick < free:
            continue
        yield "start", kick
        since = kick if health_at(life, kick) >= 60 else None
        free = END + DAY
        for at in [*(each for each in turns if each > kick), END + DAY]:
            if since is not None and since + 3 * DAY < at:
                free = since + 3 * DAY
                break
            if health_at(life, at) < 60:
                since = None
            elif since is None:
                since = at
        if free <= END:
            yield "end", free


def spoiled(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """A service that rests for too long skips what has spoilt meanwhile."""
    almanac = life.almanac
    for kick, following in zip(life.kicks, [*life.kicks[1:], END + DAY], strict=True):
        yield "start", kick
        today = almanac.day(kick)
        planned = {
            "soon": (almanac.clock(today + DAY, 8), lambda at: at + 1 * DAY),
            "work": (
                almanac.clock(today + 2 * DAY, 8),
                lambda at: _evening(almanac, almanac.plus_business(almanac.day(at), 1)),
            ),
        }
        for step, (at, end) in planned.items():
            if at < following and at <= END:
                looked = next(tick for tick in ticks if tick >= at)
                yield f"{step} skipped" if looked > end(at) else step, at
