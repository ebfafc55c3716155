"""Events that count by what they carry, through time and in either database."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.explain import explain
from engine.state.entries import EventEntry
from tests.builders import START, Company, account, company, feed, happening
from tests.histories import DAY, HOUR
from tests.unit.fold.test_derived import look, stretches, watching

TICK = timedelta(microseconds=1)
TRIAL = "where: {field: event.plan, equals: trial}"

Opened = Callable[..., Company]
PACES = pytest.mark.parametrize("pace", [10 * DAY, 7 * HOUR])


@pytest.fixture
def opened(database: Engine, tmp_path: Path) -> Opened:
    """Makes the company of the playbooks given, on either database."""

    def make(*playbooks: str, before: Sequence[EventEntry] = (), **settings: Any) -> Company:
        mine = company(database, tmp_path, playbooks, **settings)
        mine.take(account(START - 30 * DAY, name="Acme"), *before)
        mine.tick(START)
        return mine

    return make


def login(at: timedelta, recorded: timedelta | None = None, *, name: str = "", **carries: Any) -> EventEntry:
    """A login so long after go-live, and what it carries."""
    known = None if recorded is None else START + recorded
    return happening("login", START + at, recorded=known, identity=name or None, carries=carries or None)


@PACES
def test_count_is_of_those_that_carry_something(opened: Opened, pace: timedelta) -> None:
    """Others do not count, and one that may makes the answer unknown, which changes nothing."""
    mine = opened(watching(f"{{count: event, name: login, {TRIAL}, within: 4d, at_least: 2}}"))
    mine.take(
        login(HOUR, plan="trial"), login(2 * HOUR, plan="pro"), login(3 * HOUR), login(4 * HOUR, plan=3)
    )
    mine.take(login(DAY, plan="trial"))
    look(mine, 10, pace)
    assert stretches(mine) == [(DAY, 4 * DAY + 4 * HOUR + TICK)]


@PACES
def test_sum_is_of_what_they_carry(opened: Opened, pace: timedelta) -> None:
    """Amounts come and go with their events; one that is missing leaves no answer while it is within."""
    asked = (
        "{sum: event.amount, name: login, where: {field: event.paid, equals: true}, within: 3d, above: 99}"
    )
    mine = opened(watching(asked))
    mine.take(login(HOUR, paid=True, amount=60), login(2 * HOUR, paid=False, amount=900))
    mine.take(login(DAY, paid=True, amount=39.000001), login(DAY + HOUR, paid=False))
    mine.take(login(2 * DAY, paid=True, amount=-0.5), login(6 * DAY, paid=True))
    look(mine, 20, pace)
    assert stretches(mine) == [(DAY, 2 * DAY)]


@PACES
def test_event_learned_late_counts_from_when_it_happened(opened: Opened, pace: timedelta) -> None:
    """It is judged when it is learned, and leaves the window with the others."""
    mine = opened(watching(f"{{event: login, {TRIAL}, at_least: 2, within: 3d}}"))
    mine.take(
        login(2 * HOUR, plan="trial"), login(HOUR, 30 * HOUR, plan="trial"), login(3 * HOUR, plan="pro")
    )
    look(mine, 10, pace)
    assert stretches(mine) == [(30 * HOUR, 3 * DAY + HOUR + TICK)]


@PACES
def test_event_told_again_counts_once_as_told_first(opened: Opened, pace: timedelta) -> None:
    """A second telling under the same id changes nothing, whatever it carries."""
    mine = opened(watching(f"{{count: event, name: login, {TRIAL}, within: 3d, at_least: 2}}"))
    mine.take(login(HOUR, name="e1", plan="trial"), login(2 * HOUR, name="e2", plan="pro"))
    mine.take(login(HOUR, name="e1", plan="trial"), login(3 * HOUR, name="e2", plan="trial"))
    look(mine, 10, pace)
    assert stretches(mine) == []


@PACES
@pytest.mark.parametrize("age", [5, 100, 900, 6000, 20_000])
def test_absence_is_counted_from_the_last_that_is_meant(opened: Opened, pace: timedelta, age: int) -> None:
    """However long ago it was and whatever came after it; another of its kind ends it."""
    before = [login(-age * DAY, plan="trial"), login(-DAY, plan="pro")]
    mine = opened(watching(f"{{event: login, {TRIAL}, absent_for: 4d}}"), before=before)
    mine.take(login(HOUR, plan="pro"), login(3 * DAY, plan="trial"), login(5 * DAY, plan="pro"))
    look(mine, 10, pace)
    assert stretches(mine) == [(timedelta(0), 3 * DAY), (7 * DAY, None)]


@PACES
def test_within_is_unknown_while_it_may_be_meant(opened: Opened, pace: timedelta) -> None:
    """It ends when the last that is meant has left the window, unless one that may be is still in it."""
    mine = opened(watching(f"{{event: login, {TRIAL}, within: 2d}}"))
    mine.take(login(DAY, plan="trial"), login(2 * DAY), login(9 * DAY, plan="trial"))
    look(mine, 20, pace)
    assert stretches(mine) == [(DAY, 4 * DAY + TICK), (9 * DAY, 11 * DAY + TICK)]


MOMENTS = """
playbook: chosen
owner: cs
subject: account
on: {event: login, where: {all: [{field: event.plan, in: [pro, team]}, {field: event.from.id, at_least: 3}]}}
steps:
  - {id: tell, day: 0, record: {event: told, properties: {plan: "{{ account.name }}", seats: 3}}}
  - id: big
    on: {event: told, where: {field: event.seats, at_least: 3}}
    message: {via: slack, to: "#cs", template: note}
  - id: small
    on: {event: told, where: {field: event.seats, below: 3}}
    message: {via: slack, to: "#cs", template: note}
  - {id: wait, day: 3, message: {via: slack, to: "#cs", template: note}}
exit:
  - {outcome: back, when: {event: login, where: {field: event.plan, equals: trial}, since: run_start}}
"""


@PACES
def test_moment_happens_only_when_it_is_surely_meant(opened: Opened, pace: timedelta) -> None:
    """One that may be meant starts nothing; what a playbook records is told apart the same way."""
    mine = opened(MOMENTS)
    mine.take(
        login(HOUR, plan="pro"), login(2 * HOUR, plan="trial"), login(3 * HOUR, plan="pro", **{"from": {}})
    )
    mine.take(login(DAY, plan="team", **{"from": {"id": 3}}), login(DAY + 2 * HOUR, plan="pro"))
    mine.take(login(DAY + 3 * HOUR, plan="trial"))
    look(mine, 10, pace)
    assert [(each.started_at - START, each.outcome) for each in mine.runs()] == [(DAY, "back")]
    assert [each.step for each in mine.messages()] == ["big"]


def test_answer_waits_for_the_source_of_the_events(opened: Opened) -> None:
    """That too few came is known once the source has been seen far enough, as with plain counts."""
    mine = opened(
        watching(f"{{count: event, name: login, {TRIAL}, within: 2d, below: 1}}"),
        sources={"usage": {"feeds": ["login"]}},
    )
    mine.take(login(HOUR, plan="trial"), login(DAY, plan="pro"))
    mine.take(feed("usage", START + 2 * DAY + HOUR, START + 3 * DAY))
    mine.take(feed("usage", START + 2 * DAY + HOUR + TICK, START + 4 * DAY))
    look(mine, 6, DAY)
    assert stretches(mine)[-1] == (4 * DAY, None)


def test_explanation_says_what_was_counted_and_wanted(opened: Opened) -> None:
    """With what is asked of the events, and the range where some may count."""
    asked = f"{{count: event, name: login, {TRIAL}, within: 4d, at_least: 2}}"
    mine = opened(watching(f"{{all: [{asked}, {{event: login, {TRIAL}, absent_for: 23h}}]}}"))
    mine.take(login(HOUR, plan="trial"), login(2 * HOUR))
    mine.tick(START + DAY)
    told = explain(mine.database, mine.library, "watching", "acme", START + DAY)
    assert told is not None
    text = str(told)
    assert "number of login events within 4 days where event plan is trial is 1 to 2" in text
    assert (
        f"last login event that may count on {START:%Y-%m-%d}, unknown whether it is one where event plan"
        in text
    )
