"""What an HTTP answer means, whatever stands in it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.answer import Answer, outcome_of
from connectors.outcome import Delivered, Failed, Retry, Unknown
from connectors.route import secrets_of, web_address

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
_PLACES = ["Mon, 02 Mar {} 09:{}:00 {}", "{}", "-{}", "{} {}", "Mar {}"]


def after(text: str) -> timedelta | None:
    """How long an answer asks us to stay away."""
    return Answer(429, {"retry-after": text}, b"").wait(NOW)


@given(st.text() | st.builds(str.format, st.sampled_from(_PLACES), *[st.from_regex(r"[-+0-9A-Z]*")] * 3))
def test_wait_takes_any_text(text: str) -> None:
    """Between nothing and a day, or not at all."""
    found = after(text)
    assert found is None or timedelta(0) <= found <= DAY


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), (" 30 ", 30), ("000000000030", 30), ("86401", 86400), ("9" * 9, 86400), ("9" * 9999, 86400)],
)
def test_wait_counts_seconds(text: str, seconds: int) -> None:
    """However many there are, a day is the most."""
    assert after(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("codes", "kinds"),
    [
        (range(100, 200), (Unknown,)),
        (range(200, 300), (Delivered,)),
        (range(300, 400), (Failed,)),
        (range(400, 500), (Failed, Retry)),
        (range(500, 1000), (Retry,)),
    ],
)
def test_outcome_goes_by_the_class_of_a_status(codes: range, kinds: tuple[type, ...]) -> None:
    """Defined or not, only 2xx counts as taken, and what is not final goes again."""
    for code in codes:
        assert isinstance(outcome_of("it", Answer(code, {}, b""), NOW), kinds), code


@pytest.mark.parametrize(
    "said",
    [
        "https://u:pAss1@hooks.example/services/T1/sEcReT?key=kEy%201",
        "/services/T1/sEcReT",
        r"no hook at \/services\/T1\/sEcReT",
        "sEcReT is not known",
        "the key kEy%201 or kEy 1",
        "pAss1",
    ],
)
def test_words_repeat_no_part_of_the_address(said: str) -> None:
    """Whole, in pieces, and as it is meant."""
    url = web_address("https://u:pAss1@hooks.example/services/T1/sEcReT?key=kEy%201")
    words = Answer(404, {}, said.encode(), secrets_of(url)).words
    assert not any(each in words for each in ("sEcReT", "kEy", "pAss1"))
    assert "***" in words
