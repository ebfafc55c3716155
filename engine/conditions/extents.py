"""Counting and summing over what an account has, as a view shows it at the instant of judgement.

This is no query at the time of a tick: that would give the values of the tick, while a fold judges every
instant since the last one, and its answers must not depend on when ticks happen. The members are loaded by
column with the account; a count is found from them once for an instant, for all rules that ask for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from engine.conditions.derived import times_within
from engine.conditions.evaluate import awaited, evaluate, next_boundary
from engine.conditions.tree import Derived, predicates
from engine.conditions.view import Extent, View

_UNBOUNDED = Extent(None, None)


@dataclass(slots=True)
class _Sum:
    """What has been added so far: the least and the most that it can be."""

    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    is_open: bool = False
    """Whether an amount that may belong to it is missing, so that nothing bounds it."""
    changes_at: datetime | None = None
    awaits: list[tuple[str, datetime]] = field(default_factory=list)

    def add(self, verdict: bool | None, amount: Decimal | None) -> None:
        """Add a member that counts, or may count (None)."""
        if verdict is False:
            return
        if amount is None:
            self.is_open = True
            return
        self.low += amount if verdict else min(amount, Decimal(0))
        self.high += amount if verdict else max(amount, Decimal(0))

    def may_change(self, instant: datetime | None) -> None:
        """Note an instant at which time alone may let a member count, or no longer."""
        if instant is not None:
            self.changes_at = min(instant, self.changes_at or instant)

    @property
    def extent(self) -> Extent:
        """What the number is known to be."""
        if self.is_open:
            return Extent(None, None, self.changes_at, tuple(self.awaits))
        return Extent(self.low, self.high, self.changes_at, tuple(self.awaits))


def extent_of(derived: Derived, view: View, members: Iterable[View]) -> Extent:
    """What the count or sum is known to be at `view`; `members` are what the account has of its kind.

    A member of which it is unknown whether it counts widens the extent by what it would add. One that counts,
    or may, with a missing amount leaves a sum without bounds. Of nothing, count and sum are 0.
    """
    if derived.event is not None:
        return _of_events(derived, view)
    total = _Sum()
    for member in members:
        verdict: bool | None = True
        if derived.where is not None:
            verdict = evaluate(derived.where, member)
            if verdict is None:
                total.awaits += awaited(predicates(derived.where), member)
            total.may_change(next_boundary(derived.where, member))
        total.add(verdict, _amount(derived, member))
    return total.extent


def _amount(derived: Derived, member: View) -> Decimal | None:
    """What one that counts adds."""
    if derived.summed is None:
        return Decimal(1)
    value = member.value(derived.summed)
    return value if isinstance(value, Decimal) else None


def _of_events(derived: Derived, view: View) -> Extent:
    """How many events count."""
    assert derived.event is not None
    if derived.window is None and view.started_at is None:
        return _UNBOUNDED
    count = Decimal(len(times_within(derived, view)))
    return Extent(count, count)
