"""Whether a connector may be tried: not while the way there is blocked, and then one entry first. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.outcome import Outcome, Retry, Unknown

OUTAGE = 2
"""After this many tries in a row that found the way blocked, a connector rests."""
FIRST_REST = timedelta(seconds=30)
SHORTEST_REST = timedelta(seconds=1)
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

    def probing(self) -> "Circuit":
        """As the entry that finds out is about to be tried."""
        return replace(self, is_probing=True)

    def released(self) -> "Circuit":
        """As the entry that was to find out turned out not to be tried."""
        return replace(self, is_probing=False)

    def after(self, outcome: Outcome, now: datetime) -> "Circuit":
        """As a try has ended. The rest doubles each time that the way is still blocked, up to ten minutes.

        Where the other side said how long to stay away, that is the rest. A try that had begun before a rest
        says nothing new when it finds the way blocked.
        """
        if not _is_blocked(outcome):
            return Circuit()
        if self.rests_until is not None and not self.is_probing:
            return self
        asked = outcome.after if isinstance(outcome, Retry) else None
        if asked is not None:
            return Circuit(self.blocked, now + min(max(asked, SHORTEST_REST), LONGEST_REST))
        blocked = self.blocked + 1
        if blocked < OUTAGE:
            return Circuit(blocked)
        rest = min(FIRST_REST * 2 ** min(blocked - OUTAGE, 10), LONGEST_REST)
        return Circuit(blocked, now + rest)


def _is_blocked(outcome: Outcome) -> bool:
    """Whether it says nothing of the message but much of the way: the next would come no further."""
    return isinstance(outcome, Unknown) or (isinstance(outcome, Retry) and outcome.is_outage)
