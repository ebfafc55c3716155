"""Calendar triggers: once in each period, whatever happens to the clock, the account and the service."""

from collections.abc import Callable
from datetime import date, datetime

import pytest

from engine.clock.durations import parse_duration
from engine.clock.periods import DayOfPeriod, Period
from engine.conditions.catalogue import Kind
from engine.episodes.recurrence import offset_of
from engine.rulefile.model import Every
from engine.state.tables import StepRow
from tests.builders import START, Company, account, at, entry, write_rules
from tests.histories import DAY

Opened = Callable[..., Company]

DIGEST = """
playbook: digest
title: Digest
owner: cs
subject: account
every: {month: first business day}
guard: {max_starts: 1000}
steps:
  - {id: note, day: 0, message: {via: slack, to: "#all", template: note}}
"""
WAITING = DIGEST.replace(
    '  - {id: note, day: 0, message: {via: slack, to: "#all", template: note}}',
    '  - {id: call, day: 0, task: {to: csm, title: "Call"}}',
)


def digest_with(text: str = DIGEST, **keys: str) -> str:
    """The playbook with other keys."""
    lines = [line for line in text.strip().splitlines() if line.partition(":")[0] not in keys]
    return "\n".join([lines[0], *(f"{key}: {value}" for key, value in keys.items()), *lines[1:], ""])


def ready(mine: Company, zone: str = "UTC", **values: object) -> Company:
    """One account, live from START, 2 March 2026."""
    mine.take(account(START - 400 * DAY, name="Acme", csm="dana", timezone=zone, country="US", **values))
    mine.tick(START)
    return mine


def starts(mine: Company) -> list[str]:
    """The periods of the runs, each with the instant it began."""
    return [f"{each.key} {each.started_at:%Y-%m-%d %H:%M}" for each in mine.runs()]


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("{month: first business day}", ["2026-04 2026-04-01", "2026-05 2026-05-01", "2026-06 2026-06-01"]),
        ("{month: last business day}", ["2026-03 2026-03-31", "2026-04 2026-04-30", "2026-05 2026-05-29"]),
        ("{month: 15}", ["2026-03 2026-03-15", "2026-04 2026-04-15", "2026-05 2026-05-15"]),
        ("{month: 31}", ["2026-03 2026-03-31", "2026-04 2026-04-30", "2026-05 2026-05-31"]),
        ("{month: last day}", ["2026-03 2026-03-31", "2026-04 2026-04-30", "2026-05 2026-05-31"]),
        ("{quarter: first business day}", ["2026-Q2 2026-04-01", "2026-Q3 2026-07-01"]),
        ("{half_year: first business day}", ["2026-H2 2026-07-01"]),
        ("{year: 100}", ["2026 2026-04-10"]),
        ("{year: account.customer_since}", ["2026 2026-05-20"]),
        ("{quarter: account.customer_since}", ["2026-Q2 2026-05-20"]),
    ],
)
def test_every_starts_on_its_day_once_in_each_period(every: str, expected: list[str], opened: Opened) -> None:
    """From the first whole chance on, for three occurrences at most."""
    mine = ready(opened(digest_with(every=every)), customer_since=date(2023, 5, 20))
    mine.tick(at("2026-07-02 00:00"))
    assert starts(mine)[:3] == [f"{each} 00:00" for each in expected]


def test_every_week_starts_on_its_weekday(opened: Opened) -> None:
    """2 March 2026 is a Monday; the day on which it goes live is not counted."""
    mine = ready(opened(digest_with(every="{week: monday}")))
    mine.tick(START + 15 * DAY)
    assert starts(mine) == ["2026-W11 2026-03-09 00:00", "2026-W12 2026-03-16 00:00"]


def test_every_acts_in_the_morning_of_the_accounts_day(opened: Opened) -> None:
    """The occurrence begins with the local day; what it causes waits for working hours."""
    mine = ready(opened(DIGEST), "Asia/Tokyo")
    mine.tick(at("2026-04-02 00:00"))
    assert starts(mine) == ["2026-04 2026-03-31 15:00"]
    assert mine.steps()["note"].acted_at == at("2026-03-31 23:00")
    assert mine.steps()["note"].due_on == date(2026, 4, 1)
    assert mine.runs()[0].reason == "2026-04: every month, on its first business day"


def test_every_is_not_repeated_when_the_account_moves_west(opened: Opened) -> None:
    """In the new zone the day begins a second time; the period has had its occurrence."""
    mine = ready(opened(DIGEST), "Pacific/Kiritimati")
    mine.take(account(at("2026-03-31 12:00"), timezone="Pacific/Pago_Pago"))
    mine.tick(at("2026-04-20 00:00"))
    assert starts(mine) == ["2026-04 2026-03-31 10:00"]


def test_every_is_not_lost_when_the_account_moves_over_its_day(opened: Opened) -> None:
    """The local date jumps from 31 March to 2 April."""
    mine = ready(opened(DIGEST), "Pacific/Pago_Pago")
    mine.take(account(at("2026-04-01 10:30"), timezone="Pacific/Kiritimati"))
    mine.tick(at("2026-04-20 00:00"))
    assert starts(mine) == ["2026-04 2026-04-01 10:30"]
    assert mine.steps()["note"].acted_at == at("2026-04-01 18:00")


@pytest.mark.parametrize(
    "ticks", [[], [at("2026-03-31 11:00")], [at("2026-03-31 12:00"), at("2026-04-01 11:00")]]
)
def test_every_is_the_same_whenever_ticks_happen(ticks: list[datetime], opened: Opened) -> None:
    """An account that moves to and fro over the date line around the day."""
    mine = ready(opened(DIGEST), "Pacific/Kiritimati")
    mine.take(
        account(at("2026-03-31 09:30"), timezone="Pacific/Pago_Pago"),
        account(at("2026-03-31 10:30"), timezone="Pacific/Kiritimati"),
        account(at("2026-03-31 20:00"), timezone="Pacific/Pago_Pago"),
    )
    for each in [*ticks, at("2026-04-20 00:00")]:
        mine.tick(each)
    assert starts(mine) == ["2026-04 2026-03-31 10:30"]


def test_every_respects_the_holidays_of_the_account(opened: Opened) -> None:
    """1 May is Labour Day in Germany, and a working Friday in the United States."""
    mine = opened(DIGEST)
    for country in ("US", "DE"):
        mine.take(account(START - DAY, country, name=country, country=country, timezone="UTC"))
    mine.tick(START)
    mine.tick(at("2026-05-05 00:00"))
    assert sorted(
        (each.subject_id, each.started_at.day) for each in mine.runs() if each.key == "2026-05"
    ) == [
        ("DE", 4),
        ("US", 1),
    ]


def test_every_judges_the_audience_as_the_day_begins(opened: Opened) -> None:
    """Who joins it at noon waits for the next month; who has left it at midnight is out."""
    mine = ready(opened(digest_with(audience="{field: account.health, below: 40}")), health=70)
    mine.take(
        account(at("2026-04-01 12:00"), health=30),
        account(at("2026-05-01 00:00"), health=70),
        account(at("2026-06-01 00:00"), health=30),
    )
    mine.tick(at("2026-06-10 00:00"))
    assert starts(mine) == ["2026-06 2026-06-01 00:00"]


def test_every_takes_a_condition_of_its_own(opened: Opened) -> None:
    """An unknown answer starts nothing."""
    text = digest_with(every="{month: 1, if: {field: account.health, below: 40}}")
    mine = ready(opened(text))
    mine.take(account(at("2026-04-15 00:00"), health=39))
    mine.tick(at("2026-05-10 00:00"))
    assert starts(mine) == ["2026-05 2026-05-01 00:00"]


def test_every_that_missed_a_period_because_of_an_open_run_starts_when_it_ends(opened: Opened) -> None:
    """It is owed until the next period's turn, unlike another moment."""
    mine = ready(opened(WAITING))
    mine.tick(at("2026-04-02 00:00"))
    mine.tick(at("2026-05-10 00:00"))
    assert [each.owed for each in mine.episodes(key="every@2026-05")] == ["open_run"]
    mine.finish(at("2026-05-10 12:00"))
    mine.tick(at("2026-05-10 12:00"))
    assert starts(mine) == ["2026-04 2026-04-01 00:00", "2026-05 2026-05-10 12:00"]


def test_every_that_could_not_start_in_its_period_is_given_up(opened: Opened) -> None:
    """When the next one begins, the older one is withdrawn: never two at once."""
    mine = ready(opened(WAITING))
    mine.tick(at("2026-04-02 00:00"))
    mine.tick(at("2026-06-10 00:00"))
    mine.finish(at("2026-06-10 12:00"))
    mine.tick(at("2026-06-11 00:00"))
    assert starts(mine) == ["2026-04 2026-04-01 00:00", "2026-06 2026-06-10 12:00"]
    assert (at("2026-06-01 00:00"), "withdrawn") in mine.decisions()


def test_every_counts_what_is_known_when_the_playbook_goes_live(opened: Opened) -> None:
    """A playbook that goes live on its very day, or later, waits for the next period."""
    mine = opened(digest_with(every="{month: 2}"))
    mine.take(account(START - DAY, name="Acme", timezone="UTC"))
    mine.tick(at("2026-03-02 00:00"))
    mine.tick(at("2026-04-10 00:00"))
    assert starts(mine) == ["2026-04 2026-04-02 00:00"]


def test_every_does_not_count_for_a_subject_that_comes_later(opened: Opened) -> None:
    """A contact entered in the middle of the month."""
    mine = ready(opened(digest_with(subject="contact", audience="{field: contact.role, equals: champion}")))
    mine.take(entry(Kind.CONTACT, "kim", at("2026-04-03 00:00"), role="champion"))
    mine.tick(at("2026-05-02 00:00"))
    assert starts(mine) == ["2026-05 2026-05-01 00:00"]


def test_every_edited_within_a_period_does_not_start_it_again(opened: Opened) -> None:
    """From the 1st to the 20th: April has had its run, May gets its own on the 20th."""
    mine = ready(opened(digest_with(every="{month: 1}")))
    mine.tick(at("2026-04-10 00:00"))
    write_rules(mine.library.settings.rules.parent, [digest_with(every="{month: 20}")])
    mine.tick(at("2026-04-10 12:00"))
    mine.tick(at("2026-05-25 00:00"))
    assert starts(mine) == ["2026-04 2026-04-01 00:00", "2026-05 2026-05-20 00:00"]


def test_every_date_that_is_learned_or_corrected_counts_from_then_on(opened: Opened) -> None:
    """Neither an anniversary long past nor the same one twice."""
    mine = ready(opened(digest_with(every="{year: account.customer_since}")))
    mine.take(
        account(at("2026-03-20 00:00"), customer_since=date(2023, 3, 10)),
        account(at("2027-03-09 00:00"), customer_since=date(2023, 3, 12)),
        account(at("2027-03-13 00:00"), customer_since=date(2023, 3, 15)),
    )
    mine.tick(at("2028-04-01 00:00"))
    assert starts(mine) == ["2027 2027-03-12 00:00", "2028 2028-03-15 00:00"]


def test_every_step_missed_for_a_whole_period_is_skipped(opened: Opened) -> None:
    """A service that was down for a quarter sends one digest, not three."""
    mine = ready(opened(DIGEST))
    mine.tick(at("2026-06-20 00:00"))
    assert [each.key for each in mine.runs()] == ["2026-04", "2026-05", "2026-06"]
    assert [each.state for each in sorted(mine.rows(StepRow), key=lambda each: each.act_at)] == [
        "skipped",
        "skipped",
        "done",
    ]


def test_every_spread_gives_each_account_a_day_of_its_own(opened: Opened) -> None:
    """The same one in each period, on business days only, and about as many accounts on each."""
    mine = opened(digest_with(every="{quarter: first business day, spread: 10bd}"))
    for index in range(60):
        mine.take(account(START - DAY, f"a{index}", name="A", timezone="UTC"))
    mine.tick(START)
    mine.tick(at("2026-07-31 00:00"))
    days = {
        key: {each.subject_id: each.started_at.date() for each in mine.runs() if each.key == key}
        for key in ("2026-Q2", "2026-Q3")
    }
    allowed = [date(2026, 4, day) for day in (1, 2, 3, 6, 7, 8, 9, 10, 13, 14)]
    assert {len(each) for each in days.values()} == {60}
    assert sorted(set(days["2026-Q2"].values())) == allowed
    later = [date(2026, 7, day) for day in (1, 2, 6, 7, 8, 9, 10, 13, 14, 15)]
    moved = {
        allowed.index(days["2026-Q2"][each]) - later.index(days["2026-Q3"][each]) for each in days["2026-Q2"]
    }
    assert moved == {0}


def test_every_spread_offset_is_even_over_many_accounts() -> None:
    """No day gets more than a little above its share."""
    every = Every(Period.QUARTER, DayOfPeriod(1, True), parse_duration("10bd"))
    counts = [0] * 10
    for index in range(2000):
        counts[offset_of(every, "qbr", f"account-{index}")] += 1
    assert max(counts) < 1.25 * 200
    assert min(counts) > 0.75 * 200


def test_every_is_not_lost_behind_a_guard(opened: Opened) -> None:
    """What is held starts on release, and with its own period."""
    mine = opened(digest_with(guard="{max_starts: 1}"))
    for name in ("a", "b"):
        mine.take(account(START - DAY, name, name=name, timezone="UTC"))
    mine.tick(START)
    mine.tick(at("2026-04-01 09:00"))
    assert mine.runs() == []
    mine.release(at("2026-04-02 09:00"))
    mine.tick(at("2026-04-02 10:00"))
    assert starts(mine) == ["2026-04 2026-04-02 09:00"] * 2


def test_every_wakes_no_account_between_its_days(opened: Opened) -> None:
    """The cost follows what is due."""
    mine = ready(opened(DIGEST))
    assert mine.watch().due_at == at("2026-04-01 00:00")
    mine.tick(at("2026-04-01 08:00"))
    assert mine.watch().due_at == at("2026-05-01 00:00")
