"""Mutes: one playbook's open run keeps others quiet on the account."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.conditions.catalogue import Kind
from tests.builders import START, Company, account, entry, happening
from tests.histories import DAY, HOUR

Opened = Callable[..., Company]

RISK = """
playbook: risk
title: Risk
owner: cs
subject: account
when: {field: account.health, below: 40}
mutes: {playbooks: [growth], open_steps: hold}
steps:
  - {id: save, day: 0, task: {to: csm, title: "Save", due: 1bd}}
exit:
  - {outcome: better, when: {field: account.health, at_least: 60}}
"""
GROWTH = """
playbook: growth
title: Growth
owner: cs
subject: subscription
when: {field: subscription.usage, at_least: 80}
steps:
  - {id: talk, day: 0, task: {to: csm, title: "Talk", due: 1bd}}
  - {id: offer, day: 2, task: {to: csm, title: "Offer", due: 1bd}}
exit:
  - {outcome: done, on: {event: upgraded}}
"""
REQUEST = """
playbook: request
title: A request
owner: cs
subject: account
on: {event: demo_requested}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
"""


def ready(mine: Company) -> Company:
    """One healthy account with little usage, live from START."""
    mine.take(
        account(START - 30 * DAY, name="Acme", csm="dana", health=70),
        entry(Kind.SUBSCRIPTION, "sub", START - 30 * DAY, usage=10),
    )
    mine.tick(START)
    return mine


def health(mine: Company, after: timedelta, value: int) -> None:
    """The account's health becomes so."""
    mine.take(account(START + after, health=value))


def usage(mine: Company, after: timedelta, value: int) -> None:
    """The subscription's usage becomes so."""
    mine.take(entry(Kind.SUBSCRIPTION, "sub", START + after, usage=value))


def starts(mine: Company) -> list[tuple[str, timedelta]]:
    """Which runs began, and how long after START."""
    return [(each.playbook, each.started_at - START) for each in mine.runs()]


def tasks(mine: Company) -> list[tuple[str, timedelta]]:
    """Which tasks were made, and how long after START."""
    return [(each.step, each.created_at - START) for each in mine.tasks()]


def test_muted_state_starts_when_the_run_that_mutes_it_ends(opened: Opened) -> None:
    """If it still holds then."""
    mine = ready(opened(RISK, GROWTH))
    health(mine, HOUR, 30)
    usage(mine, 2 * HOUR, 90)
    health(mine, DAY, 70)
    mine.tick(START + 3 * DAY)
    assert starts(mine) == [("risk", HOUR), ("growth", DAY)]
    assert "owed: muted" in [answer for _, answer in mine.decisions(playbook="growth")]


def test_muted_moment_waits_as_well(opened: Opened) -> None:
    """A request made meanwhile is not lost."""
    mine = ready(opened(RISK.replace("growth", "request"), REQUEST))
    health(mine, HOUR, 30)
    mine.take(happening("demo_requested", START + 2 * HOUR))
    mine.tick(START + 3 * HOUR)
    assert starts(mine) == [("risk", HOUR)]
    health(mine, DAY, 70)
    mine.tick(START + 3 * DAY)
    assert starts(mine) == [("risk", HOUR), ("request", DAY)]


def test_open_steps_wait_while_held_and_act_when_it_ends(opened: Opened) -> None:
    """The offer of the second day comes on the fourth."""
    mine = ready(opened(RISK, GROWTH))
    usage(mine, HOUR, 90)
    health(mine, DAY, 30)
    health(mine, 4 * DAY, 70)
    mine.tick(START + 6 * DAY)
    assert tasks(mine) == [("talk", HOUR), ("save", DAY), ("offer", 4 * DAY)]
    assert "put off" in [answer for _, answer in mine.decisions(playbook="growth")]


def test_exits_still_end_a_held_run(opened: Opened) -> None:
    """What happened meanwhile counts."""
    mine = ready(opened(RISK, GROWTH))
    usage(mine, HOUR, 90)
    health(mine, DAY, 30)
    mine.take(happening("upgraded", START + 2 * DAY))
    mine.tick(START + 3 * DAY)
    assert [each.outcome for each in mine.runs(playbook="growth")] == ["done"]


def test_cancel_ends_the_open_runs(opened: Opened) -> None:
    """With an outcome of its own, and without their exits."""
    mine = ready(opened(RISK.replace("open_steps: hold", "open_steps: cancel"), GROWTH))
    usage(mine, HOUR, 90)
    health(mine, DAY, 30)
    mine.tick(START + 6 * DAY)
    (run,) = mine.runs(playbook="growth")
    assert (run.outcome, run.ended_at) == ("muted", START + DAY)
    assert {each.state for each in mine.tasks(step="talk")} == {"cancelled"}


@pytest.mark.parametrize("order", [(RISK, GROWTH), (GROWTH, RISK)])
def test_at_one_instant_what_mutes_goes_first(opened: Opened, order: tuple[str, str]) -> None:
    """Whatever the names and the files' order."""
    mine = ready(opened(*(each.replace("growth", "a-growth") for each in order)))
    usage(mine, HOUR, 90)
    health(mine, HOUR, 30)
    mine.tick(START + DAY)
    assert starts(mine) == [("risk", HOUR)]


def test_at_one_instant_a_state_that_mutes_goes_before_a_moment(opened: Opened) -> None:
    """States and moments alike are judged level by level."""
    mine = ready(opened(RISK.replace("growth", "request"), REQUEST))
    mine.take(happening("demo_requested", START + HOUR))
    health(mine, HOUR, 30)
    mine.tick(START + DAY)
    assert starts(mine) == [("risk", HOUR)]


def test_mutes_of_another_account_do_not_matter(opened: Opened) -> None:
    """Muting is by account."""
    mine = ready(opened(RISK, GROWTH))
    mine.take(account(START + HOUR, "globex", name="Globex", health=30))
    mine.tick(START + 2 * HOUR)
    mine.take(account(START + 3 * HOUR, "globex", health=35))
    usage(mine, 4 * HOUR, 90)
    mine.tick(START + DAY)
    assert ("growth", 4 * HOUR) in starts(mine)
