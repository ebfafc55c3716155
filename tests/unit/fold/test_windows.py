"""Looking back over a stretch: how far a value has moved, and how often an event happened."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.builders import START, Company, account, happening
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]
TICK = timedelta(microseconds=1)


def watching(when: str) -> str:
    """A playbook whose episodes show when its condition held; it waits, so that nothing else happens."""
    return f"""
playbook: watching
title: Watching
owner: cs
subject: account
when: {when}
steps:
  - {{id: wait, day: 3660, message: {{via: slack, to: "#cs", template: note}}}}
"""


DROP = "{field: account.health, drops_by: 15, within: 2d}"


def stretches(mine: Company) -> list[tuple[timedelta, timedelta | None]]:
    """When the condition began to hold after go-live, and when it ceased to."""
    return [
        (each.since - START, each.resolved_at - START if each.resolved_at else None)
        for each in mine.episodes()
    ]


def lived(
    opened: Opened, when: str, *values: tuple[timedelta, Any], pace: timedelta = 10 * DAY, **parts: Any
) -> Company:
    """A company whose health has these values at these times around go-live, looked at every so often."""
    mine = opened(watching(when))
    first = [(at, value) for at, value in values if at < timedelta(0)]
    later = [(at, value) for at, value in values if at > timedelta(0)]
    mine.take(account(START - 30 * DAY, name="Acme"))
    for at, value in first:
        mine.take(account(START + at, health=value))
    mine.tick(START)
    for at, value in later:
        mine.take(account(START + at, health=value))
    for index in range(1, 10 * DAY // pace + 1):
        mine.tick(START + index * pace)
    return mine


@pytest.mark.parametrize("pace", [10 * DAY, 7 * HOUR])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([(-DAY, 60), (HOUR, 45)], [(HOUR, 2 * DAY + HOUR)]),
        ([(-DAY, 60), (HOUR, 45.000001)], []),
        ([(-DAY, 60), (HOUR, 50), (2 * HOUR, 40)], [(2 * HOUR, 2 * DAY + HOUR)]),
        ([(-DAY, 60), (HOUR, 45), (5 * HOUR, 55)], [(HOUR, 5 * HOUR)]),
        ([(-DAY, 60), (HOUR, None), (2 * HOUR, 45)], [(2 * HOUR, 2 * DAY + HOUR)]),
        ([(-DAY, 60), (HOUR, 45), (2 * HOUR, None), (3 * HOUR, 59)], [(HOUR, 3 * HOUR)]),
        ([(-DAY, 40), (HOUR, 60), (2 * HOUR, 40)], [(2 * HOUR, 2 * DAY + 2 * HOUR)]),
        ([(-9 * DAY, 60), (-8 * DAY, 40), (HOUR, 39)], []),
        ([(HOUR, 45)], []),
    ],
)
def test_drop_lasts_until_the_high_leaves_the_window(
    opened: Opened,
    values: list[tuple[timedelta, Any]],
    expected: list[tuple[timedelta, timedelta]],
    pace: timedelta,
) -> None:
    """From the fall until so long after the high was left, whenever the service looks."""
    assert stretches(lived(opened, DROP, *values, pace=pace)) == expected


@pytest.mark.parametrize(
    ("when", "values", "expected"),
    [
        ("drops_by: 20%, within: 2d", (100, 80.000001, 80), [(2 * HOUR, 2 * DAY + HOUR)]),
        ("drops_by: 20%, within: 2d", (0, -10), []),
        ("rises_by: 15, within: 2d", (40, 50, 55), [(2 * HOUR, 2 * DAY + HOUR)]),
        ("rises_by: 50%, within: 2d", (40, 59, 60), [(2 * HOUR, 2 * DAY + HOUR)]),
        ("rises_by: 50%, within: 2d", (0, 59, 60), []),
        ("rises_by: 15, within: 30min", (40, 50, 60), []),
        ("rises_by: 10, within: 1h", (40, 50, 60), [(HOUR, 3 * HOUR)]),
    ],
)
def test_shift_by_a_part_and_upwards(
    opened: Opened, when: str, values: tuple[Any, ...], expected: list[tuple[timedelta, timedelta]]
) -> None:
    """A part of where it moved from; of zero or less there is none."""
    first, *later = values
    steps = [(-DAY, first), *((index * HOUR, value) for index, value in enumerate(later, 1))]
    assert stretches(lived(opened, f"{{field: account.health, {when}}}", *steps)) == expected


def test_high_learned_late_counts_from_then(opened: Opened) -> None:
    """An overtaken value from within the window makes the drop known when it is learned."""
    mine = lived(opened, DROP, (-DAY, 45), pace=11 * DAY)
    mine.take(account(START - 36 * HOUR, recorded=START + HOUR, health=70))
    mine.tick(START + 5 * DAY)
    assert stretches(mine) == [(HOUR, DAY)]


def test_shift_before_a_change_does_not_know_the_change(opened: Opened) -> None:
    """The `if` of a change sees how far the value had moved before."""
    text = watching("X").replace("when: X", f"on: {{field: account.health, changes: true, if: {DROP}}}")
    mine = opened(text)
    mine.take(account(START - DAY, name="Acme", health=40))
    mine.tick(START)
    mine.take(account(START + HOUR, health=90), account(START + 2 * HOUR, health=50))
    mine.tick(START + DAY)
    assert mine.runs() == []
    mine.take(account(START + 26 * HOUR, health=51))
    mine.tick(START + 2 * DAY)
    assert [each.started_at for each in mine.runs()] == [START + 26 * HOUR]


COUNT = "{event: outage, at_least: 2, within: 1d}"


@pytest.mark.parametrize("pace", [4 * DAY, 7 * HOUR, 30 * MINUTE])
@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([HOUR], []),
        ([HOUR, 2 * HOUR], [(2 * HOUR, DAY + HOUR + TICK)]),
        ([HOUR, DAY + HOUR], [(DAY + HOUR, DAY + HOUR + TICK)]),
        ([HOUR, DAY + HOUR + TICK], []),
        ([-2 * HOUR, HOUR], [(HOUR, 22 * HOUR + TICK)]),
        ([HOUR, 2 * HOUR, 3 * HOUR], [(2 * HOUR, DAY + 2 * HOUR + TICK)]),
        ([HOUR, HOUR], [(HOUR, DAY + HOUR + TICK)]),
    ],
)
def test_count_holds_while_enough_are_within_the_window(
    opened: Opened,
    times: list[timedelta],
    expected: list[tuple[timedelta, timedelta]],
    pace: timedelta,
) -> None:
    """The window includes its first instant; the count falls right after it."""
    mine = opened(watching(COUNT))
    mine.take(account(START - DAY, name="Acme"))
    given = [
        happening("outage", START + each, identity=f"outage-{number}") for number, each in enumerate(times)
    ]
    mine.take(*(each for each in given if each.occurred_at < START))
    mine.tick(START)
    mine.take(*(each for each in given if each.occurred_at > START))
    for index in range(1, 4 * DAY // pace + 1):
        mine.tick(START + index * pace)
    assert stretches(mine) == expected


def test_event_learned_late_counts_where_it_happened(opened: Opened) -> None:
    """Two outages, the first learned late: they hold from then until a day after the first."""
    mine = opened(watching(COUNT))
    mine.take(account(START - DAY, name="Acme"))
    mine.tick(START)
    mine.take(happening("outage", START + 2 * HOUR))
    mine.tick(START + 3 * HOUR)
    mine.take(happening("outage", START + HOUR, recorded=START + 9 * HOUR))
    mine.tick(START + 3 * DAY)
    assert stretches(mine) == [(9 * HOUR, DAY + HOUR + TICK)]


def test_count_is_of_one_name_and_account(opened: Opened) -> None:
    """Other events, and those of others, do not add up."""
    mine = opened(watching(COUNT))
    at: datetime = START + HOUR
    mine.take(account(START - DAY, name="Acme"), account(START - DAY, "beta", name="Beta"))
    mine.tick(START)
    mine.take(happening("outage", at), happening("login", at), happening("outage", at, "beta"))
    mine.tick(START + DAY)
    assert stretches(mine) == []
