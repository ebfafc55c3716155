"""An account with everything under it, as it was known at an instant, and the inputs that came after."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from engine.conditions.catalogue import Kind, Value
from engine.conditions.feed import NO_FEEDS, Feeds
from engine.conditions.properties import Properties
from engine.conditions.tree import Derived, Stream
from engine.conditions.view import Extent
from engine.state.flow import Flow, Reach

EXISTS = "exists"
"""The field whose change from nothing to `true` is a subject's creation."""

Subjects: TypeAlias = dict[str, dict[str, Value]]
"""Values by subject id and field name; a missing field is absent."""


@dataclass(frozen=True, slots=True, order=True)
class Past:
    """A value from an instant on; None when it was missing then."""

    effective_at: datetime
    applies_at: datetime
    order: int
    value: Value | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class ChangeInput:
    """One field changing its value."""

    at: datetime
    """When the fold sees it."""
    effective_at: datetime
    order: int
    kind: Kind
    subject_id: str
    field: str
    old: Value | None
    new: Value | None
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class EventInput:
    """One event."""

    at: datetime
    effective_at: datetime
    id: str
    name: str
    subject_id: str | None
    properties: Properties = None
    """What it carries, where a rule asks about that."""


DataInput: TypeAlias = ChangeInput | EventInput


@dataclass(slots=True)
class Book:
    """One account's subjects and latest events at one instant. The fold moves it forward in place."""

    account_id: str
    subjects: dict[Kind, Subjects]
    last_events: dict[str, datetime] = field(default_factory=dict)
    event_times: dict[str, list[datetime]] = field(default_factory=dict)
    """By name, oldest first: for events of which a rule asks how many there were."""
    flows: dict[Stream, Flow] = field(default_factory=dict)
    """For events of which a rule asks by what they carry."""
    histories: dict[tuple[str, str], list[tuple[datetime, Decimal]]] = field(default_factory=dict)
    """By (subject, field): past values in effective order, for thresholds with recovery."""
    courses: dict[tuple[Kind, str, str], list[Past]] = field(default_factory=dict)
    """By kind, subject and field, in effective order: for fields of which a rule asks what they were."""
    feeds: Feeds = NO_FEEDS
    """How far the sources have been seen on which absence rests."""
    known_since: datetime | None = None
    """Since when the account has been there; read only where absence rests on a source."""
    extents: dict[tuple[Derived, datetime | None], Extent] = field(default_factory=dict)
    """Counts and sums by what they are and the start of the run that asks, as they are at `extents_of`."""
    extents_of: datetime | None = None

    def happen(self, name: str, at: datetime, properties: Properties) -> None:
        """Take in an event."""
        known = self.last_events.get(name)
        self.last_events[name] = max(known or at, at)
        insort(self.event_times.setdefault(name, []), at)
        for flow in self.flows.values():
            if flow.stream.name == name:
                flow.add(at, properties)

    def extents_at(self, instant: datetime) -> dict[tuple[Derived, datetime | None], Extent]:
        """Where the counts and sums of an instant are kept; those of another are let go."""
        if self.extents_of != instant:
            self.extents, self.extents_of = {}, instant
        return self.extents

    def moved(self) -> None:
        """Let go of what followed from values that have changed since."""
        self.extents_of = None

    @property
    def account(self) -> dict[str, Value]:
        """The account's own values; empty before it exists."""
        return self.subjects[Kind.ACCOUNT].get(self.account_id, {})

    def ids(self, kind: Kind) -> list[str]:
        """The subjects of one kind, in a fixed order."""
        return sorted(self.subjects[kind])


@dataclass(slots=True)
class Dossier:
    """What a fold of one account starts from."""

    book: Book
    since: datetime
    """The instant `book` shows; inputs follow it."""
    inputs: list[DataInput]


@dataclass(frozen=True, slots=True)
class Start:
    """From where an account is to be folded."""

    since: datetime
    takes_late: bool = False
    """Whether what came in after the last evaluation but applies before `since` is still to be folded."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stood when it was read. Any difference at the commit is a conflict."""

    revision: int
    evaluated_to: datetime | None


@dataclass(frozen=True)
class Needs:
    """What a set of playbooks reads, so that nothing else is loaded."""

    kinds: frozenset[Kind]
    events: frozenset[str]
    latched: Mapping[tuple[Kind, str], tuple[Decimal, Decimal]] = field(default_factory=dict)
    """Fields under a threshold with recovery, and the band between the two where the past decides."""
    courses: Mapping[tuple[Kind, str], timedelta] = field(default_factory=dict)
    """Fields whose past values count, and for how long."""
    lives: frozenset[tuple[Kind, str]] = frozenset()
    """Fields of which, when they change, it counts what they ever were."""
    counted: Mapping[str, timedelta] = field(default_factory=dict)
    """Events that are counted, and over the last how long."""
    counted_in_runs: frozenset[str] = frozenset()
    """Events that are counted from the start of a run."""
    flows: Mapping[Stream, Reach] = field(default_factory=dict)
    """Events of which it is asked by what they carry."""
    carried: frozenset[str] = frozenset()
    """The names of events of which it matters what they carry."""
    moved: frozenset[tuple[Kind, str]] = frozenset()
    """Fields that a fold itself may move, without an input that says so."""
