"""One pass over what changed and what time made due.

Decides outside the write lock, passes every opening through the guard, then commits in short
transactions that recheck what was read. A pass cut short is taken up by the next: accounts it had
committed are no longer due, the others still are.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from engine.admit.pauses import wake_resumed
from engine.clock.zones import format_instant
from engine.fold.needs import needs
from engine.fold.world import LivePlaybook
from engine.judging import Round, TickReport, earliest_start
from engine.ledger.stored import StoredLedger
from engine.match.matcher import Matcher
from engine.rulebook import (
    INSTANT_AFTER,
    Library,
    decides,
    followed,
    go_live,
    is_current,
    live_set,
    named_conditions,
)
from engine.settings import Settings
from engine.state import tables
from engine.state.book import Standing
from engine.state.bulk import insert_rows
from engine.state.database import reading, writing
from engine.state.feeds import reached_accounts, read_feeds
from engine.state.upsert import upsert
from engine.worlds import build_world

_LOG = logging.getLogger(__name__)
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]
_TICK: Any = tables.Tick.__table__  # type: ignore[attr-defined]


_ROUNDS = 20


class TickInThePastError(ValueError):
    """A tick at {at} was asked for, but one at {last} has already decided; time only moves forward."""

    def __init__(self, at: datetime, last: datetime) -> None:
        super().__init__(
            f"the last tick was at {format_instant(last)}, so none can be made at {format_instant(at)}; "
            "time only moves forward"
        )


@dataclass
class Ticker:
    """Makes passes. Not for use from two threads at once; two processes on one database are safe."""

    database: Engine
    settings: Settings
    library: Library
    matcher: Matcher
    _loaded: tuple[str, ...] | None = None

    def tick(self, at: datetime) -> TickReport:
        """Decide everything that inputs and time have made due by `at`.

        Raises TickInThePastError when a later tick has already decided.
        """
        began = perf_counter()
        report = TickReport(at)
        passed = last_tick(self.database)
        with reading(self.database) as connection:
            has_set = decides(connection, self.library)
            current = is_current(connection, self.library)
        if passed is not None and at < passed:
            raise TickInThePastError(at, passed)
        wake_resumed(self.database, passed, at)
        complete = True
        if has_set or current:
            complete = self._evaluate(at, passed, report)
        if not current and complete:
            switch = at + INSTANT_AFTER if has_set else at
            with writing(self.database) as connection:
                go_live(connection, self.library, switch)
            complete = self._evaluate(switch, passed, report)
        report.seconds = perf_counter() - began
        self._finish(report, complete=complete)
        return report

    def is_due(self, at: datetime) -> bool:
        """Whether a tick at `at` would have anything to look at."""
        with reading(self.database) as connection:
            found = connection.execute(select(_WATCH.c.account_id).where(_WATCH.c.due_at <= at).limit(1))
            if found.first() is not None:
                return True
            return next(reached_accounts(connection, at), None) is not None

    def _finish(self, report: TickReport, *, complete: bool) -> None:
        """Write the tick's row; unfinished where accounts were left, so that the next starts before it."""
        counts = {
            name: getattr(report, name)
            for name in ("accounts", "starts", "held", "tasks", "messages", "ended", "seconds")
        }
        finished_at = report.at if complete else None
        with writing(self.database) as connection:
            values = {"schedule": "main", "at": report.at, "finished_at": finished_at, **counts}
            upsert(connection, _TICK, [values], by=("schedule", "at"))
            told = [("matching", each) for each in report.incidents]
            told += [("circle", each) for each in report.circles]
            rows = [{"at": report.at, "category": category, "message": each} for category, each in told]
            insert_rows(connection, tables.Incident.__table__, rows)  # type: ignore[attr-defined]

    def _evaluate(self, at: datetime, passed: datetime | None, report: TickReport) -> bool:
        """Judge until nothing is due. False when accounts kept changing and some are left."""
        for _ in range(_ROUNDS):
            with reading(self.database) as connection:
                due = self._due(connection, at)
                if not due:
                    return True
                world = build_world(connection, self.library, live_set(connection, self.library))
                playbooks = [each.playbook for each in world.live] + followed(connection, self.library)
                earliest = passed or earliest_start(world, due, at)
                feeds = read_feeds(connection, earliest)
            self._load(world.live, report)
            wanted = needs(playbooks, world.health)
            ledger = StoredLedger(self.database, self.settings, self.library.catalogue, wanted, feeds)
            if not Round(ledger, world, self.matcher.confirm, at, passed, report, due).run():
                return True
        _LOG.warning("accounts kept changing while they were judged; the next tick goes on")
        return False

    def _due(self, connection: Connection, at: datetime) -> dict[str, Standing]:
        """The accounts to look at; those with something new before those that only time or a rule asks for.

        After them come those that waited for a source which has got far enough.
        """
        has_something_new = _WATCH.c.evaluated_revision != _WATCH.c.revision
        query = select(_WATCH.c.account_id, _WATCH.c.revision, _WATCH.c.evaluated_to)
        query = query.where(_WATCH.c.due_at <= at).order_by(has_something_new.desc(), _WATCH.c.account_id)
        rows = [
            *connection.execute(query),
            *sorted(reached_accounts(connection, at), key=lambda row: row.account_id),
        ]
        return {row.account_id: Standing(row.revision, row.evaluated_to) for row in rows}

    def _load(self, live: tuple[LivePlaybook, ...], report: TickReport) -> None:
        versions = tuple(each.playbook.version for each in live)
        if versions != self._loaded:
            report.incidents.extend(self.matcher.load(named_conditions(live)))
            self._loaded = versions


def last_tick(database: Engine) -> datetime | None:
    """When the last finished tick decided."""
    with reading(database) as connection:
        return connection.scalar(select(func.max(_TICK.c.at)).where(_TICK.c.finished_at.is_not(None)))


def next_decision(database: Engine, now: datetime) -> datetime:
    """From when on what a person asks for now can count: now, or the last tick where that was made ahead."""
    return max(now, last_tick(database) or now)
