"""Durations as playbooks write them."""

from datetime import timedelta

import pytest

from engine.clock.durations import Duration, parse_duration


@pytest.mark.parametrize(
    ("text", "amount", "unit", "elapsed"),
    [
        ("15min", 15, "min", timedelta(minutes=15)),
        ("4h", 4, "h", timedelta(hours=4)),
        ("0d", 0, "d", timedelta(0)),
        (" 30d ", 30, "d", timedelta(days=30)),
        ("2w", 2, "w", timedelta(weeks=2)),
    ],
)
def test_duration_is_a_number_and_a_unit(text: str, amount: int, unit: str, elapsed: timedelta) -> None:
    """And is written back as it was read."""
    found = parse_duration(text)
    assert (found.amount, found.unit, found.elapsed) == (amount, unit, elapsed)
    assert parse_duration(str(found)) == found


def test_business_days_have_no_fixed_length() -> None:
    """They need a calendar."""
    assert parse_duration("2bd").is_business
    with pytest.raises(ValueError, match="2bd counts business days and has no fixed length"):
        _ = Duration(2, "bd").elapsed


@pytest.mark.parametrize(
    "text", ["", "3", "d", "3 d", "-1d", "1.5h", "3m", "3D", "1000000d", "1d2h", "٣d\n1"]
)
def test_anything_else_is_refused_with_the_accepted_forms(text: str) -> None:
    """A number without a unit is the commonest mistake."""
    with pytest.raises(ValueError, match="is not a duration; write a number and a unit"):
        parse_duration(text)
