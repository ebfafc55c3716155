"""When time alone could next change an answer."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock.durations import Duration
from engine.conditions.catalogue import BUILT_IN
from engine.conditions.evaluate import evaluate, next_boundary
from engine.conditions.tree import Comparison, Group, Predicate, Stream
from engine.match.synthetic import SyntheticView

TICK = timedelta(microseconds=1)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "America/Sao_Paulo",  # its clocks used to skip midnight
    "America/St_Johns",  # its clocks used to go back over midnight
    "Pacific/Apia",  # it once skipped a day
]

STARTS = [
    datetime(2026, 3, 6, tzinfo=UTC),
    datetime(2011, 11, 4, tzinfo=UTC),
    datetime(2011, 12, 28, tzinfo=UTC),
    datetime(2018, 11, 2, tzinfo=UTC),
]
"""Just before clocks change in some of the zones."""


def at(now: datetime, zone: str = "UTC", **values: Any) -> SyntheticView:
    """A view of account fields at an instant."""
    named = {f"account.{name}": value for name, value in values.items()}
    return SyntheticView(now=now, zone=ZoneInfo(zone), values=named)


def renewal(comparison: Comparison, operator: str = "days_until") -> Predicate:
    """A question about the renewal date."""
    return Predicate(operator, "when", field=BUILT_IN.get("account.renews_on"), value=comparison)


@pytest.mark.parametrize(
    ("operator", "comparison", "days", "expected"),
    [
        ("days_until", Comparison("at_most", 90), 91, date(2026, 3, 11)),
        ("days_until", Comparison("at_most", 90), 90, None),
        ("days_until", Comparison("between", 0, 120), 130, date(2026, 3, 20)),
        ("days_until", Comparison("between", 0, 120), 120, date(2026, 7, 9)),
        ("days_until", Comparison("between", 0, 120), -1, None),
        ("days_until", Comparison("between", 5, 4), 9, None),
        ("days_until", Comparison("equals", 0), 0, date(2026, 3, 11)),
        ("days_until", Comparison("below", 2), 2, date(2026, 3, 11)),
        ("days_until", Comparison("above", 2), 3, date(2026, 3, 11)),
        ("days_until", Comparison("at_least", 2), 3, date(2026, 3, 12)),
        ("days_until", Comparison("at_least", 2), 1, None),
        ("days_since", Comparison("at_least", 30), 0, date(2026, 4, 9)),
        ("days_since", Comparison("at_least", 30), 30, None),
        ("days_since", Comparison("at_most", 3), 3, date(2026, 3, 11)),
        ("days_since", Comparison("between", 1, 2), 0, date(2026, 3, 11)),
        ("days_since", Comparison("between", 1, 2), 3, None),
    ],
)
def test_days_change_at_local_midnight(
    operator: str, comparison: Comparison, days: int, expected: date | None
) -> None:
    """The boundary is the start of the next local date on which the answer differs."""
    sign = 1 if operator == "days_until" else -1
    view = at(NOW, "Europe/Berlin", renews_on=date(2026, 3, 10) + timedelta(days=sign * days))
    found = next_boundary(renewal(comparison, operator), view)
    assert (found and found.astimezone(view.zone).date()) == expected
    assert found is None or (found - TICK).astimezone(view.zone).date() < found.astimezone(view.zone).date()


@pytest.mark.parametrize(("operator", "after"), [("event_within", TICK), ("event_absent_for", timedelta(0))])
def test_event_windows_end_at_their_last_instant(operator: str, after: timedelta) -> None:
    """A window that includes its end is left one microsecond later; absence begins at the end itself."""
    predicate = Predicate(operator, "when", event="login", window=Duration(30, "d"))
    last = NOW - timedelta(days=1)
    end = last + timedelta(days=30) + after
    for now, expected in [(NOW, end), (end - TICK, end), (end, None), (end + TICK, None)]:
        view = SyntheticView(now=now, events={Stream("login"): last})
        assert next_boundary(predicate, view) == expected
    assert next_boundary(predicate, SyntheticView(now=NOW)) is None


def test_missing_values_and_plain_comparisons_have_no_boundary() -> None:
    """Time alone changes nothing about a value, or about one that is not there."""
    assert next_boundary(renewal(Comparison("equals", 3)), at(NOW)) is None
    plain = Predicate("below", "when", field=BUILT_IN.get("account.renews_on"), value=date(2026, 3, 11))
    assert next_boundary(plain, at(NOW, renews_on=date(2026, 3, 10))) is None


def test_group_boundary_is_its_earliest() -> None:
    """A group must be looked at when the first of its members could change."""
    soon, later = renewal(Comparison("at_most", 5)), renewal(Comparison("at_most", 2))
    group = Group("any", (later, soon), "when")
    assert next_boundary(group, at(NOW, renews_on=date(2026, 3, 20))) == datetime(2026, 3, 15, tzinfo=UTC)


def test_far_boundary_beyond_the_calendar_is_none() -> None:
    """A date after year 9999 never comes."""
    predicate = renewal(Comparison("at_least", 3_000_000), "days_since")
    assert next_boundary(predicate, at(NOW, renews_on=date(2026, 1, 1))) is None


comparisons = st.builds(
    Comparison,
    st.sampled_from(["equals", "below", "at_most", "above", "at_least", "between"]),
    st.integers(-4, 4),
    st.integers(-4, 6),
)
time_predicates = st.one_of(
    st.builds(renewal, comparisons, st.sampled_from(["days_until", "days_since"])),
    st.builds(
        lambda operator, amount: Predicate(operator, "when", event="login", window=Duration(amount, "h")),
        st.sampled_from(["event_within", "event_absent_for"]),
        st.integers(0, 200),
    ),
)


@given(
    predicate=time_predicates,
    zone=st.sampled_from(ZONES),
    start=st.sampled_from(STARTS),
    minutes=st.integers(0, 5 * 24 * 60),
    days=st.integers(-6, 6),
    hours=st.integers(0, 300),
)
def test_answer_holds_until_its_boundary_and_changes_there(
    predicate: Predicate, zone: str, start: datetime, minutes: int, days: int, hours: int
) -> None:
    """Stepping by the hour, the answer first differs exactly at the boundary that was foretold."""
    now = start + timedelta(minutes=minutes)
    view = at(now, zone, renews_on=now.date() + timedelta(days=days))
    view.events["login"] = now - timedelta(hours=hours)
    answer, boundary = evaluate(predicate, view), next_boundary(predicate, view)
    assert boundary is None or boundary > now
    horizon = now + timedelta(days=25)
    view.now = now
    while view.now < min(boundary or horizon, horizon):
        assert evaluate(predicate, view) is answer, view.now
        view.now += timedelta(minutes=30)
    if boundary is not None:
        view.now = boundary - TICK
        assert evaluate(predicate, view) is answer
        view.now = boundary
        assert evaluate(predicate, view) is (not answer)
