"""Counts and sums over what an account has, through time."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.conditions.catalogue import Kind
from engine.explain import explain
from engine.state.entries import Entry
from tests.builders import START, Company, account, entry, happening
from tests.histories import DAY, HOUR

Opened = Callable[..., Company]
TICK = timedelta(microseconds=1)

ACTIVE = "{count: contact, where: {field: contact.status, equals: active}, "


def watching(when: str, subject: str = "account", more: str = "") -> str:
    """A playbook whose episodes show when its condition held; it waits, so that nothing else happens."""
    return f"""
playbook: watching
title: Watching
owner: cs
subject: {subject}
when: {when}
existing: fire
steps:
  - {{id: wait, day: 3660, message: {{via: slack, to: "#cs", template: note}}}}
{more}
"""


def contact(identity: str, at: timedelta, **values: object) -> Entry:
    """What a source says about a contact so long after go-live."""
    return entry(Kind.CONTACT, identity, START + at, **values)


def stretches(mine: Company) -> list[tuple[timedelta, timedelta | None]]:
    """When the condition began to hold after go-live, and when it ceased to."""
    return [
        (each.since - START, each.resolved_at - START if each.resolved_at else None)
        for each in mine.episodes()
    ]


def look(mine: Company, days: int, pace: timedelta) -> None:
    """Tick through so many days."""
    for index in range(1, days * DAY // pace + 1):
        mine.tick(START + index * pace)


@pytest.mark.parametrize("pace", [10 * DAY, 7 * HOUR])
def test_count_follows_those_who_come_and_go(opened: Opened, pace: timedelta) -> None:
    """A contact who leaves, one who is new and one whose status is not known move the count at once."""
    mine = opened(watching(ACTIVE + "below: 2}"))
    mine.take(account(START - 30 * DAY, name="Acme"))
    mine.take(contact("kim", -30 * DAY, status="active"), contact("lee", -30 * DAY, status="active"))
    mine.tick(START)
    mine.take(contact("lee", DAY, status="departed"))
    mine.take(contact("ana", 2 * DAY, status="active"))
    mine.take(contact("ana", 3 * DAY, status="departed"))
    mine.take(contact("uwe", 4 * DAY, name="Uwe"))
    mine.take(contact("uwe", 5 * DAY, status="active"))
    look(mine, 10, pace)
    assert stretches(mine) == [(DAY, 2 * DAY), (3 * DAY, 5 * DAY)]


def test_count_of_nothing_is_zero(opened: Opened) -> None:
    """An account without contacts has fewer than two."""
    mine = opened(watching(ACTIVE + "below: 2}"))
    mine.take(account(START - DAY, name="Acme"))
    mine.tick(START)
    mine.take(contact("kim", DAY, status="active"), contact("lee", DAY, status="active"))
    look(mine, 2, DAY)
    assert [each.resolved_at for each in mine.episodes()] == [START + DAY]


def test_unknown_member_freezes_the_episode(opened: Opened) -> None:
    """While one or two may be active, nothing begins and nothing ends."""
    mine = opened(watching(ACTIVE + "below: 2}"))
    mine.take(account(START - DAY, name="Acme"), contact("kim", -DAY, status="active"))
    mine.take(contact("lee", -DAY, name="Lee"))
    mine.tick(START)
    look(mine, 1, DAY)
    assert stretches(mine) == []
    found = explain(mine.database, mine.library, "watching", "acme", START + DAY)
    assert found.when is not None
    assert (found.verdict, found.when.actual, found.when.wanted) == (None, "1 to 2", "below 2")
    assert "number of contacts where contact status is active is 1 to 2" in found.conclusion


@pytest.mark.parametrize("pace", [10 * DAY, 7 * HOUR])
def test_events_leave_the_window_by_themselves(opened: Opened, pace: timedelta) -> None:
    """The count falls an instant after each event is as old as the window is long."""
    mine = opened(watching("{count: event, name: login, within: 3d, below: 2}"))
    mine.take(account(START - 30 * DAY, name="Acme"))
    mine.take(happening("login", START - 2 * DAY), happening("login", START - DAY))
    mine.tick(START)
    mine.take(happening("login", START + 3 * DAY), happening("login", START + 4 * DAY))
    look(mine, 10, pace)
    assert stretches(mine) == [(DAY + TICK, 4 * DAY), (6 * DAY + TICK, None)]


@pytest.mark.parametrize("pace", [10 * DAY, 7 * HOUR])
def test_dates_in_where_move_the_count_by_themselves(opened: Opened, pace: timedelta) -> None:
    """A contact touched two days ago stops counting at the account's midnight."""
    touched = "{field: contact.last_touch_at, days_since: {at_most: 2}}"
    mine = opened(watching(f"{{count: contact, where: {touched}, below: 1}}"))
    mine.take(account(START - 30 * DAY, name="Acme", timezone="Asia/Tokyo"))
    mine.take(contact("kim", -30 * DAY, last_touch_at=START))
    mine.tick(START)
    look(mine, 10, pace)
    assert stretches(mine) == [(2 * DAY + 3 * HOUR, None)]


@pytest.mark.parametrize("pace", [10 * DAY, 7 * HOUR])
def test_threshold_in_where_remembers_each_member(opened: Opened, pace: timedelta) -> None:
    """Whether one counts follows from its own history, recovery included."""
    low = "{field: ticket.csat, drops_below: 3, recovers_at: 5}"
    mine = opened(watching(f"{{count: ticket, where: {low}, at_least: 1}}"))
    mine.take(account(START - 30 * DAY, name="Acme"))
    for identity, values in (("t-1", (4, 2, 4)), ("t-2", (4, 4, 4))):
        for index, value in enumerate(values):
            mine.take(entry(Kind.TICKET, identity, START - (10 - index) * DAY, csat=value))
    mine.tick(START)
    mine.take(entry(Kind.TICKET, "t-1", START + DAY, csat=5), entry(Kind.TICKET, "t-2", START + DAY, csat=4))
    look(mine, 10, pace)
    assert [each.resolved_at for each in mine.episodes()] == [START + DAY]


def test_sum_waits_for_a_missing_amount(opened: Opened) -> None:
    """A subscription that counts and has no amount leaves the sum unknown, until it has one."""
    mine = opened(
        watching("{sum: subscription.arr, where: {field: subscription.status, equals: active}, below: 1000}")
    )
    mine.take(account(START - DAY, name="Acme"))
    mine.take(entry(Kind.SUBSCRIPTION, "s-1", START - DAY, status="active", arr=600))
    mine.take(entry(Kind.SUBSCRIPTION, "s-2", START - DAY, status="active"))
    mine.tick(START)
    mine.take(entry(Kind.SUBSCRIPTION, "s-2", START + DAY, arr=399.99))
    mine.take(entry(Kind.SUBSCRIPTION, "s-2", START + 2 * DAY, arr=400))
    look(mine, 3, DAY)
    assert stretches(mine) == [(DAY, 2 * DAY)]


def test_count_in_a_playbook_about_contacts_is_of_their_account(opened: Opened) -> None:
    """Each contact of the account sees the same number."""
    mine = opened(watching(ACTIVE + "of: account, below: 2}", "contact"))
    mine.take(account(START - DAY, name="Acme"), account(START - DAY, "other", name="Other"))
    mine.take(contact("kim", -DAY, status="active"), contact("lee", -DAY, status="departed"))
    mine.take(entry(Kind.CONTACT, "far", START - DAY, "other", status="active"))
    mine.take(entry(Kind.CONTACT, "off", START - DAY, "other", status="active"))
    mine.tick(START)
    assert sorted(each.subject_id for each in mine.episodes()) == ["kim", "lee"]


@pytest.mark.parametrize(("least", "starts"), [(2, 1), (3, 0)])
def test_moment_sees_the_count_before_it(opened: Opened, least: int, starts: int) -> None:
    """The `if` of a departure still counts who departs, and none who came with it."""
    mine = opened(
        f"""
playbook: leaver
owner: cs
subject: contact
on: {{field: contact.status, changes_to: departed, if: {ACTIVE}at_least: {least}}}}}
steps:
  - {{id: note, day: 0, task: {{to: csm, title: Note}}}}
"""
    )
    mine.take(account(START - DAY, name="Acme"))
    mine.take(contact("kim", -DAY, status="active"), contact("lee", -DAY, status="active"))
    mine.tick(START)
    mine.take(contact("kim", DAY, status="departed"), contact("new", DAY, status="active"))
    mine.tick(START + DAY)
    assert len(mine.runs()) == starts


IN_RUN = """
playbook: welcome
owner: cs
subject: account
on: {event: login}
steps:
  - {id: second, on: {count: event, name: login, since: run_start, at_least: 2}, task: {to: csm, title: Two}}
  - id: quiet
    day: 3
    if: {none: [{event: login, since: run_start}]}
    task: {to: csm, title: Nobody came back}
  - {id: wait, day: 3660, task: {to: csm, title: Wait}}
exit:
  - {outcome: lively, when: {event: outage, since: run_start}, for: 1d}
"""


@pytest.mark.parametrize("pace", [10 * DAY, DAY, 7 * HOUR])
def test_since_run_start_counts_what_came_after_it(opened: Opened, pace: timedelta) -> None:
    """The event that starts a run, and those before it, do not count; later ones do, across ticks."""
    mine = opened(IN_RUN)
    mine.take(account(START - 30 * DAY, name="Acme"))
    mine.take(happening("login", START - DAY), happening("outage", START - DAY))
    mine.tick(START)
    for hours in (1, 30, 100):
        mine.take(happening("login", START + hours * HOUR))
    mine.take(happening("outage", START + 120 * HOUR))
    look(mine, 10, pace)
    (run,) = mine.runs()
    assert (run.started_at, run.outcome, run.ended_at) == (START + HOUR, "lively", START + 144 * HOUR)
    assert {name: each.state for name, each in mine.steps().items()} == {
        "second": "cancelled", "quiet": "skipped", "wait": "cancelled",
    }  # fmt: skip
    assert [each.created_at for each in mine.tasks()] == [START + 100 * HOUR]


def test_quiet_step_acts_when_nothing_came_after_the_start(opened: Opened) -> None:
    """Without another login the step's condition holds."""
    mine = opened(IN_RUN)
    mine.take(account(START - 30 * DAY, name="Acme"))
    mine.tick(START)
    mine.take(happening("login", START + HOUR))
    look(mine, 10, DAY)
    assert [each.title for each in mine.tasks()] == ["Nobody came back"]


def test_event_of_before_the_start_learned_after_it_does_not_count(opened: Opened) -> None:
    """What counts is when it happened."""
    mine = opened(IN_RUN)
    mine.take(account(START - 30 * DAY, name="Acme"))
    mine.tick(START)
    mine.take(happening("login", START + 2 * HOUR))
    mine.tick(START + 3 * HOUR)
    mine.take(happening("login", START + HOUR, recorded=START + 4 * HOUR))
    mine.take(happening("login", START + 90 * HOUR))
    look(mine, 10, DAY)
    assert [each.title for each in mine.tasks()] == ["Nobody came back"]


@pytest.mark.parametrize(
    ("asked", "values", "starts"),
    [
        ("count: metric, where: {field: metric.value, below: 5}, at_least: 2", (9, 3, 4), 1),
        ("count: metric, where: {field: metric.value, below: 5}, at_least: 2", (9, 3, 5), 0),
        ("count: metric, at_least: 3", (9, 3, 5), 1),
        ("sum: metric.value, where: {field: metric.name, matches: 'logins_*'}, below: 8", (9, 3, 4), 1),
        ("sum: metric.value, where: {field: metric.name, matches: 'logins_*'}, below: 8", (9, 3, 5), 0),
        ("sum: metric.value, where: {field: metric.name, matches: 'logins_*'}, below: 8", (9, 3, None), 0),
    ],
)
def test_metrics_are_counted_and_summed(
    opened: Callable[..., Company], asked: str, values: tuple[int | None, ...], starts: int
) -> None:
    """By name and by value, declared or not; the last one is learned later."""
    mine = opened(METRICS.replace("ASKED", asked))
    names = ("seats", "logins_web", "logins_app")
    mine.take(account(START - DAY, name="Acme"))
    mine.tick(START)
    for index, name in enumerate(names):
        mine.take(entry(Kind.METRIC, f"acme:{name}", START + index * HOUR, value=200))
    mine.tick(START + 4 * HOUR)
    assert len(mine.runs()) == ("count: metric, at_least" in asked)
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        mine.take(entry(Kind.METRIC, f"acme:{name}", START + DAY + index * HOUR, value=value))
    mine.tick(START + 2 * DAY)
    assert len(mine.runs()) == starts


METRICS = """
playbook: metrics
title: Metrics
owner: cs
subject: account
when: {ASKED}
steps:
  - {id: note, day: 40, task: {to: csm, title: Note}}
"""
