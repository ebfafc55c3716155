"""What a condition can see: one subject at one instant."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from engine.conditions.catalogue import Field, Value
from engine.conditions.feed import Feed
from engine.conditions.tree import Derived, Predicate, Stream


@dataclass(frozen=True, slots=True)
class Held:
    """A value that a field had."""

    value: Decimal
    ended_at: datetime | None
    """When another took its place, or none; None while it lasts."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a counted or summed number is known to be: it lies between two, which are mostly the same."""

    low: Decimal | None
    """None when nothing bounds it from below."""
    high: Decimal | None
    """None when nothing bounds it from above."""
    changes_at: datetime | None = None
    """The earliest instant after now at which time alone could change who counts."""
    awaits: tuple[tuple[str, datetime], ...] = ()
    """The sources for which it waits to be known who counts, each with the watermark that it has to reach."""

    @property
    def exact(self) -> Decimal | None:
        """The number; None where it is known only to lie between two."""
        return self.low if self.low == self.high else None


@dataclass(frozen=True, slots=True)
class Mark:
    """An event that counts, or may, and what it adds to a sum."""

    at: datetime
    is_sure: bool
    amount: Decimal | None
    """None when it is missing."""


class View(Protocol):
    """One subject, its account and, within a run, its steps, as known at `now`."""

    @property
    def now(self) -> datetime:
        """The instant of judgement, in UTC."""

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""

    def value(self, field: Field) -> Value | None:
        """The field's value, or None when it is missing or stale."""

    @property
    def started_at(self) -> datetime | None:
        """When the run started; None outside a run."""

    def extent(self, derived: Derived) -> Extent:
        """What the count or sum over the account's is known to be."""

    def is_latched(self, predicate: Predicate) -> bool | None:
        """Whether a threshold with recovery is latched; a function of the field's history alone."""

    def extreme(self, predicate: Predicate) -> Held | None:
        """The highest value held at any time within the window of `drops_by`, the lowest of `rises_by`.

        The present one is among them; None when that is missing. Of equal ones the last.
        """

    def last_change(self, predicate: Predicate) -> datetime | None:
        """When the field last changed as the predicate wants it; None when it did not within its window."""

    def event_times(self, stream: Stream, *, surely: bool = True) -> list[datetime]:
        """When those of the account's events happened, oldest first, as far back as any rule asks.

        Those that count, or with `surely` false also those of which it is unknown whether they do.
        """

    def last_event(self, stream: Stream, *, surely: bool = True) -> datetime | None:
        """When the newest of them happened."""

    def marks(self, stream: Stream) -> list[Mark]:
        """What those that count, or may, add to a sum, oldest first, as far back as any rule asks."""

    def feeds(self, predicate: Predicate) -> tuple[Feed, ...]:
        """The sources that lag and feed the field the predicate asks about, or the events."""

    def keeping(self, field: Field) -> tuple[Feed, ...]:
        """The sources that keep the field's values good, each seen up to when they go stale."""

    def known_since(self) -> datetime | None:
        """Since when the account has been there, where absence is asked about; None when it never was."""

    def step_state(self, step: str) -> str | None:
        """`waiting`, `open`, `done`, `skipped` or `cancelled`; None outside a run."""

    def step_outcome(self, step: str) -> str | None:
        """The outcome a person chose for the step's task."""
