"""Values in words."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.conditions.catalogue import BUILT_IN, Value
from engine.conditions.wording import label, show, show_days_ahead, show_list


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        (None, "account.health", "missing"),
        (Decimal("1234567.50"), "account.arr", "1,234,567.5"),
        (Decimal("-0.5"), "account.nps", "-0.5"),
        (Decimal("-1200"), "account.nps", "-1,200"),
        (Decimal("0.00"), "account.nps", "0"),
        (Decimal(35), "account.adoption", "35%"),
        (True, "account.strategic", "yes"),
        (False, "account.strategic", "no"),
        (date(2026, 1, 31), "account.renews_on", "2026-01-31"),
        (datetime(2026, 1, 31, 9, 0, 5, tzinfo=UTC), "account.last_touch_at", "2026-01-31 09:00 UTC"),
        ("", "account.plan", '""'),
        ("two\n  lines\t", "account.plan", "two lines"),
        ("x" * 61, "account.plan", "x" * 59 + "…"),
    ],
)
def test_show_is_readable(value: Value | None, path: str, words: str) -> None:
    """Every value is put as a person would write it, on one line."""
    assert show(value, BUILT_IN.get(path)) == words


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("account.open_tickets", "open tickets"),
        ("account.last_touch_at", "last touch"),
        ("contact.last_touch_at", "contact last touch"),
        ("subscription.renews_on", "subscription renews on"),
    ],
)
def test_label_names_the_kind_only_where_needed(path: str, words: str) -> None:
    """The account goes without saying; other subjects are named."""
    assert label(BUILT_IN.get(path)) == words


def test_lists_and_days_read_as_sentences() -> None:
    """Lists end in a word, and days count one as one."""
    assert [show_list(list("abc"[:size])) for size in range(4)] == ["", "a", "a or b", "a, b or c"]
    assert [show_days_ahead(each) for each in (2, 1, 0, -1, -2)] == [
        "in 2 days", "in 1 day", "today", "1 day ago", "2 days ago",
    ]  # fmt: skip
