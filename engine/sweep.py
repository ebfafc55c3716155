"""The sweep: what ticks have come to step by step, compared with a full evaluation. It decides nothing."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, or_, select

from engine.fold.standing_check import differences
from engine.fold.world import needs
from engine.ledger.commit import Standing
from engine.ledger.record import read_records
from engine.rulebook import Library, live_set
from engine.state import tables
from engine.state.book import Start
from engine.state.book_reader import BookReader
from engine.state.bulk import insert_rows
from engine.state.database import reading, writing
from engine.tick import last_tick
from engine.worlds import build_world

_LOG = logging.getLogger(__name__)
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]

SLICE = 500
"""Accounts read and compared together, so that nothing else waits for long."""
_MOST_WRITTEN = 100


@dataclass
class SweepReport:
    """What one sweep found."""

    at: datetime | None
    """The tick whose answers were compared; None before the first."""
    accounts: int = 0
    differences: list[str] = field(default_factory=list)


def sweep(database: Engine, library: Library) -> SweepReport:
    """Compare every settled account with what its state comes to, and keep differences as incidents.

    Accounts with something to be folded are left to the next tick. What that writes meanwhile does not count.
    """
    report = SweepReport(last_tick(database))
    after = ""
    while report.at is not None and (standing := _settled(database, report.at, after)):
        found = _compare(database, library, report.at, standing)
        report.accounts += len(standing)
        after = max(standing)
        if found:
            unmoved = _settled(database, report.at, "", only=list(found))
            for account_id in sorted(found):
                if unmoved.get(account_id) == standing[account_id]:
                    report.differences += [f"account {account_id}: {each}" for each in found[account_id]]
    if report.at is not None and report.differences:
        _keep(database, report.at, report.differences)
    return report


def _settled(
    database: Engine, at: datetime, after: str, only: Sequence[str] | None = None
) -> dict[str, Standing]:
    """The next accounts in which nothing is left to be folded."""
    query = select(_WATCH.c.account_id, _WATCH.c.revision, _WATCH.c.evaluated_to).where(
        _WATCH.c.account_id > after,
        _WATCH.c.evaluated_to.is_not(None),
        _WATCH.c.evaluated_revision == _WATCH.c.revision,
        or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > at),
    )
    if only is not None:
        query = query.where(_WATCH.c.account_id.in_(only))
    with reading(database) as connection:
        rows = connection.execute(query.order_by(_WATCH.c.account_id).limit(SLICE))
        return {row.account_id: Standing(row.revision, row.evaluated_to) for row in rows}


def _compare(
    database: Engine, library: Library, at: datetime, standing: Mapping[str, Standing]
) -> dict[str, list[str]]:
    """What differs, by account."""
    starts = {
        account_id: Start(max(at, each.evaluated_to or at), takes_late=True)
        for account_id, each in standing.items()
    }
    with reading(database) as connection:
        world = build_world(connection, library, live_set(connection, library))
        reader = BookReader(library.catalogue, needs([each.playbook for each in world.live]))
        dossiers = reader.read(connection, starts, late_at=at)
        records = read_records(connection, list(starts))
    found = {each: list(differences(world, dossiers[each], records[each])) for each in starts}
    return {account_id: each for account_id, each in found.items() if each}


def _keep(database: Engine, at: datetime, found: Sequence[str]) -> None:
    rows = [{"at": at, "category": "sweep", "message": each} for each in found[:_MOST_WRITTEN]]
    with writing(database) as connection:
        insert_rows(connection, tables.Incident.__table__, rows)  # type: ignore[attr-defined]
    for each in found[:_MOST_WRITTEN]:
        _LOG.warning("sweep: %s", each)
