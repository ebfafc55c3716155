"""What follows one try."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown
from engine.outbox.retry import LONGEST_WAIT, OnUnknown, RetryDecision, backoff, decide

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("outcome", "attempts", "on_unknown", "expected"),
    [
        (Delivered("250 ok"), 1, "stop", RetryDecision("completed", "delivered", receipt="250 ok")),
        (Failed("550 no"), 1, "stop", RetryDecision("discarded", "failed", error="550 no")),
        (Retry("busy"), 1, "stop", RetryDecision("retryable", "retry", NOW + MINUTE, error="busy")),
        (Retry("busy"), 2, "stop", RetryDecision("retryable", "retry", NOW + 4 * MINUTE, error="busy")),
        (Retry("busy"), 7, "stop", RetryDecision("retryable", "retry", NOW + LONGEST_WAIT, error="busy")),
        (
            Retry("busy"),
            8,
            "stop",
            RetryDecision("discarded", "retry", error="given up after 8 tries: busy"),
        ),
        (
            Retry("busy", timedelta(hours=2)),
            1,
            "stop",
            RetryDecision("retryable", "retry", NOW + timedelta(hours=2, minutes=12), error="busy"),
        ),
        (
            Retry("busy", timedelta(0)),
            1,
            "stop",
            RetryDecision("retryable", "retry", NOW + timedelta(seconds=5), error="busy"),
        ),
        (Unknown("cut"), 1, "stop", RetryDecision("unknown", "unknown", error="cut")),
        (Unknown("cut"), 1, "retry", RetryDecision("retryable", "unknown", NOW + MINUTE, error="cut")),
        (Unknown("cut"), 8, "retry", RetryDecision("unknown", "unknown", error="cut")),
    ],
)
def test_decide(outcome: Outcome, attempts: int, on_unknown: OnUnknown, expected: RetryDecision) -> None:
    """Every outcome, first and last try, both policies."""
    found = decide(outcome, attempts=attempts, max_attempts=8, now=NOW, on_unknown=on_unknown, jitter=1.0)
    assert found == expected


@pytest.mark.parametrize("attempts", [0, 1, 2, 5, 50, 10_000])
def test_backoff_stays_within_its_bounds(attempts: int) -> None:
    """Jitter takes at most a quarter off, and nothing overflows."""
    longest, shortest = backoff(attempts, 1.0), backoff(attempts, 0.0)
    assert MINUTE <= longest <= LONGEST_WAIT
    assert shortest == longest * 0.75
