"""Counting and summing over what an account has, as a view shows it at the instant of judgement.

This is no query at the time of a tick: that would give the values of the tick, while a fold judges every
instant since the last one, and its answers must not depend on when ticks happen. The members are loaded by
column with the account; a count is found from them once for an instant, for all rules that ask for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from engine.conditions.derived import Total, number_within, part_of
from engine.conditions.evaluate import awaited, evaluate, next_boundary
from engine.conditions.feed import FOREVER, Feed
from engine.conditions.tree import Derived, predicates
from engine.conditions.view import Extent, View


@dataclass(slots=True)
class _Sum:
    """What has been added so far, and what may change it."""

    total: Total = field(default_factory=Total)
    changes_at: datetime | None = None
    awaits: list[tuple[str, datetime]] = field(default_factory=list)

    def may_change(self, instant: datetime | None) -> None:
        """Note an instant at which time alone may let a member count, or no longer."""
        if instant is not None:
            self.changes_at = min(instant, self.changes_at or instant)

    def rest_on(self, feed: Feed, now: datetime) -> None:
        """Note when the source of an amount lets it go stale, or what it has to reach for it to be good."""
        self.may_change(feed.next_change(FOREVER, now))
        missing = feed.missing(FOREVER, now)
        if missing is not None:
            self.awaits.append((feed.source, missing))

    @property
    def extent(self) -> Extent:
        """What the number is known to be."""
        return replace(self.total.extent, changes_at=self.changes_at, awaits=tuple(self.awaits))


def extent_of(derived: Derived, view: View, members: Iterable[View]) -> Extent:
    """What the count or sum is known to be at `view`; `members` are what the account has of its kind.

    A member of which it is unknown whether it counts widens the extent by what it would add. One that counts,
    or may, with a missing amount leaves a sum without bounds. Of nothing, count and sum are 0.
    """
    if derived.event is not None:
        return number_within(derived, view)
    found = _Sum()
    for member in members:
        verdict: bool | None = True
        if derived.where is not None:
            verdict = evaluate(derived.where, member)
            if verdict is None:
                found.awaits += awaited(predicates(derived.where), member)
            found.may_change(next_boundary(derived.where, member))
        if verdict is False:
            continue
        for feed in member.keeping(derived.summed) if derived.summed is not None else ():
            found.rest_on(feed, member.now)
        found.total.add(part_of(None, bool(verdict), _amount(derived, member)))
    return found.extent


def _amount(derived: Derived, member: View) -> Decimal | None:
    """What one that counts adds."""
    if derived.summed is None:
        return Decimal(1)
    value = member.value(derived.summed)
    return value if isinstance(value, Decimal) else None
