"""One pass over what changed and what time made due.

Decides outside the write lock, passes every opening through the guard, then commits in short
transactions that recheck what was read. A pass cut short is taken up by the next: accounts it had
committed are no longer due, the others still are.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from engine.admit.guard import Batch, Opening, guard
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind
from engine.conditions.feed import Feeds
from engine.fold.account import AccountFold
from engine.fold.case import Folded, Passed, Record
from engine.fold.needs import needs
from engine.fold.recent import Arrival, recent_states
from engine.fold.world import LivePlaybook, World
from engine.health.model import GIVEN
from engine.ledger.commit import Standing, commit_shard
from engine.ledger.record import read_records
from engine.match.matcher import Matcher
from engine.rulebook import INSTANT_AFTER, Library, decides, go_live, is_current, live_set, named_conditions
from engine.rulefile.model import Playbook
from engine.settings import Settings
from engine.state import tables
from engine.state.book import Start
from engine.state.book_reader import BookReader
from engine.state.bulk import insert_rows
from engine.state.census import take_census
from engine.state.database import reading, writing
from engine.state.feeds import reached_accounts, read_feeds
from engine.state.healths import given_health
from engine.state.history import chunked
from engine.state.upsert import upsert
from engine.worlds import build_world

_LOG = logging.getLogger(__name__)
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]
_TICK: Any = tables.Tick.__table__  # type: ignore[attr-defined]
_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_HOLD: Any = tables.Hold.__table__  # type: ignore[attr-defined]


SHARD = 500
"""Accounts read, folded and committed together."""
_ROUNDS = 20


class TickInThePastError(ValueError):
    """A tick at {at} was asked for, but one at {last} has already decided; time only moves forward."""

    def __init__(self, at: datetime, last: datetime) -> None:
        super().__init__(
            f"the last tick was at {format_instant(last)}, so none can be made at {format_instant(at)}; "
            "time only moves forward"
        )


@dataclass
class TickReport:
    """What one pass did."""

    at: datetime
    accounts: int = 0
    starts: int = 0
    held: int = 0
    tasks: int = 0
    messages: int = 0
    ended: int = 0
    seconds: float = 0.0
    incidents: list[str] = field(default_factory=list)
    """Of matching."""
    circles: list[str] = field(default_factory=list)
    """Of playbooks that kept changing an account, each because of another."""
    passed: set[Passed] = field(default_factory=set)
    """The places of rule files that did something."""

    def add(self, fold: Folded) -> None:
        """Count what was committed of one account."""
        self.accounts += 1
        self.starts += sum(each.answer == "started" for each in fold.decisions)
        self.held += sum(each.answer == "owed: held" for each in fold.decisions)
        self.ended += sum(each.answer.startswith("ended") for each in fold.decisions)
        self.tasks += sum(each.answer == "task" for each in fold.decisions)
        self.messages += len(fold.messages)
        self.passed |= fold.passed
        self.circles += fold.incidents


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
            return next(reached_accounts(connection, self.settings.feeding(), at), None) is not None

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
                playbooks = [each.playbook for each in world.live] + _pinned(connection, self.library)
                earliest = passed or _earliest(world, due, at)
                feeds = read_feeds(connection, self.settings.feeding(), earliest)
            self._load(world.live, report)
            one = _Pass(self, world, playbooks, feeds, at, passed, report, due)
            if not one.run():
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
            *sorted(
                reached_accounts(connection, self.settings.feeding(), at), key=lambda row: row.account_id
            ),
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


def _earliest(world: World, due: Mapping[str, Standing], at: datetime) -> datetime:
    """No fold of the first tick begins before this."""
    evaluated = [each.evaluated_to for each in due.values() if each.evaluated_to is not None]
    return min([at, *(each.changed_at for each in world.live), *evaluated])


def _pinned(connection: Connection, library: Library) -> list[Playbook]:
    """The versions that open runs follow; what they read is loaded as well."""
    query = select(_RUN.c.version).where(_RUN.c.state == "open").distinct()
    return [library.playbook(version) for version in connection.scalars(query)]


@dataclass
class _Pass:
    """One round over the due accounts with one live set."""

    ticker: Ticker
    world: World
    playbooks: Sequence[Playbook]
    feeds: Feeds
    at: datetime
    passed: datetime | None
    report: TickReport
    due: Mapping[str, Standing]
    waiting: dict[str, Folded] = field(default_factory=dict)
    """Folds with openings: the guard must see them all before any is written."""
    conflicts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        catalogue = self.ticker.library.catalogue
        wanted = needs(list(self.playbooks), self.world.health)
        self._reader = BookReader(catalogue, wanted, self.feeds)

    def run(self) -> bool:
        """Fold and commit. True when something moved meanwhile and another round is wanted."""
        for chunk in chunked(self.due, SHARD):
            folds = self._fold(chunk, {})
            self.waiting.update((each.account_id, each) for each in folds if each.openings)
            self._commit([each for each in folds if not each.openings], ())
        batches = self._hold()
        for chunk in chunked(self.waiting, SHARD):
            self._commit([self.waiting[account_id] for account_id in chunk], batches)
        return bool(self.conflicts)

    def _hold(self) -> list[Batch]:
        """Ask the guard until its answer no longer changes what would start."""
        stopped: dict[str, str] = {}
        while True:
            openings = [each for fold in self.waiting.values() for each in fold.openings]
            earlier, known = self._earlier([each.at for each in openings])
            batches = guard(openings, self._guards(), earlier, known, self._subjects(openings))
            wanted = {episode: batch.id for batch in batches for episode in batch.episodes}
            owners = {each.episode_id: each.account_id for each in openings}
            moved = {owners[each] for each in wanted.keys() ^ stopped.keys() if each in owners}
            if not moved:
                return batches
            stopped = wanted
            for chunk in chunked(sorted(moved), SHARD):
                self.waiting.update((each.account_id, each) for each in self._fold(chunk, stopped))

    def _guards(self) -> dict[str, Any]:
        return {each.playbook.name: each.playbook.guard for each in self.world.live}

    def _subjects(self, openings: Sequence[Opening]) -> Callable[[str, datetime], int]:
        """How many subjects a playbook had at an instant, where its guard limits a share of them."""
        shared = {
            each.playbook.name: each.playbook for each in self.world.live if each.playbook.guard.max_share
        }
        asked: dict[Kind, list[datetime]] = {}
        for each in openings:
            playbook = shared.get(each.playbook)
            if playbook is not None:
                asked.setdefault(playbook.subject, []).append(each.at - playbook.guard.within)
        with reading(self.ticker.database) as connection:
            counted = {kind: take_census(connection, kind, instants) for kind, instants in asked.items()}
        return lambda name, at: counted[shared[name].subject].size(at)

    def _earlier(
        self, instants: list[datetime]
    ) -> tuple[dict[str, list[datetime]], dict[tuple[str, datetime], bool]]:
        """When each playbook's openings before this pass were: runs the guard let start, and held ones.

        With them the holds by playbook and instant, and whether each is still held.
        """
        if not instants:
            return {}, {}
        widest = max((each.playbook.guard.within for each in self.world.live), default=timedelta(0))
        since = min(instants) - widest
        found: dict[str, list[datetime]] = {}
        known: dict[tuple[str, datetime], bool] = {}
        with reading(self.ticker.database) as connection:
            runs = select(_RUN.c.playbook, _RUN.c.started_at).where(
                _RUN.c.playbook.in_(list(self._guards())), _RUN.c.started_at > since, _RUN.c.hold_id.is_(None)
            )
            for name, started_at in connection.execute(runs):
                found.setdefault(name, []).append(started_at)
            holds = select(_HOLD.c.playbook, _HOLD.c.at, _HOLD.c.size, _HOLD.c.state).where(
                _HOLD.c.at > since
            )
            for name, held_at, size, state in connection.execute(holds):
                found.setdefault(name, []).extend([held_at] * size)
                known[name, held_at] = state == "held"
        return found, known

    def _fold(self, account_ids: Sequence[str], stopped: Mapping[str, str]) -> list[Folded]:
        starts = {each: self._start(self.due[each]) for each in account_ids}
        with reading(self.ticker.database) as connection:
            dossiers = self._reader.read(connection, starts, late_at=self.at)
            records = read_records(connection, account_ids)
            self._take_up(connection, starts, records)
            young = recent_states(
                connection, self.ticker.library.catalogue, self.world, dossiers, self._arrivals(starts)
            )
        folds = [
            AccountFold(
                self.world,
                dossiers[each],
                records[each],
                self.at,
                is_new=self.due[each].evaluated_to is None,
                stopped=stopped,
                young=young.get(each),
            ).run()
            for each in account_ids
        ]
        questions = [question for fold in folds for question in fold.questions]
        if questions:
            self.report.incidents.extend(self.ticker.matcher.confirm(questions))
        return folds

    def _take_up(
        self, connection: Connection, starts: Mapping[str, Start], records: Mapping[str, Record]
    ) -> None:
        """Let accounts whose health is about to be computed keep what sources said of it before."""
        live = self.world.health
        if live is None:
            return
        first = [each for each, start in starts.items() if live.changed_at >= start.since]
        given = given_health(connection, first, live.changed_at) if first else {}
        for each in first:
            records[each].takes_up = {GIVEN.name: given.get(each)}

    def _start(self, standing: Standing) -> Start:
        """Nothing is due between an account's last evaluation and the last tick, so its fold begins there."""
        if standing.evaluated_to is None:
            return Start(self.passed or min((each.changed_at for each in self.world.live), default=self.at))
        return Start(max(standing.evaluated_to, self.passed or standing.evaluated_to), takes_late=True)

    def _arrivals(self, starts: Mapping[str, Start]) -> Iterator[Arrival]:
        """Where a playbook with `existing: {since: …}` takes stock in this pass."""
        for live in self.world.live:
            if live.playbook.existing.mode != "since":
                continue
            for account_id, start in starts.items():
                if live.changed_at > start.since:
                    yield Arrival(account_id, live, live.changed_at)
                elif self.due[account_id].evaluated_to is None:
                    yield Arrival(account_id, live, start.since)

    def _commit(self, folds: Sequence[Folded], batches: Iterable[Batch]) -> None:
        if not folds:
            return
        with writing(self.ticker.database) as connection:
            committed = commit_shard(
                connection, folds, self.due, self.at, self.ticker.library.catalogue, batches
            )
        self.conflicts |= committed.conflicts
        for each in folds:
            if each.account_id not in committed.conflicts:
                self.report.add(each)
