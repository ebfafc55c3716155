"""The states that playbooks wait for: who is judged again, and when time alone asks for it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.conditions.evaluate import awaited, earliest_boundary
from engine.conditions.tree import Predicate
from engine.fold import starts
from engine.fold.case import Case
from engine.fold.intake import Touched
from engine.fold.world import LivePlaybook, moved_by_time


@dataclass(slots=True)
class _Watcher:
    """One (playbook, subject) pair and when time alone could change its verdict."""

    live: LivePlaybook
    subject_id: str
    timed: tuple[Predicate, ...]
    """The predicates whose answer time alone can change."""
    boundary: datetime | None = None


class Watchers:
    """The states of one account's subjects."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._watchers: dict[tuple[str, str], _Watcher] = {}

    def watch(self, live: LivePlaybook, subject_id: str) -> None:
        """Look out for the state of a playbook that has one."""
        place = (live.playbook.name, subject_id)
        if live.condition is not None and place not in self._watchers:
            self._watchers[place] = _Watcher(live, subject_id, moved_by_time(live, self._case.book.feeds))
            self._look_ahead(self._watchers[place])

    def judge_touched(self, touched: Touched, level: int, without: frozenset[str]) -> None:
        """Judge those of a level whose answer the inputs may have changed, but not of playbooks `without`."""

        def is_touched(watcher: _Watcher) -> bool:
            is_new = (watcher.live.playbook.subject, watcher.subject_id) in touched.created
            reads = watcher.live.touched_by
            return touched.zone_moved or is_new or reads.meets(touched.fields, touched.events)

        self._judge(is_touched, level, without)

    def cross_boundaries(self, level: int, *, feeds_move: bool) -> None:
        """Judge those of a level that time alone moves: their answers, and how long they have held.

        `feeds_move` says that a source has got further now, or that the settings say something else of the
        sources, which may settle what was unknown.
        """
        case = self._case

        def is_due(watcher: _Watcher) -> bool:
            is_fed = feeds_move and bool(watcher.timed)
            return is_fed or (watcher.boundary is not None and watcher.boundary <= case.now)

        self._judge(is_due, level)
        for (name, subject_id), episode in sorted(case.states.items(), key=lambda each: each[0]):
            live = case.world.by_name.get(name)
            waits = episode.state == "pending" or episode.lapsed_at is not None
            if waits and live is not None and case.world.level_of(name) == level:
                starts.judge(case, live, subject_id)

    def take_stock(self, live: LivePlaybook, young: Mapping[str, datetime] | None) -> None:
        """Let a playbook that goes live now take what exists as it declares."""
        case = self._case
        for watcher in list(self._watchers.values()):
            if watcher.live is live and (live.playbook.name, watcher.subject_id) in case.states:
                starts.judge(case, live, watcher.subject_id)
        if live.condition is not None:
            starts.take_as_existing(case, live, young)

    def instants(self) -> Iterator[datetime]:
        """When time alone could change an answer."""
        for watcher in self._watchers.values():
            if watcher.boundary is not None:
                yield watcher.boundary

    def awaited(self) -> Iterator[tuple[str, datetime]]:
        """The sources that answers wait for, each with the watermark that it has to reach."""
        for watcher in self._watchers.values():
            view = self._case.view(watcher.live.playbook.subject, watcher.subject_id)
            yield from awaited(watcher.timed, view)

    def _judge(
        self, is_wanted: Callable[[_Watcher], bool], level: int, without: frozenset[str] = frozenset()
    ) -> None:
        """Judge the wanted watchers of a level whose playbook has gone live, and look ahead from here."""
        case = self._case
        for watcher in list(self._watchers.values()):
            if case.world.level_of(watcher.live.playbook.name) == level and is_wanted(watcher):
                is_live = max(watcher.live.live_since, watcher.live.changed_at) <= case.now
                if is_live and watcher.live.playbook.name not in without:
                    starts.judge(case, watcher.live, watcher.subject_id)
                self._look_ahead(watcher)

    def _look_ahead(self, watcher: _Watcher) -> None:
        live = watcher.live
        if watcher.timed:
            view = self._case.view(live.playbook.subject, watcher.subject_id)
            watcher.boundary = earliest_boundary(watcher.timed, view)
