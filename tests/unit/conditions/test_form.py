"""Values as the matching engine's whole numbers and plain words."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.conditions.catalogue import Value
from engine.conditions.form import LIMIT, Check, Form, OutsideEnvelope, constant_of, fact_of, text_token


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (Decimal("35.5"), 35_500_000),
        (Decimal("-0.000001"), -1),
        (True, 1),
        (False, 0),
        (date(1970, 1, 2), 1),
        (date(1969, 12, 31), -1),
        (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), 1_000_000),
        (None, None),
        (Decimal("999999999999"), LIMIT),
        (datetime(1, 1, 1, tzinfo=UTC), -LIMIT),
        ("high_touch", "high_touch"),
    ],
)
def test_fact_is_a_whole_number_or_a_word(value: Value | None, fact: int | str | None) -> None:
    """Every value has a fixed place on the scale of its type, clamped to what is exact."""
    found = fact_of(value)
    assert found == fact
    assert type(found) is type(fact)


@pytest.mark.parametrize(
    "text", ["", " x", "x ", 'a"b', "a\\b", "a\nb", "\x01", "é", "日本", "😀", "x" * 5000, "4"]
)
def test_unusual_text_becomes_a_plain_token(text: str) -> None:
    """Text with anything but a short ASCII word in it is named by its hash."""
    token = text_token(text)
    assert token.isascii()
    assert len(token) == 65
    assert token != text_token(text + "x")


@pytest.mark.parametrize("value", [Decimal("0.0000001"), Decimal("9007199254.740991"), Decimal("-1e12")])
def test_constant_outside_exact_numbers_is_refused(value: Decimal) -> None:
    """A constant that facts cannot reach exactly is left to the reference."""
    with pytest.raises(OutsideEnvelope):
        constant_of(value)


def test_inverse_is_true_where_the_form_is_false() -> None:
    """Negation turns every comparison around and swaps all with any."""
    form = Form("all", (Check(">=", 1), Check("<", 5), Check("==", 3)))
    assert form.inverse == Form("any", (Check("<", 1), Check(">=", 5), Check("!=", 3)))
    assert form.inverse.inverse == form
