"""Input and its reception as values: entries, events, rejections and the report on an intake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.conditions.catalogue import Kind, Value


@dataclass(frozen=True, slots=True)
class Entry:
    """What a source says about one subject at one time: some of its fields, by bare name.

    An account's id is its `account_id`; a metric's id is `ACCOUNT:NAME` and its one field `value`. A value of
    None says that the field is missing; a field left out is not spoken of.
    """

    kind: Kind
    id: str
    account_id: str
    values: Mapping[str, Value | None]
    effective_at: datetime
    recorded_at: datetime
    source: str | None = None
    """Who says so, where that is not the source of the whole intake."""

    @property
    def applies_at(self) -> datetime:
        """From when on a decision may know it."""
        return max(self.effective_at, self.recorded_at)


SOURCE_BOOK = "source:"
"""Before a source's name, it stands in place of an account. No account may have an id that begins so."""


def source_book(name: str) -> str:
    """What stands for the account of a source."""
    return SOURCE_BOOK + name


@dataclass(frozen=True, slots=True)
class EventEntry:
    """Something that happened at an account, once; `id` is the source's own."""

    id: str
    account_id: str
    name: str
    occurred_at: datetime
    recorded_at: datetime
    subject_id: str | None = None
    properties: Mapping[str, Any] | None = None

    @property
    def applies_at(self) -> datetime:
        """From when on a decision may know it."""
        return max(self.occurred_at, self.recorded_at)


@dataclass(frozen=True, slots=True)
class Rejection:
    """An entry or event that was not taken in."""

    of: str
    """`entry` or `event`: which of the two inputs `index` counts in."""
    index: int
    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    """Subjects of one kind by what became of them."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def plus(self, other: "Count") -> "Count":
        """Both together."""
        return Count(
            self.created + other.created, self.changed + other.changed, self.unchanged + other.unchanged
        )


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an intake did. Subjects are counted once each, however many entries spoke of them."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    changes: int = 0
    """Rows of history written."""
    events: int = 0
    repeated: int = 0
    """Events that were known already."""
    accounts: frozenset[str] = frozenset()
    """Accounts for which something is new."""
    kinds: Mapping[Kind, Count] = field(default_factory=dict)
    rejected: tuple[Rejection, ...] = ()
