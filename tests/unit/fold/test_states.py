"""States: when they open, what stands in the way of a start, and when they end."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from engine.conditions.catalogue import Kind
from tests.builders import START, Company, account, entry, happening
from tests.histories import DAY, HOUR, MINUTE

Opened = Callable[..., Company]

LOW = """
playbook: low
title: Low
owner: cs
subject: account
when: {field: account.health, below: 40}
steps:
  - {id: call, day: 0, task: {to: csm, title: "Call", due: 1bd}}
"""
TERM = """
playbook: term
title: A term ends
owner: cs
subject: subscription
when: {field: subscription.renews_on, days_until: {between: [0, 30]}}
run_per: subscription.term
anchor: subscription.renews_on
existing: fire
steps:
  - {id: first, at: T-30, task: {to: csm, title: "First", due: 1bd}}
  - {id: second, at: T-10, task: {to: csm, title: "Second", due: 1bd}}
"""


def ready(mine: Company, health: float | None = 70) -> Company:
    """One account, live from START."""
    mine.take(account(START - 30 * DAY, name="Acme", csm="dana", health=health))
    mine.tick(START)
    return mine


def starts(mine: Company) -> list[timedelta]:
    """How long after START each run began."""
    return [each.started_at - START for each in mine.runs()]


def test_state_fires_once_while_it_lasts(opened: Opened) -> None:
    """Further bad news within one stretch starts nothing more."""
    mine = ready(opened(LOW))
    for hours, health in ((1, 35), (2, 30), (3, 39), (30, 20)):
        mine.take(account(START + hours * HOUR, health=health))
        mine.tick(START + hours * HOUR)
    assert starts(mine) == [HOUR]
    assert [each.state for each in mine.episodes()] == ["active"]


def test_state_fires_in_the_middle_of_a_batch(opened: Opened) -> None:
    """45, 35 and 45 again, all between two ticks: noticed, with its own times."""
    mine = ready(opened(LOW))
    mine.take(*(account(START + index * HOUR, health=value) for index, value in ((1, 45), (2, 35), (3, 45))))
    mine.tick(START + DAY)
    assert starts(mine) == [2 * HOUR]
    (episode,) = mine.episodes()
    assert (episode.opened_at, episode.resolved_at) == (START + 2 * HOUR, START + 3 * HOUR)


def test_stretches_learned_at_one_instant_are_each_recorded(opened: Opened) -> None:
    """Two dips of the past, learned together: two episodes, of which the second waits for the first's run."""
    mine = ready(opened(LOW))
    told = START + DAY
    dips = ((1, 30), (2, 60), (3, 20), (4, 70))
    mine.take(*(account(START + hour * HOUR, recorded=told, health=value) for hour, value in dips))
    mine.tick(told)
    assert starts(mine) == [DAY]
    assert [each.state for each in mine.episodes()] == ["resolved", "resolved"]
    answers = [answer for _, answer in mine.decisions()]
    assert answers == ["started", "task", "resolved", "owed: open_run", "withdrawn"]


def test_owed_start_follows_the_open_run_if_the_state_still_holds(opened: Opened) -> None:
    """The second stretch starts when the run of the first has ended."""
    mine = ready(opened(LOW))
    mine.take(*(account(START + hour * HOUR, health=value) for hour, value in ((1, 30), (2, 60), (3, 30))))
    mine.tick(START + 4 * HOUR)
    assert starts(mine) == [HOUR]
    mine.finish(START + 5 * HOUR)
    mine.tick(START + DAY)
    assert starts(mine) == [HOUR, 5 * HOUR]
    assert [each.generation for each in mine.runs()] == [1, 2]


def test_owed_start_is_withdrawn_when_the_state_ends(opened: Opened) -> None:
    """Nobody is called about what is over."""
    mine = ready(opened(LOW))
    dips = ((1, 30), (2, 60), (3, 30), (4, 60))
    mine.take(*(account(START + hour * HOUR, health=value) for hour, value in dips))
    mine.tick(START + 5 * HOUR)
    mine.finish(START + 6 * HOUR)
    mine.tick(START + DAY)
    assert starts(mine) == [HOUR]
    assert "withdrawn" in [answer for _, answer in mine.decisions()]


@pytest.mark.parametrize(("back", "expected"), [(90, [HOUR, 2 * HOUR + 3 * DAY]), (72, [HOUR]), (74, [HOUR])])
def test_cooldown_counts_from_the_end_of_the_run(
    opened: Opened, back: int, expected: list[timedelta]
) -> None:
    """A stretch that begins within it starts at its end, if it still holds then; until then it is owed."""
    mine = ready(opened(LOW.replace("steps:", "cooldown: 3d\nsteps:")))
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + HOUR)
    mine.finish(START + 2 * HOUR)
    mine.tick(START + 2 * HOUR)
    dips = ((3, 60), (4, 30), (back, 60))
    mine.take(*(account(START + hour * HOUR, health=value) for hour, value in dips))
    mine.tick(START + 5 * DAY)
    assert starts(mine) == expected


def test_cooldown_is_over_at_its_end_to_the_microsecond(opened: Opened) -> None:
    """An opening at the very end of the cooldown starts at once."""
    mine = ready(opened(LOW.replace("steps:", "cooldown: 3d\nsteps:")))
    mine.take(account(START + HOUR, health=30))
    mine.tick(START + HOUR)
    mine.finish(START + 2 * HOUR)
    mine.tick(START + 2 * HOUR)
    end = START + 2 * HOUR + 3 * DAY
    mine.take(account(START + 3 * HOUR, health=60), account(end, health=30))
    mine.tick(end)
    assert [each.started_at for each in mine.runs()] == [START + HOUR, end]
    assert "owed: cooldown" not in [answer for _, answer in mine.decisions()]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(24, 30), (60, 60)], [2 * DAY]),
        ([(24, 30), (48, 60)], []),
        ([(24, 30), (30, 60), (40, 30)], [64 * HOUR]),
        ([(24, 30), (30, 35), (40, 20)], [2 * DAY]),
    ],
)
def test_for_wants_the_state_to_hold_first(
    opened: Opened, changes: list[tuple[int, int]], expected: list[timedelta]
) -> None:
    """A stretch no longer than `for` starts nothing, and the wait begins anew with each stretch."""
    mine = ready(opened(LOW.replace("steps:", "for: 1d\nsteps:")))
    mine.take(*(account(START + hour * HOUR, health=value) for hour, value in changes))
    mine.tick(START + 5 * DAY)
    assert starts(mine) == expected


@pytest.mark.parametrize(("policy", "expected"), [("freeze", []), ("false", []), ("true", [HOUR])])
def test_on_missing_decides_what_an_unknown_opening_means(
    opened: Opened, policy: str, expected: list[timedelta]
) -> None:
    """Health goes missing: only `true` takes that for low."""
    mine = ready(opened(LOW.replace("steps:", f'on_missing: "{policy}"\nsteps:')))
    mine.take(account(START + HOUR, health=None))
    mine.tick(START + 2 * HOUR)
    assert starts(mine) == expected


@pytest.mark.parametrize(
    ("policy", "state"), [("freeze", "active"), ("false", "resolved"), ("true", "active")]
)
def test_on_missing_decides_what_an_unknown_verdict_does_to_a_stretch(
    opened: Opened, policy: str, state: str
) -> None:
    """Health goes missing while low: frozen, ended, or still low."""
    mine = ready(opened(LOW.replace("steps:", f'on_missing: "{policy}"\nsteps:')))
    mine.take(account(START + HOUR, health=30), account(START + 2 * HOUR, health=None))
    mine.tick(START + 3 * HOUR)
    assert [each.state for each in mine.episodes()] == [state]
    assert starts(mine) == [HOUR]


@pytest.mark.parametrize(
    ("existing", "began", "expected"),
    [
        ("wait", 2, []),
        ("fire", 20, [timedelta(0)]),
        ("{since: 14d}", 2, [timedelta(0)]),
        ("{since: 14d}", 13, [timedelta(0)]),
        ("{since: 14d}", 15, []),
    ],
)
def test_existing_says_what_becomes_of_those_already_in_the_state(
    opened: Opened, existing: str, began: int, expected: list[timedelta]
) -> None:
    """At go-live an account has been low for `began` days."""
    mine = opened(LOW.replace("steps:", f"existing: {existing}\nsteps:"))
    mine.take(account(START - 40 * DAY, health=70), account(START - began * DAY, health=30))
    mine.tick(START)
    assert starts(mine) == expected
    mine.take(account(START + HOUR, health=60), account(START + 2 * HOUR, health=30))
    mine.tick(START + 3 * HOUR)
    assert (2 * HOUR in starts(mine)) is (expected == [])


def test_threshold_with_recovery_ignores_a_hovering_value(opened: Opened) -> None:
    """38, 45, 38, 49: one stretch, until 50 is reached; its past is read where the value lies between."""
    mine = ready(opened(LOW.replace("below: 40", "drops_below: 40, recovers_at: 50")))
    values = (38, 45, 38, 49, 39, 50, 45, 39)
    for index, value in enumerate(values, 1):
        mine.take(account(START + index * HOUR, health=value))
        mine.tick(START + index * HOUR)
    assert [(each.opened_at - START, each.resolved_at) for each in mine.episodes()] == [
        (HOUR, START + 6 * HOUR),
        (8 * HOUR, None),
    ]


def test_audience_is_part_of_the_stretch(opened: Opened) -> None:
    """Who enters the audience while low starts then."""
    text = LOW.replace("when:", "audience: {field: account.segment, equals: high_touch}\nwhen:")
    mine = ready(opened(text), health=30)
    mine.take(account(START + HOUR, segment="tech_touch"), account(START + 2 * HOUR, segment="high_touch"))
    mine.tick(START + DAY)
    assert starts(mine) == [2 * HOUR]


def test_time_alone_opens_and_ends_a_state(opened: Opened) -> None:
    """No login for three days: it opens to the microsecond, and a login ends it."""
    text = LOW.replace("{field: account.health, below: 40}", "{event: login, absent_for: 3d}")
    mine = opened(text)
    mine.take(account(START - DAY), happening("login", START - HOUR))
    mine.tick(START)
    mine.take(happening("login", START + 4 * DAY))
    mine.tick(START + 5 * DAY)
    assert [(each.opened_at, each.resolved_at) for each in mine.episodes()] == [
        (START - HOUR + 3 * DAY, START + 4 * DAY)
    ]


def term(when: timedelta, identity: str = "s1", account_id: str = "acme", **values: object):  # type: ignore[no-untyped-def]
    """What a source says about a subscription."""
    return entry(Kind.SUBSCRIPTION, identity, START + when, account_id, **values)


def test_run_per_never_starts_a_second_run_for_a_term(opened: Opened) -> None:
    """The renewal moves out of the window and back: the term has had its run."""
    mine = opened(TERM)
    mine.take(account(START - DAY), term(-DAY, term="2026", renews_on=date(2026, 3, 20)))
    mine.tick(START)
    mine.take(
        term(DAY, renews_on=date(2026, 9, 1)), term(2 * DAY, renews_on=date(2026, 3, 25)),
        term(3 * DAY, renews_on=date(2026, 9, 1)), term(4 * DAY, renews_on=date(2026, 3, 20)),
    )  # fmt: skip
    mine.tick(START + 5 * DAY)
    assert len(mine.runs()) == 1
    assert [answer for _, answer in mine.decisions()].count("already") == 2


def test_run_per_starts_a_run_for_the_next_term_at_once_where_the_state_goes_on(opened: Opened) -> None:
    """A monthly contract is always within its last 30 days: each term is a stretch of its own."""
    mine = opened(TERM)
    mine.take(account(START - DAY), term(-DAY, term="march", renews_on=date(2026, 3, 20)))
    mine.tick(START)
    mine.take(term(DAY, term="april", renews_on=date(2026, 3, 31)))
    mine.tick(START + 2 * DAY)
    assert [(each.key, each.state) for each in mine.episodes()] == [
        ("march", "resolved"),
        ("april", "active"),
    ]
    for task in mine.tasks(state="open"):
        mine.finish_task(task.id, START + 3 * DAY)
    mine.tick(START + 15 * DAY)
    for task in mine.tasks(state="open"):
        mine.finish_task(task.id, START + 15 * DAY + HOUR)
    mine.tick(START + 16 * DAY)
    assert [each.key for each in mine.runs()] == ["march", "april"]


def test_corrected_renewal_date_moves_only_what_has_not_happened(opened: Opened) -> None:
    """The first task stays as it was, the second moves with the date, and no run is added."""
    mine = opened(TERM)
    mine.take(account(START - DAY), term(-DAY, term="2026", renews_on=date(2026, 3, 30)))
    mine.tick(START)
    first = mine.steps()["first"]
    assert first.state == "open"
    mine.take(term(DAY, renews_on=date(2026, 3, 25)))
    mine.tick(START + 2 * DAY)
    assert mine.steps()["first"] == first
    assert mine.steps()["second"].due_on == date(2026, 3, 15)
    mine.tick(START + 20 * DAY)
    assert [each.step for each in mine.tasks()] == ["first", "second"]
    assert len(mine.runs()) == 1


def test_group_by_makes_one_run_of_subscriptions_that_renew_together(opened: Opened) -> None:
    """Two on one day share a run; a third of another day has its own, as another account has."""
    mine = opened(TERM.replace("anchor:", "group_by: account\nanchor:"))
    mine.take(account(START - DAY), account(START - DAY, "bolt"))
    day, other = date(2026, 3, 20), date(2026, 3, 22)
    mine.take(
        term(-DAY, "s1", term="2026", renews_on=day), term(-DAY, "s2", term="2026", renews_on=day),
        term(-DAY, "s3", term="2026", renews_on=other), term(-DAY, "b1", "bolt", term="2026", renews_on=day),
    )  # fmt: skip
    mine.tick(START)
    assert sorted((each.account_id, each.anchor) for each in mine.runs()) == [
        ("acme", day), ("acme", other), ("bolt", day),
    ]  # fmt: skip
    assert len([answer for _, answer in mine.decisions() if answer == "already"]) == 1


def test_timezone_change_moves_the_boundaries_of_a_state(opened: Opened) -> None:
    """Days are counted where the account is: Auckland's date comes half a day before Berlin's."""
    mine = opened(TERM)
    mine.take(
        account(START - DAY, timezone="Europe/Berlin"), term(-DAY, term="2026", renews_on=date(2026, 4, 2))
    )
    mine.tick(START)
    mine.take(account(START + MINUTE, timezone="Pacific/Auckland"))
    mine.tick(START + DAY)
    assert [each.since.isoformat() for each in mine.episodes()] == ["2026-03-02T12:01:00+00:00"]
