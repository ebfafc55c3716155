"""Events told apart by what they carry."""

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from engine.conditions.properties import Properties, counts, property_value
from engine.conditions.tree import Stream
from engine.conditions.view import Mark


@dataclass(slots=True)
class Flow:
    """What has happened of the events of one stream, oldest first."""

    stream: Stream
    surely: list[datetime] = field(default_factory=list)
    """When those happened that count."""
    maybe: list[datetime] = field(default_factory=list)
    """When those happened that count, or of which that is unknown."""
    marks: list[Mark] = field(default_factory=list)
    """What each adds, where they are summed."""

    def add(self, at: datetime, properties: Properties) -> None:
        """Take in an event of the stream's name, unless it is none of the stream."""
        is_meant = counts(self.stream.where, properties)
        if is_meant is False:
            return
        insort(self.maybe, at)
        if is_meant:
            insort(self.surely, at)
        summed = self.stream.summed
        if summed is not None:
            amount = property_value(summed, properties)
            mark = Mark(at, bool(is_meant), amount if isinstance(amount, Decimal) else None)
            insort(self.marks, mark, key=lambda each: each.at)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far back the events of a stream are asked about."""

    span: timedelta = timedelta(0)
    in_runs: bool = False
    """Whether also from the start of a run."""
    is_newest: bool = False
    """Whether also the newest that counts, however old, and those since."""

    def __or__(self, other: "Reach") -> "Reach":
        return Reach(
            max(self.span, other.span), self.in_runs or other.in_runs, self.is_newest or other.is_newest
        )
