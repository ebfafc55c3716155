"""Whether a connector may be tried: not while the way there is blocked, and then one entry first. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.outcome import Outcome, Retry

OUTAGE = 2
"""After this many tries in a row that found the way blocked, a connector rests."""
FIRST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Circuit:
    """What a deliverer knows of the way to one connector."""

    blocked: int = 0
    """Tries in a row that found it blocked."""
    rests_until: datetime | None = None
    is_probing: bool = False
    """Whether the one entry that finds out is under way."""

    def allows(self, wanted: int, now: datetime) -> int:
        """How many of `wanted` entries may be tried at `now`."""
        if self.rests_until is None:
            return wanted
        if now < self.rests_until or self.is_probing:
            return 0
        return min(wanted, 1)

    def probing(self, now: datetime) -> "Circuit":
        """As an entry is about to be tried."""
        rested = self.rests_until is not None and now >= self.rests_until
        return replace(self, is_probing=True) if rested else self

    def released(self) -> "Circuit":
        """As the entry that was to find out turned out not to be tried."""
        return replace(self, is_probing=False)

    def after(self, outcome: Outcome, now: datetime) -> "Circuit":
        """As a try has ended. The rest doubles each time that the way is still blocked, up to ten minutes."""
        if not (isinstance(outcome, Retry) and outcome.is_outage):
            return Circuit()
        blocked = self.blocked + 1
        if blocked < OUTAGE:
            return Circuit(blocked)
        rest = min(FIRST_REST * 2 ** min(blocked - OUTAGE, 10), LONGEST_REST)
        return Circuit(blocked, now + rest)
