"""The chain of one field's changes: what an intake adds to it, and what that repairs."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest

EVER = datetime.min.replace(tzinfo=UTC)
"""Before anything was known."""


@dataclass(frozen=True, slots=True)
class Link:
    """One assertion of a field's value, in its text form. `id` is None until it is stored."""

    value: str | None
    effective_at: datetime
    recorded_at: datetime
    id: int | None = None
    old: str | None = None
    superseded: bool = False
    """It moves nothing: it came late, or repeats what an earlier insertion already says."""
    insists: bool = False
    """Whether it is written even where it says what is known already."""
    in_turn: bool = False
    """Whether it stays beside a later one of the same times: an instant may have both."""
    source: str | None = None
    """Who says so, where that is not the source of the whole intake."""

    @property
    def applies_at(self) -> datetime:
        """From when on a decision may know it."""
        return self.effective_at if self.effective_at > self.recorded_at else self.recorded_at


@dataclass(frozen=True, slots=True)
class Folded:
    """A chain after an intake."""

    written: tuple[Link, ...]
    """The new links that say something new, in the order of application."""
    repaired: tuple[Link, ...]
    """The stored links whose `old` or `superseded` an insertion before them has changed."""
    value: str | None
    """The field's value after every link, those that apply in the future included."""


NOTHING_NEW = Folded((), (), None)
"""What an intake comes to that only repeats what was said."""


def fold(links: Iterable[Link], start: str | None = None, since: datetime = EVER) -> Folded:
    """Apply stored and new links in the order (applies_at, effective_at, stored before new).

    `start` is the value known before the first of them and `since` the instant from which it is known
    to be so; no link may be effective before that. A new link that equals the value at its effective
    time, as known when it applies, is left out unless it insists: the same intake twice writes once. Of
    new links with the same times the last one given counts, and those that say what was so in turn.
    """
    value, newest = start, since
    times, values = [since], [start]
    written: list[Link] = []
    repaired: list[Link] = []
    for link in _in_order(links):
        place = bisect_right(times, link.effective_at)
        is_late = link.effective_at < newest
        old = values[place - 1] if is_late else value
        if link.id is None and link.value == old and not link.insists:
            continue
        placed = _placed(link, old, is_late or link.value == old)
        times.insert(place, link.effective_at)
        values.insert(place, link.value)
        if not is_late:
            value, newest = link.value, link.effective_at
        if link.id is None:
            written.append(placed)
        elif placed is not link:
            repaired.append(placed)
    return Folded(tuple(written), tuple(repaired), value)


def _in_order(links: Iterable[Link]) -> list[Link]:
    ordered = sorted(links, key=_order)
    if len(ordered) == 1:
        return ordered
    return [
        link
        for link, successor in zip_longest(ordered, ordered[1:])
        if successor is None or link.id is not None or link.in_turn or _order(link) != _order(successor)
    ]


def _order(link: Link) -> tuple[datetime, datetime, bool, int]:
    return link.applies_at, link.effective_at, link.id is None, link.id or 0


def _placed(link: Link, old: str | None, superseded: bool) -> Link:
    if (link.old, link.superseded) == (old, superseded):
        return link
    return replace(link, old=old, superseded=superseded)
