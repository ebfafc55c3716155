"""Looking back over a stretch: answers, words and what comes next."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from engine.clock.durations import parse_duration
from engine.conditions.catalogue import BUILT_IN
from engine.conditions.operators import OPERATORS
from engine.conditions.tree import Predicate, Shift, Stream
from engine.conditions.view import Held
from engine.match.synthetic import SyntheticView

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WINDOW = parse_duration("14d")


def shift(operator: str, amount: str) -> Predicate:
    """A question about the health of the last two weeks."""
    value = Shift(Decimal(amount.rstrip("%")), amount.endswith("%"))
    return Predicate(operator, "when", field=BUILT_IN.get("account.health"), value=value, window=WINDOW)


def seeing(now: str | None, held: str | None, ended_at: datetime | None = None) -> SyntheticView:
    """A health now, and its extreme."""
    extreme = None if held is None else Held(Decimal(held), ended_at)
    return SyntheticView(now=NOW, values={"account.health": now and Decimal(now)}, extremes={"when": extreme})


@pytest.mark.parametrize(
    ("operator", "amount", "now", "held", "expected", "reason"),
    [
        ("drops_by", "15", "45", "60", True,
         "health is 45 (highest was 60, down by at least 15 within 14 days)"),
        ("drops_by", "15", "45.000001", "60", False,
         "health is 45.000001 (highest was 60, not down by at least 15 within 14 days)"),
        ("drops_by", "15", None, None, None, "health is missing"),
        ("drops_by", "20%", "80", "100", True,
         "health is 80 (highest was 100, down by at least 20% within 14 days)"),
        ("drops_by", "20%", "80.000001", "100", False,
         "health is 80.000001 (highest was 100, not down by at least 20% within 14 days)"),
        ("drops_by", "20%", "-5", "0", None, "health is -5 (highest was 0, no percentage of that)"),
        ("drops_by", "20%", "-9", "-5", None, "health is -9 (highest was -5, no percentage of that)"),
        ("drops_by", "4", "-9", "-5", True,
         "health is -9 (highest was -5, down by at least 4 within 14 days)"),
        ("rises_by", "15", "60", "45", True,
         "health is 60 (lowest was 45, up by at least 15 within 14 days)"),
        ("rises_by", "200%", "30", "10", True,
         "health is 30 (lowest was 10, up by at least 200% within 14 days)"),
        ("rises_by", "15", "30", "60", False,
         "health is 30 (lowest was 60, not up by at least 15 within 14 days)"),
    ],
)  # fmt: skip
def test_shift_at_its_edges(
    operator: str, amount: str, now: str | None, held: str | None, expected: bool | None, reason: str
) -> None:
    """The amount itself is enough; of zero or less there is no percentage."""
    predicate, view, row = shift(operator, amount), seeing(now, held), OPERATORS[operator]
    assert row.evaluate(predicate, view) is expected
    fact = row.fact(predicate, view)
    assert (None if fact is None else fact >= 0) is expected
    assert row.reason(predicate, view) == reason


def test_shift_says_its_question() -> None:
    """By how much within how long."""
    words = [OPERATORS[each].words(shift(each, "20%")) for each in ("drops_by", "rises_by")]
    assert words == ["health drops by 20% within 14 days", "health rises by 20% within 14 days"]


@pytest.mark.parametrize("ended_at", [NOW, NOW - WINDOW.elapsed + TICK])
def test_shift_may_end_when_its_extreme_leaves_the_window(ended_at: datetime) -> None:
    """So long after another value took its place."""
    view = seeing("45", "60", ended_at)
    assert OPERATORS["drops_by"].boundary(shift("drops_by", "15"), view) == ended_at + WINDOW.elapsed


def test_shift_from_a_value_that_lasts_has_no_end() -> None:
    """The present value leaves no window."""
    for view in (seeing("45", "45"), seeing(None, None)):
        assert OPERATORS["drops_by"].boundary(shift("drops_by", "15"), view) is None


COUNT = Predicate("event_at_least", "when", event="big_login", value=Decimal(2), window=WINDOW)
START = NOW - WINDOW.elapsed


@pytest.mark.parametrize(
    ("times", "expected", "boundary", "reason"),
    [
        ([], False, None, "0 big login events within 14 days (not at least 2)"),
        ([NOW], False, None, "1 big login event within 14 days (not at least 2)"),
        ([START - TICK, NOW], False, None, "1 big login event within 14 days (not at least 2)"),
        ([START, NOW], True, NOW + TICK, "2 big login events within 14 days (at least 2)"),
        ([START, NOW - TICK, NOW], True, NOW - TICK + WINDOW.elapsed + TICK,
         "3 big login events within 14 days (at least 2)"),
    ],
)  # fmt: skip
def test_count_at_its_edges(
    times: list[datetime], expected: bool, boundary: datetime | None, reason: str
) -> None:
    """The window includes its first instant; a count is never unknown, and falls right after it."""
    view, row = SyntheticView(now=NOW, times={Stream("big_login"): times}), OPERATORS["event_at_least"]
    assert row.evaluate(COUNT, view) is expected
    assert row.boundary(COUNT, view) == boundary
    assert row.reason(COUNT, view) == reason
    assert row.words(COUNT) == "event big login happened at least 2 times within 14 days"
