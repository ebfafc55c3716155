"""When playbooks start by states, read a second time, without the engine."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import TypeAlias

from tests.almanac import DAY
from tests.lives import BEGIN, END, Life

MICROSECOND = timedelta(microseconds=1)

Did: TypeAlias = tuple[str, datetime]
"""What was done and when: a start, or a step that acted."""
Oracle: TypeAlias = Callable[[Life, Sequence[datetime]], Iterator[Did]]


def stretches(
    verdict: Callable[[datetime], bool], turns: Iterator[datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """From where to where it holds, of what begins after the playbooks went live."""
    since: datetime | None = None
    held = verdict(BEGIN)
    for at in sorted({each for each in turns if BEGIN < each <= END}):
        holds = verdict(at)
        if holds and not held:
            since = at
        elif held and not holds and since is not None:
            yield since, at
            since = None
        held = holds
    if since is not None:
        yield since, END + DAY


def health_at(life: Life, at: datetime) -> int:
    """The last one known."""
    return [value for known, value in life.health if known <= at][-1]


def _low(life: Life) -> list[tuple[datetime, datetime]]:
    return list(stretches(lambda at: health_at(life, at) < 40, (at for at, _ in life.health)))


def acted(life: Life, start: datetime, *, by_calendar: bool) -> Iterator[Did]:
    """A start, and the note at once that is all it does."""
    if start <= END:
        yield "start", start
        at = life.almanac.in_hours(start) if by_calendar else start
        if at <= END:
            yield "note", at


def drops(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Below 40, and again only after 50."""
    is_down = False
    for at, value in life.health:
        if value < 40 and not is_down and at > BEGIN:
            yield from acted(life, at, by_calendar=False)
        is_down = value < 40 or (is_down and value < 50)


def held(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """For two days."""
    for since, until in _low(life):
        if since + 2 * DAY < until:
            yield from acted(life, since + 2 * DAY, by_calendar=True)


def cooled(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """A week after the end of the last run, which is its note."""
    free = BEGIN
    for since, until in _low(life):
        start = max(since, free)
        if start < until and start <= END:
            did = list(acted(life, start, by_calendar=start != since))
            yield from did
            free = did[-1][1] + 7 * DAY


def repeated(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Every five days while it holds."""
    for since, until in _low(life):
        start = since
        while start < until:
            yield from acted(life, start, by_calendar=start != since)
            start += 5 * DAY


def kept(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """A break of less than five days is none."""
    ended = BEGIN - 9 * DAY
    for since, until in _low(life):
        if since >= ended + 5 * DAY:
            yield from acted(life, since, by_calendar=False)
        ended = until


def renewal_at(life: Life, at: datetime) -> date:
    """The date as it was known."""
    return [value for known, value in life.renewals if known <= at][-1]


def near(life: Life, days: int) -> list[tuple[datetime, datetime]]:
    """While the renewal is 0 to so many days away."""
    turns = [at for at, _ in life.renewals]
    for _, value in life.renewals:
        turns += [life.almanac.start(value - days * DAY), life.almanac.start(value + DAY)]
    return list(
        stretches(lambda at: 0 <= (renewal_at(life, at) - life.almanac.day(at)).days <= days, iter(turns))
    )


def until(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Thirty days before the renewal."""
    known = {at for at, _ in life.renewals}
    for since, _ in near(life, 30):
        yield from acted(life, since, by_calendar=since not in known)


def since(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """On day 30, 90 and 365."""
    for days in (30, 90, 365):
        at = life.almanac.start(life.since + days * DAY)
        if at > BEGIN:
            yield from acted(life, at, by_calendar=True)


def within(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """The first login in more than a week."""
    before = BEGIN - DAY
    for at in life.logins[1:]:
        if at - before > 7 * DAY:
            yield from acted(life, at, by_calendar=False)
        before = at


def absent(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Two weeks after a login, when none has followed."""
    for at, following in zip(life.logins, [*life.logins[1:], END + 99 * DAY], strict=True):
        if at + 14 * DAY < following:
            yield from acted(life, at + 14 * DAY, by_calendar=True)


def busy(life: Life, ticks: Sequence[datetime]) -> Iterator[Did]:
    """Three spikes within four days, both ends included."""

    def verdict(at: datetime) -> bool:
        return sum(at - 4 * DAY <= each <= at for each in life.spikes) >= 3

    turns = [*life.spikes, *(each + 4 * DAY + MICROSECOND for each in life.spikes)]
    for begin, _ in stretches(verdict, iter(turns)):
        yield from acted(life, begin, by_calendar=False)
