"""What follows one try: delivered, again later, given up, or left undecided. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from connectors.outcome import Delivered, Failed, Outcome, Retry, Unknown

FIRST_WAIT = timedelta(minutes=1)
GROWTH = 4
LONGEST_WAIT = timedelta(hours=6)
"""Eight tries at these figures reach over about seventeen hours."""

OnUnknown = Literal["retry", "stop"]


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """What becomes of an outbox row, and of its attempt."""

    state: Literal["completed", "retryable", "unknown", "discarded"]
    result: Literal["delivered", "retry", "unknown", "failed"]
    available_at: datetime | None = None
    """When to try again, where the state is `retryable`."""
    error: str | None = None
    receipt: str | None = None


def decide(
    outcome: Outcome,
    *,
    attempts: int,
    max_attempts: int,
    now: datetime,
    on_unknown: OnUnknown,
    jitter: float,
) -> RetryDecision:
    """What follows `outcome` of try number `attempts`. `jitter` lies between 0 and 1."""
    match outcome:
        case Delivered(receipt):
            return RetryDecision("completed", "delivered", receipt=receipt)
        case Failed(reason):
            return RetryDecision("discarded", "failed", error=reason)
        case Retry(reason) if attempts >= max_attempts:
            return RetryDecision("discarded", "retry", error=f"given up after {attempts} tries: {reason}")
        case Retry(reason, after):
            at = now + (_asked(after, jitter) if after is not None else backoff(attempts, jitter))
            return RetryDecision("retryable", "retry", at, error=reason)
        case Unknown(reason) if on_unknown == "retry" and attempts < max_attempts:
            return RetryDecision("retryable", "unknown", now + backoff(attempts, jitter), error=reason)
        case Unknown(reason):
            return RetryDecision("unknown", "unknown", error=reason)


def backoff(attempts: int, jitter: float) -> timedelta:
    """The wait after try number `attempts`: four times as long each time, up to six hours.

    A quarter of it is spread by `jitter`, so that what failed together does not come back together.
    """
    growth: int = GROWTH ** min(max(attempts - 1, 0), 16)
    return min(FIRST_WAIT * growth, LONGEST_WAIT) * (0.75 + 0.25 * jitter)


def _asked(after: timedelta, jitter: float) -> timedelta:
    """At least what the other side asked for, and up to a tenth or five seconds more."""
    return after + max(after * 0.1, timedelta(seconds=5)) * jitter
