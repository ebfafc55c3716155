"""One round over the accounts that are due: fold them, ask the guard, and hand on what was decided.

Where accounts are read and where decisions go is a `Ledger`: the database of a running service, or the memory
in which a test of a playbook is played.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from engine.admit.guard import Batch, Opening, guard
from engine.conditions.catalogue import Kind
from engine.fold.account import AccountFold
from engine.fold.case import Folded, Passed, Record
from engine.fold.recent import Arrival, recent_states
from engine.fold.world import World
from engine.health.model import GIVEN
from engine.match.question import Question
from engine.rulefile.model import Guard
from engine.state.book import Dossier, Needs, Standing, Start
from engine.state.census import Census
from engine.state.history import chunked

SHARD = 500
"""Accounts read, folded and committed together."""


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


@dataclass(frozen=True)
class Before:
    """What the guard has to know of the time before a round."""

    openings: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    """By playbook, when runs started that no hold stopped, and when openings were held."""
    holds: Mapping[tuple[str, datetime], bool] = field(default_factory=dict)
    """The holds by playbook and instant, and whether each is still held."""


class Reading(Protocol):
    """One consistent view of a ledger."""

    def dossiers(self, starts: Mapping[str, Start], late_at: datetime) -> dict[str, Dossier]:
        """Each account as it stood at its start, with the inputs since, as the live playbooks need them."""

    def early(
        self, needs: Needs, since: datetime, starts: Mapping[str, Start], late_at: datetime
    ) -> dict[str, Dossier]:
        """The same for starts at `since`, long before, and for other needs."""

    def records(self, account_ids: Sequence[str]) -> dict[str, Record]:
        """What is written about each account."""

    def given_health(self, account_ids: Sequence[str], at: datetime) -> Mapping[str, Decimal]:
        """What sources last said of the health of each account, where they did, as known at `at`."""

    def before(self, playbooks: Sequence[str], since: datetime) -> Before:
        """What of these playbooks opened after `since`."""

    def census(self, kind: Kind, instants: Sequence[datetime]) -> Census:
        """How many subjects of a kind there were at these instants, of which there is at least one."""


class Ledger(Protocol):
    """Where a round reads accounts and writes what it decides."""

    def reading(self) -> AbstractContextManager[Reading]:
        """A view that does not move while it is open."""

    def commit(
        self, folds: Sequence[Folded], due: Mapping[str, Standing], at: datetime, holds: Iterable[Batch]
    ) -> frozenset[str]:
        """Write the folds, and return the accounts left out because they took something in meanwhile."""


@dataclass
class Round:
    """One round over the due accounts with one live set."""

    ledger: Ledger
    world: World
    confirm: Callable[[Sequence[Question]], Iterable[str]]
    """Has verdicts confirmed; returns incidents."""
    at: datetime
    passed: datetime | None
    """When the last tick decided."""
    report: TickReport
    due: Mapping[str, Standing]
    waiting: dict[str, Folded] = field(default_factory=dict)
    """Folds with openings: the guard must see them all before any is written."""
    conflicts: set[str] = field(default_factory=set)

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
            before = self._before([each.at for each in openings])
            batches = guard(openings, self._guards(), before.openings, before.holds, self._subjects(openings))
            wanted = {episode: batch.id for batch in batches for episode in batch.episodes}
            owners = {each.episode_id: each.account_id for each in openings}
            moved = {owners[each] for each in wanted.keys() ^ stopped.keys() if each in owners}
            if not moved:
                return batches
            stopped = wanted
            for chunk in chunked(sorted(moved), SHARD):
                self.waiting.update((each.account_id, each) for each in self._fold(chunk, stopped))

    def _guards(self) -> dict[str, Guard]:
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
        if not asked:
            return lambda name, at: 0
        with self.ledger.reading() as view:
            counted = {kind: view.census(kind, instants) for kind, instants in asked.items()}
        return lambda name, at: counted[shared[name].subject].size(at)

    def _before(self, instants: Sequence[datetime]) -> Before:
        if not instants:
            return Before()
        widest = max((each.playbook.guard.within for each in self.world.live), default=timedelta(0))
        with self.ledger.reading() as view:
            return view.before(list(self._guards()), min(instants) - widest)

    def _fold(self, account_ids: Sequence[str], stopped: Mapping[str, str]) -> list[Folded]:
        starts = {each: self._start(self.due[each]) for each in account_ids}
        with self.ledger.reading() as view:
            dossiers = view.dossiers(starts, self.at)
            records = view.records(account_ids)
            self._take_up(view, starts, records)
            young = recent_states(view.early, self.world, dossiers, self._arrivals(starts))
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
            self.report.incidents.extend(self.confirm(questions))
        return folds

    def _take_up(self, view: Reading, starts: Mapping[str, Start], records: Mapping[str, Record]) -> None:
        """Let accounts whose health is about to be computed keep what sources said of it before."""
        live = self.world.health
        if live is None:
            return
        first = [each for each, start in starts.items() if live.changed_at >= start.since]
        given = view.given_health(first, live.changed_at) if first else {}
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
        conflicts = self.ledger.commit(folds, self.due, self.at, batches)
        self.conflicts |= conflicts
        for each in folds:
            if each.account_id not in conflicts:
                self.report.add(each)


def earliest_start(world: World, due: Mapping[str, Standing], at: datetime) -> datetime:
    """No fold of the first tick begins before this."""
    evaluated = [each.evaluated_to for each in due.values() if each.evaluated_to is not None]
    return min([at, *(each.changed_at for each in world.live), *evaluated])
