"""Dates and names as people write them; playbooks in words."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from engine.conditions.catalogue import BUILT_IN
from engine.conditions.phrase import condition_words
from engine.conditions.tree import Group, Predicate
from engine.conditions.wording import plural
from engine.console import wording
from engine.people.playbook_words import action_words, exit_words, timing_words, trigger_words
from engine.rulefile.model import Exit
from tests.website import AT_RISK

TODAY = date(2026, 1, 28)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (date(2026, 1, 28), "Today"),
        (date(2026, 1, 29), "Tomorrow"),
        (date(2026, 1, 27), "Yesterday"),
        (date(2026, 1, 25), "3 days ago"),
        (date(2025, 11, 1), "1 Nov 2025"),
        (date(2026, 1, 30), "Fri 30 Jan"),
        (date(2027, 1, 30), "30 Jan 2027"),
    ],
)
def test_near_day_says_dates_as_people_do(value: date, text: str) -> None:
    """Near days have names, far ones a year."""
    assert wording.near_day(value, TODAY) == text


def test_instant_names_utc_and_nothing_else() -> None:
    """A local time is the reader's own."""
    at = datetime(2026, 7, 1, 22, 5, tzinfo=UTC)
    assert wording.instant(at) == "1 Jul 2026, 22:05 UTC"
    assert wording.instant(at, ZoneInfo("Europe/Berlin")) == "2 Jul 2026, 00:05"
    assert wording.instant(None) == "–"


def test_value_writes_instants_for_readers_and_keeps_the_rest() -> None:
    """The text form of history is for machines."""
    berlin = ZoneInfo("Europe/Berlin")
    assert wording.value("2026-07-01T22:05:00Z", berlin) == "2 Jul 2026, 00:05"
    assert wording.value("2026-99-01T22:05:00", berlin) == "2026-99-01T22:05:00"
    assert (wording.value("12.5"), wording.value(None)) == ("12.5", "missing")


def test_names_and_amounts_read_as_words() -> None:
    """No underscores, thousands apart, a dash for what is missing."""
    assert (wording.words("no_response"), wording.words(None)) == ("no response", "–")
    assert wording.sentence("no_response") == "No response"
    assert (wording.amount(Decimal("124000.50")), wording.amount(None)) == ("124,000.5", "–")
    assert (plural(1, "task"), plural(1200, "task")) == ("1 task", "1,200 tasks")


def test_condition_words_bracket_inner_groups() -> None:
    """So that nobody has to guess what binds first."""
    health = Predicate("below", "x", BUILT_IN.get("account.health"), Decimal(40))
    flag = Predicate("equals", "x", BUILT_IN.get("account.strategic"), True)
    inner = Group("any", (health, flag), "x")
    assert condition_words(Group("all", (inner, flag), "x")).startswith("(")
    assert condition_words(Group("none", (health,), "x")).startswith("none of (")
    assert condition_words(None) == ""


def test_how_long_a_state_must_hold_is_told() -> None:
    """An exit after a week at 60 is another one than an exit at the first 60."""
    healthy = Predicate("at_least", "x", BUILT_IN.get("account.health"), Decimal(60))
    assert exit_words(Exit("well", healthy, timedelta(days=7))) == "health is at least 60 for 7 days"
    assert exit_words(Exit("well", healthy, timedelta(minutes=90))).endswith(" for 90 minutes")
    assert exit_words(Exit("well", healthy, timedelta(0))) == "health is at least 60"
    slow = replace(AT_RISK, held_for=timedelta(hours=36))
    assert trigger_words(slow)[0].endswith(" for 36 hours")


def test_a_playbook_is_told_in_words() -> None:
    """Its start, and each step's time and action."""
    assert trigger_words(AT_RISK)[0] == "while health drops below 40 (recovers at 50)"
    assert [timing_words(step) for step in AT_RISK.steps] == ["day 1", "outreach + 2bd", "day 2bd"]
    assert [action_words(step) for step in AT_RISK.steps] == [
        "task for csm",
        "task for csm manager",
        "email to champion or any",
    ]
