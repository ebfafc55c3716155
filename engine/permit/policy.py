"""What the settings say about who may be written to and how often, as the delivery asks it."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from engine.email_settings import Cap, Email
from engine.permit.arbiter import Bound, Bounds, Kind


@dataclass(frozen=True)
class Policy:
    """Bounds, and the topics to which they do not apply."""

    bounds: Bounds = field(default_factory=dict)
    transactional: tuple[str, ...] = ()

    @cached_property
    def longest(self) -> dict[Kind, timedelta]:
        """By kind, how far the bounds look back; kinds without one are missing."""
        return {kind: max(each.window for each in found) for kind, found in self.bounds.items() if found}

    def most(self, kind: Kind) -> int:
        """The largest number of emails that any bound of a kind lets go."""
        return max((each.most for each in self.bounds.get(kind, ())), default=0)


FREE = Policy()
"""No bounds at all."""


def policy_of(email: Email) -> Policy:
    """The policy of the settings."""
    caps = email.caps
    bounds: Bounds = {"person": _bounds(caps.person), "account": _bounds(caps.account)}
    return Policy(bounds, email.transactional)


def _bounds(caps: tuple[Cap, ...]) -> tuple[Bound, ...]:
    return tuple(Bound(each.max, each.window, each.per) for each in caps)
