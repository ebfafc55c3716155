"""The order in which emails go where caps let only some of them go."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.permit.arbiter import YIELD, YIELDS, Bound, Wait, Who, Wish, arbitrate

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
ANN: Who = ("person", "ann@x.example")
ACME: Who = ("account", "acme")
BOUNDS = {
    "person": (Bound(1, DAY, "1d"), Bound(3, WEEK, "7d")),
    "account": (Bound(4, WEEK, "7d"),),
}


def wish(name: str, *who: Who, priority: int = 50, minutes: int = 0, is_here: bool = True) -> Wish:
    """An email that has been waiting for `minutes`."""
    return Wish(name, who or (ANN,), priority, NOW - timedelta(minutes=minutes), is_here)


def days_ago(*days: float) -> list[tuple[datetime, str]]:
    """Emails that left then."""
    return [(NOW - timedelta(days=each), f"left {each}") for each in days]


@pytest.mark.parametrize(
    ("left", "until", "why"),
    [
        ({}, None, ""),
        ({ANN: days_ago(1)}, None, ""),
        ({ANN: days_ago(0.5)}, 0.5, "1 email to this person per 1d"),
        ({ANN: days_ago(2, 3, 6)}, 1, "3 emails to this person per 7d"),
        ({ANN: days_ago(2, 3, 4, 6)}, 3, "3 emails to this person per 7d"),
        ({ANN: days_ago(0.5, 3, 6)}, 1, "3 emails to this person per 7d"),
        ({ACME: days_ago(1, 2, 3, 4, 9)}, 3, "4 emails to this account per 7d"),
        ({ANN: days_ago(0.25), ACME: days_ago(1, 1, 1, 6.5)}, 0.75, "1 email to this person per 1d"),
    ],
)
def test_arbitrate_waits_until_every_cap_lets_go(
    left: dict[Who, list[tuple[datetime, str]]], until: float | None, why: str
) -> None:
    """The earliest instant at which no window is full, and the cap that opens last."""
    waits = arbitrate([wish("a", ANN, ACME)], left, BOUNDS, NOW)
    expected = {} if until is None else {"a": Wait(NOW + timedelta(days=until), f"the cap of {why}")}
    assert waits == expected


def test_arbitrate_lets_the_higher_priority_go_then_the_longest_waiting() -> None:
    """One email a day to a person: the others wait for the day after it."""
    wishes = [wish("old", minutes=9), wish("urgent", priority=90), wish("older", minutes=99)]
    day = Wait(NOW + DAY, "the cap of 1 email to this person per 1d")
    assert arbitrate(wishes, {}, BOUNDS, NOW) == {"old": day, "older": day}
    assert set(arbitrate(wishes[::2], {}, BOUNDS, NOW)) == {"old"}


def test_arbitrate_lets_a_more_important_email_elsewhere_go_first() -> None:
    """It may yet be stopped, so the other one asks again in a moment."""
    wishes = [wish("here"), wish("there", priority=90, is_here=False)]
    assert arbitrate(wishes, {}, BOUNDS, NOW) == {"here": Wait(NOW + YIELD, YIELDS)}
    assert arbitrate([wish("here"), wish("there", priority=10, is_here=False)], {}, BOUNDS, NOW) == {}


def test_arbitrate_does_not_count_an_email_against_itself() -> None:
    """One that may have left already, and is to be tried again, does not wait for itself."""
    left = {ANN: [(NOW - timedelta(minutes=5), "a")]}
    assert arbitrate([wish("a")], left, BOUNDS, NOW) == {}
    assert set(arbitrate([wish("b")], left, BOUNDS, NOW)) == {"b"}


def test_arbitrate_shares_an_account_among_its_people() -> None:
    """What one person's cap stops takes nothing from the account."""
    wishes = [wish(f"{n}", ("person", f"p{n // 2}"), ACME, minutes=60 - n) for n in range(12)]
    waits = arbitrate(wishes, {}, BOUNDS, NOW)
    assert [each.id for each in wishes if each.id not in waits] == ["0", "2", "4", "6"]
    assert {waits["8"].why, waits["1"].why} == {
        "the cap of 4 emails to this account per 7d",
        "the cap of 1 email to this person per 1d",
    }


def test_arbitrate_without_bounds_stops_nobody() -> None:
    """No caps, no waiting."""
    assert arbitrate([wish("a"), wish("b")], {ANN: days_ago(0, 0, 0)}, {}, NOW) == {}
