"""Derived fields: what is computed at each instant, from what was known then."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.conditions.catalogue import BUILT_IN, Kind, Value
from engine.sources.derive import derive
from engine.sources.mapping import Derivation
from engine.state.entries import Entry, EventEntry

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """Some days after the start."""
    return START + timedelta(days=number)


def sub(name: str, at: float, known: float | None = None, **values: Any) -> Entry:
    """What is said of a subscription."""
    return Entry(Kind.SUBSCRIPTION, name, "A1", values, day(at), day(at if known is None else known))


def use(name: str, at: float, known: float | None = None, **properties: Any) -> EventEntry:
    """A use of the product."""
    return EventEntry(name, "A1", "used", day(at), day(at if known is None else known), None, properties)


def course(
    derivation: Derivation, *said: Entry | EventEntry, until: float = 100
) -> list[tuple[float, Value | None]]:
    """The values of one derived field, with the days on which each began."""
    entries = [each for each in said if isinstance(each, Entry)]
    events = [each for each in said if isinstance(each, EventEntry)]
    found = derive("A1", [derivation], entries, events, day(until))
    return [((e.effective_at - START) / timedelta(days=1), e.values[derivation.field.name]) for e in found]


def derivation(field: str, operation: Any, over: str, **more: Any) -> Derivation:
    """A derivation over subscriptions, or over the event `used`."""
    first, _, name = over.partition(".")
    kind = None if first == "used" else Kind(first)
    return Derivation(BUILT_IN.get(f"account.{field}"), operation, kind, name, "" if kind else first, **more)


ACTIVE = (("status", frozenset({"active"})),)
ARR = derivation("arr", "sum", "subscription.arr", where=ACTIVE)


def test_sum_follows_what_counts() -> None:
    """Missing before the first subject, then the sum of those that count, then 0."""
    assert course(
        ARR,
        sub("S1", 1, status="active", arr=Decimal(10)),
        sub("S2", 3, status="active", arr=Decimal(5)),
        sub("S1", 7, status="ended"),
        sub("S2", 9, status="ended"),
    ) == [(1, 10), (3, 15), (7, 5), (9, 0)]


def test_sum_changes_once_where_several_things_happen_at_once() -> None:
    """One instant, one value."""
    both = [sub("S1", 2, status="ended"), sub("S2", 2, status="active", arr=Decimal(5))]
    assert course(ARR, sub("S1", 1, status="active", arr=Decimal(10)), *both) == [(1, 10), (2, 5)]


def test_derive_waits_until_a_value_is_known() -> None:
    """What was so on day 1 and known on day 4 counts from day 4."""
    assert course(ARR, sub("S1", 1, known=4, status="active", arr=Decimal(10))) == [(4, 10)]


def test_derive_lets_a_late_value_move_nothing() -> None:
    """An older value learned later does not replace a newer one."""
    said = [sub("S1", 3, status="active", arr=Decimal(10)), sub("S1", 1, known=5, arr=Decimal(99))]
    assert course(ARR, *said) == [(3, 10)]


def test_count_is_zero_from_the_first_instant() -> None:
    """Nothing to count is a known number."""
    counted = derivation("seats", "count", "subscription", where=ACTIVE)
    said = [sub("S1", 1, status="trial"), sub("S1", 2, status="active")]
    assert course(counted, *said) == [(1, 0), (2, 1)]


def test_earliest_and_latest_pass_over_missing_values() -> None:
    """And are missing when nothing is left."""
    said = [
        sub("S1", 1, renews_on=date(2026, 5, 1)),
        sub("S2", 2, renews_on=date(2026, 3, 1)),
        sub("S2", 3, renews_on=None),
        sub("S1", 4, renews_on=None),
    ]
    earliest = derivation("renews_on", "earliest", "subscription.renews_on")
    assert course(earliest, *said) == [
        (1, date(2026, 5, 1)),
        (2, date(2026, 3, 1)),
        (3, date(2026, 5, 1)),
        (4, None),
    ]
    latest = derivation("renews_on", "latest", "subscription.renews_on")
    assert course(latest, *said) == [(1, date(2026, 5, 1)), (4, None)]


def test_sum_over_a_stretch_loses_what_leaves_it() -> None:
    """At the instant it leaves, and not beyond the horizon."""
    rolling = derivation("usage", "sum", "used.times", within=timedelta(days=30))
    said = [use("U1", 0, times=4), use("U2", 10, times=6)]
    assert course(rolling, *said) == [(0, 4), (10, 10), (30, 6), (40, 0)]
    assert course(rolling, *said, until=35) == [(0, 4), (10, 10), (30, 6)]


def test_sum_over_a_stretch_says_nothing_of_the_time_before_it_was_known() -> None:
    """What had left the stretch when it became known never counted."""
    rolling = derivation("usage", "sum", "used.times", within=timedelta(days=30))
    said = [use("U1", 0, known=50, times=4), use("U2", 40, known=50, times=6)]
    assert course(rolling, *said) == [(50, 6), (70, 0)]


def test_average_over_a_stretch_is_missing_when_it_is_empty() -> None:
    """No score is not a score of 0."""
    rolling = derivation("csat", "average", "subscription.seats", within=timedelta(days=10))
    said = [sub("S1", 0, seats=Decimal(4)), sub("S2", 5, seats=Decimal(5))]
    assert course(rolling, *said) == [(0, 4), (5, Decimal("4.5")), (10, 5), (15, None)]


def test_latest_of_an_event_is_when_it_happened() -> None:
    """Known when it is known, and never going back."""
    latest = derivation("last_active_at", "latest", "used")
    said = [use("U1", 1, known=2), use("U2", 5, known=6), use("U3", 3, known=7)]
    assert course(latest, *said) == [(2, day(1)), (6, day(5))]


def test_last_is_the_newest_value_said() -> None:
    """Of any subject."""
    last = derivation("plan", "last", "subscription.plan")
    assert course(last, sub("S1", 1, plan="Basic"), sub("S2", 2, plan="Pro")) == [(1, "Basic"), (2, "Pro")]


@pytest.mark.parametrize(
    ("arr", "band"),
    [(-1, None), (0, "tech_touch"), (14_999, "tech_touch"), (15_000, "low_touch"), (100_000, "high_touch")],
)
def test_bands_include_their_lower_end(arr: int, band: str | None) -> None:
    """A value on the border belongs to the band above it."""
    steps = ((Decimal(0), "tech_touch"), (Decimal(15_000), "low_touch"), (Decimal(100_000), "high_touch"))
    bands = Derivation(BUILT_IN.get("account.segment"), "bands", Kind.ACCOUNT, "arr", steps=steps)
    account = Entry(Kind.ACCOUNT, "A1", "A1", {"arr": Decimal(arr)}, day(1), day(1))
    assert course(bands, account) == ([(1, band)] if band else [])
