"""The ledger in the database, for rounds of a running service."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, select

from engine.admit.guard import Batch
from engine.conditions.catalogue import Catalogue, Kind
from engine.conditions.feed import Feeds
from engine.fold.case import Folded, Record
from engine.judging import Before
from engine.ledger.commit import commit_shard
from engine.ledger.record import read_records
from engine.settings import Settings
from engine.state import tables
from engine.state.book import Dossier, Needs, Standing, Start
from engine.state.book_reader import BookReader
from engine.state.census import Census, take_census
from engine.state.database import reading, writing
from engine.state.feeds import read_feeds_by
from engine.state.healths import given_health

_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_HOLD: Any = tables.Hold.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class StoredLedger:
    """Implements `judging.Ledger` over a database, for one round."""

    database: Engine
    settings: Settings
    catalogue: Catalogue
    needs: Needs
    feeds: Feeds
    """How far the sources that lag were seen when the earliest account starts."""

    @contextmanager
    def reading(self) -> "Iterator[StoredReading]":
        """A read transaction."""
        with reading(self.database) as connection:
            yield StoredReading(self, connection)

    def commit(
        self, folds: Sequence[Folded], due: Mapping[str, Standing], at: datetime, holds: Iterable[Batch]
    ) -> frozenset[str]:
        """One write transaction, which rechecks what was read."""
        with writing(self.database) as connection:
            return commit_shard(connection, folds, due, at, self.catalogue, holds).conflicts


@dataclass(frozen=True)
class StoredReading:
    """Implements `judging.Reading` in one transaction."""

    ledger: StoredLedger
    connection: Connection

    def dossiers(self, starts: Mapping[str, Start], late_at: datetime) -> dict[str, Dossier]:
        """Read by column, many accounts at a time."""
        reader = BookReader(self.ledger.catalogue, self.ledger.needs, self.ledger.feeds)
        return reader.read(self.connection, starts, late_at=late_at)

    def early(
        self, needs: Needs, since: datetime, starts: Mapping[str, Start], late_at: datetime
    ) -> dict[str, Dossier]:
        """The same from `since` on, as far as sources were seen then, by the settings of `late_at`."""
        feeds = read_feeds_by(self.connection, late_at, since)
        reader = BookReader(self.ledger.catalogue, needs, feeds)
        return reader.read(self.connection, starts, late_at=late_at)

    def records(self, account_ids: Sequence[str]) -> dict[str, Record]:
        """See `read_records`."""
        return read_records(self.connection, account_ids)

    def given_health(self, account_ids: Sequence[str], at: datetime) -> Mapping[str, Decimal]:
        """See `engine.state.healths`."""
        return given_health(self.connection, account_ids, at)

    def census(self, kind: Kind, instants: Sequence[datetime]) -> Census:
        """See `take_census`."""
        return take_census(self.connection, kind, instants)

    def before(self, playbooks: Sequence[str], since: datetime) -> Before:
        """Runs the guard let start, and what it held."""
        found: dict[str, list[datetime]] = {}
        known: dict[tuple[str, datetime], bool] = {}
        runs = select(_RUN.c.playbook, _RUN.c.started_at).where(
            _RUN.c.playbook.in_(playbooks), _RUN.c.started_at > since, _RUN.c.hold_id.is_(None)
        )
        for name, started_at in self.connection.execute(runs):
            found.setdefault(name, []).append(started_at)
        holds = select(_HOLD.c.playbook, _HOLD.c.at, _HOLD.c.size, _HOLD.c.state).where(_HOLD.c.at > since)
        for name, held_at, size, state in self.connection.execute(holds):
            found.setdefault(name, []).extend([held_at] * size)
            known[name, held_at] = state == "held"
        return Before(found, known)
