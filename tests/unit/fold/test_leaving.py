"""Leaving the audience while a run is open."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.builders import START, Company, account
from tests.histories import DAY, HOUR

Opened = Callable[..., Company]

LOW = """
playbook: low
title: Low
owner: cs
subject: account
audience: {field: account.segment, equals: high_touch, leave: exit}
when: {field: account.health, below: 40}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
  - {id: hello, day: 3, message: {via: slack, to: "#cs", template: note}}
"""


def under_way(mine: Company) -> Company:
    """A run that began two hours after START."""
    mine.take(account(START - 30 * DAY, name="Acme", csm="dana", health=70, segment="high_touch"))
    mine.tick(START)
    mine.take(account(START + 2 * HOUR, health=30))
    mine.tick(START + 3 * HOUR)
    return mine


def ends(mine: Company) -> list[tuple[str | None, timedelta | None]]:
    """How each run ended, and how long after START."""
    return [(each.outcome, each.ended_at and each.ended_at - START) for each in mine.runs()]


def test_leaving_ends_the_run_when_the_file_says_so(opened: Opened) -> None:
    """Its tasks are cancelled, and the reason is kept."""
    mine = under_way(opened(LOW))
    mine.take(account(START + DAY, segment="low_touch"))
    mine.tick(START + 5 * DAY)
    assert ends(mine) == [("left_audience", DAY)]
    assert {each.state for each in mine.tasks()} == {"cancelled"}
    assert mine.messages() == []
    assert (START + DAY, "ended: left_audience") in mine.decisions()


@pytest.mark.parametrize("leave", [", leave: stay", ""])
def test_leaving_changes_nothing_otherwise(opened: Opened, leave: str) -> None:
    """The audience is about who may start."""
    mine = under_way(opened(LOW.replace(", leave: exit", leave)))
    mine.take(account(START + DAY, segment="low_touch"))
    mine.tick(START + 5 * DAY)
    assert ends(mine) == [(None, None)]


def test_not_knowing_does_not_end_a_run(opened: Opened) -> None:
    """Only an answer of no does."""
    mine = under_way(opened(LOW))
    mine.take(account(START + DAY, segment=None))
    mine.tick(START + 5 * DAY)
    assert ends(mine) == [(None, None)]


def test_leaving_in_time_is_seen_at_its_instant(opened: Opened) -> None:
    """An audience that counts days ends runs at midnight, whenever the service looks."""
    audience = "{field: account.customer_since, days_since: {at_most: 30}, leave: exit}"
    mine = opened(LOW.replace("{field: account.segment, equals: high_touch, leave: exit}", audience))
    since = (START - 28 * DAY).date()
    mine.take(account(START - 30 * DAY, name="Acme", csm="dana", health=70, customer_since=since))
    mine.tick(START)
    mine.take(account(START + 2 * HOUR, health=30))
    mine.tick(START + 9 * DAY)
    assert ends(mine) == [("left_audience", 2 * DAY + 12 * HOUR)]
