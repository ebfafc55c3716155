"""What a replay knows and has decided: the rows that the database would have, by account."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.admit.pause import Pause
from engine.admit.silence import Silence
from engine.clock.zones import parse_instant
from engine.conditions.catalogue import Kind
from engine.conditions.feed import Advance
from engine.episodes.episode import Episode
from engine.health.score import KeptScore
from engine.runs.run import Decision, Run, Step, Task
from engine.state.book import Standing
from engine.state.chain import Link
from engine.state.entries import source_book

Row = dict[str, Any]
"""Values by column."""


@dataclass(slots=True)
class Change:
    """One row of `change`."""

    id: int
    account_id: str
    kind: str
    subject_id: str
    field: str
    old: str | None
    new: str | None
    effective_at: datetime
    recorded_at: datetime
    applies_at: datetime
    superseded: bool
    revision: int
    source: str

    @property
    def link(self) -> Link:
        """The change as part of its field's chain."""
        return Link(
            self.new,
            self.effective_at,
            self.recorded_at,
            self.id,
            self.old,
            self.superseded,
            source=self.source,
        )


@dataclass(slots=True)
class Happening:
    """One row of `event`."""

    id: str
    account_id: str
    name: str
    subject_id: str | None
    properties: dict[str, Any] | None
    occurred_at: datetime
    recorded_at: datetime
    applies_at: datetime
    revision: int


@dataclass(slots=True)
class Held:
    """One row of `hold`."""

    id: str
    playbook: str
    at: datetime
    size: int
    reason: str
    state: str
    released_at: datetime | None = None
    released_by: str | None = None


@dataclass(slots=True)
class Account:
    """Everything about one account, or about one source, which is kept under `source:NAME`."""

    id: str
    revision: int = 0
    evaluated_revision: int = 0
    evaluated_to: datetime | None = None
    due_at: datetime | None = None
    waits: dict[str, datetime] = field(default_factory=dict)
    """The watermarks by source that answers wait for."""
    subjects: dict[Kind, dict[str, Row]] = field(default_factory=lambda: {kind: {} for kind in Kind})
    changes: list[Change] = field(default_factory=list)
    """In the order in which they were taken in."""
    events: list[Happening] = field(default_factory=list)
    episodes: dict[str, Episode] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    messages: dict[str, Row] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    scores: dict[datetime, KeptScore] = field(default_factory=dict)

    @property
    def standing(self) -> Standing:
        """Where the account stands."""
        return Standing(self.revision, self.evaluated_to)

    def wake(self, at: datetime) -> None:
        """Count an intake, and have the account looked at from `at` on."""
        self.revision += 1
        self.due_at = at if self.due_at is None else min(at, self.due_at)


@dataclass
class Memory:
    """All accounts, and what is not of one account alone."""

    accounts: dict[str, Account] = field(default_factory=dict)
    owners: dict[tuple[Kind, str], str] = field(default_factory=dict)
    """The account of each subject."""
    event_ids: set[str] = field(default_factory=set)
    holds: dict[str, Held] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    """In the order in which they were written."""
    changes: int = 0
    """How many there are."""
    pauses: list[Pause] = field(default_factory=list)
    """In the order of their beginnings."""

    def row(self, kind: Kind, subject_id: str) -> Row | None:
        """The current row of a subject."""
        owner = self.owners.get((kind, subject_id))
        return None if owner is None else self.accounts[owner].subjects[kind][subject_id]

    def due(self, at: datetime) -> dict[str, Standing]:
        """The accounts to look at: those whose time has come, then those whose wait for a source is over."""
        names = sorted(self.accounts)
        asked = [each for each in names if self._is_asked_for(self.accounts[each], at)]
        reached = [each for each in names if self._is_reached(self.accounts[each], at)]
        return {each: self.accounts[each].standing for each in [*asked, *reached]}

    def next_due(self) -> datetime | None:
        """The earliest instant at which an account asks for a look."""
        found = (each.due_at for each in self.accounts.values() if each.due_at is not None)
        return min(found, default=None)

    def _is_asked_for(self, account: Account, at: datetime) -> bool:
        return account.due_at is not None and account.due_at <= at

    def _is_reached(self, account: Account, at: datetime) -> bool:
        for source, until in account.waits.items():
            newest = self._newest_mark(source, at)
            if newest is not None and until <= newest.watermark:
                return True
        return False

    def advances(self, source: str, since: datetime) -> Iterator[Advance]:
        """How far the source had been seen at `since`, and how it went on from there."""
        newest = self._newest_mark(source, since)
        if newest is not None:
            yield newest
        for each in self._marks(source):
            if each.applies_at > since:
                yield _advance(each)

    def _newest_mark(self, source: str, at: datetime) -> Advance | None:
        known = (each for each in self._marks(source) if each.applies_at <= at)
        newest = max(known, key=lambda each: (each.applies_at, each.id), default=None)
        return None if newest is None else _advance(newest)

    def _marks(self, source: str) -> Iterator[Change]:
        book = self.accounts.get(source_book(source))
        for each in book.changes if book is not None else ():
            if (each.kind, each.field) == (Kind.SOURCE, "watermark") and each.new is not None:
                yield each


def _advance(change: Change) -> Advance:
    assert change.new is not None
    return Advance(change.applies_at, parse_instant(change.new))
