"""JSON values are read strictly by the type the catalogue declares."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from engine.api.values import ValueRefused, read_name, read_time, read_value, unknown_name
from engine.conditions.catalogue import BUILT_IN

NOW = datetime(2026, 1, 28, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "given", "value"),
    [
        ("account.arr", Decimal("120000.50"), Decimal("120000.50")),
        ("account.arr", "120000.50", Decimal("120000.50")),
        ("account.arr", "-3", Decimal(-3)),
        ("account.arr", None, None),
        ("account.name", "", None),
        ("account.name", "日本 🚀", "日本 🚀"),
        ("account.strategic", True, True),
        ("account.segment", "low_touch", "low_touch"),
        ("account.renews_on", "2026-02-28", date(2026, 2, 28)),
        ("account.first_value_at", "2026-01-01T12:00:00+02:00", datetime(2026, 1, 1, 10, tzinfo=UTC)),
        ("account.timezone", "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_read_value_takes_what_fits(path: str, given: Any, value: Any) -> None:
    """Numbers may also come as digits in text; nothing else is converted."""
    assert read_value(BUILT_IN.get(path), given) == value


@pytest.mark.parametrize(
    ("path", "given", "words"),
    [
        ("account.arr", True, "an amount of money, and this is true or false; send a number"),
        ("account.arr", "1_000", "this is text"),
        ("account.arr", "１２", "this is text"),
        ("account.arr", "1e5", "this is text"),
        ("account.arr", "12 €", "this is text"),
        ("account.arr", [], "a list"),
        ("account.arr", Decimal("1e12"), "too large"),
        ("account.arr", Decimal("1e999999"), "too large"),
        ("account.health", {}, "a number, and this is an object"),
        ("account.strategic", "true", "send true or false"),
        ("account.strategic", Decimal(1), "send true or false"),
        ("account.name", Decimal(7), "send text in quotes"),
        ("account.name", "x" * 4001, "4,001 characters; send at most 4,000"),
        ("account.csm", "x" * 201, "at most 200"),
        ("account.segment", "High touch", 'did you mean "high_touch"'),
        ("account.segment", Decimal(1), "send one of high_touch, low_touch, tech_touch"),
        ("account.renews_on", "20260228", "write it as 2026-01-31"),
        ("account.renews_on", "2026-W05-1", "write it as 2026-01-31"),
        ("account.renews_on", "2026-02-30", "not in the calendar"),
        ("account.renews_on", "0001-01-01", "not believable"),
        ("account.renews_on", Decimal(20260228), "send a date"),
        ("account.first_value_at", "2026-01-01T12:00:00", "with an offset"),
        ("account.first_value_at", "0001-01-01T00:00:00+14:00", "not in the calendar"),
        ("account.first_value_at", "9999-12-31T23:59:59-14:00", "not in the calendar"),
        ("account.first_value_at", "2026-13-01T00:00:00Z", "not in the calendar"),
        ("account.first_value_at", Decimal(1767225600), "send an instant"),
        ("account.timezone", "../../etc/passwd", "not a time zone"),
        ("account.timezone", "Berlin", "use an IANA name"),
    ],
)
def test_read_value_refuses_the_rest_with_a_mend(path: str, given: Any, words: str) -> None:
    """What is wrong and what to send instead stand in one line."""
    with pytest.raises(ValueRefused) as refused:
        read_value(BUILT_IN.get(path), given)
    assert words in str(refused.value)


@pytest.mark.parametrize("given", [None, "", " a", "a ", "a\nb", "a\x7f", "x" * 201, Decimal(1), [], True])
def test_read_name_refuses_what_no_id_should_be(given: Any) -> None:
    """Ids are visible text without blanks around."""
    with pytest.raises(ValueRefused):
        read_name(given, "the id")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("1989-12-31T23:59:59Z", "before 1990"),
        ((NOW + timedelta(days=1, seconds=1)).isoformat(), "in the future"),
        ("2026-01-28", "offset"),
        (Decimal(1), "not an instant"),
    ],
)
def test_read_time_refuses_the_unbelievable(given: Any, words: str) -> None:
    """Old, future and vague times are mistakes."""
    with pytest.raises(ValueRefused, match=words):
        read_time(given, NOW)


def test_read_time_allows_a_clock_that_runs_ahead() -> None:
    """A day is allowed."""
    assert read_time("2026-01-29T10:00:00Z", NOW) == NOW + timedelta(days=1)


def test_unknown_name_suggests_the_nearest_or_says_where_to_declare_it() -> None:
    """A slip gets its correction, a stranger the configuration."""
    assert unknown_name("helth", ("health", "name"), "field").mend == 'did you mean "health"?'
    assert "config.yaml" in unknown_name("zzz", ("health",), "field").mend
