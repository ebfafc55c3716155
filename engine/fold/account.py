"""One account, folded through its inputs and through the boundaries between them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby

from engine.conditions.catalogue import Kind, Value
from engine.conditions.tree import Condition
from engine.fold import course
from engine.fold.case import Case, Folded, Record
from engine.fold.course_end import complete_if_settled
from engine.fold.course_steps import rearrange, relocate
from engine.fold.course_triggers import moments_happen
from engine.fold.course_waits import awaited
from engine.fold.intake import NEVER, Touched, take_in
from engine.fold.moments import marks
from engine.fold.occurrences import occur
from engine.fold.openings import retry_owed
from engine.fold.rounds import Rounds
from engine.fold.scoring import Scoring
from engine.fold.standing import closings, take_up, turning_points
from engine.fold.view import Place
from engine.fold.watchers import Watchers
from engine.fold.world import LivePlaybook, World, is_moment
from engine.rulefile.model import OnTiming
from engine.runs.run import OpenRun
from engine.state.book import ChangeInput, DataInput, Dossier


class AccountFold:
    """Moves one account from where its dossier stands to `until`. Use once."""

    def __init__(
        self,
        world: World,
        dossier: Dossier,
        record: Record,
        until: datetime,
        *,
        is_new: bool = False,
        stopped: Mapping[str, str] | None = None,
        young: Mapping[str, dict[str, datetime]] | None = None,
    ) -> None:
        """`stopped` names the episodes the guard holds; `young` the recent states for `existing: since`.

        `is_new` marks an account never evaluated before: what it holds at the start counts as existing.
        """
        self._inputs = dossier.inputs
        self._position = 0
        self._young = young or {}
        self._since = dossier.since
        self._passed = NEVER
        self._case = Case(
            world, dossier.book, dossier.since, until, stopped or {}, record.releases, record.silences
        )
        self._scoring = Scoring(self._case, record.takes_up, is_new=is_new)
        if record.waits:
            dossier.book.feeds = dossier.book.feeds.late(record.waits, dossier.since, until)
        self._waited = dict(record.waits)
        self._switches = dossier.book.feeds.switches
        self._closings = closings(record, dossier.since, until)
        self._watchers = Watchers(self._case)
        self._rounds = Rounds(self._case)
        self._arrivals = self._go_lives(is_new)
        take_up(self._case, record)

    def _go_lives(self, is_new: bool) -> list[tuple[datetime, LivePlaybook]]:
        """When each playbook, new or changed since the last evaluation, takes stock of what exists."""
        found = []
        for live in self._case.world.live:
            if is_new and live.changed_at <= self._since:
                found.append((self._since, live))
            elif live.changed_at > self._since:
                found.append((live.changed_at, live))
        levels = self._case.world.level_of
        return sorted(found, key=lambda each: (each[0], levels(each[1].playbook.name), each[1].playbook.name))

    def run(self) -> Folded:
        """Fold, and return everything to be written."""
        case = self._case
        for kind in dict.fromkeys(live.playbook.subject for live in case.world.live):
            for subject_id in case.book.ids(kind):
                self._watch(kind, subject_id)
        self._pass(case.now)
        while (instant := self._next_instant()) is not None and instant <= case.until:
            case.now = instant
            self._pass(instant)
        return self._folded(instant)

    def _pass(self, instant: datetime) -> None:
        """Everything that happens at one instant: inputs, go-lives, boundaries, then what falls due."""
        case = self._case
        case.by_calendar = not self._is_input_at(instant)
        feeds = case.book.feeds
        self._feeds_move = bool(feeds) and feeds.move_at(instant)
        if self._feeds_move:
            case.book.feeds = feeds.without(instant)
        for batch in self._batches(instant):
            case.learned = min(batch[0].effective_at, instant)
            if self._apply(batch):
                self._come_to_rest()
        case.learned, case.book.feeds = None, feeds
        case.book.moved()
        if self._feeds_move:
            self._scoring.feeds_move()
        if self._scoring.is_due and self._apply([]):
            self._come_to_rest()
        self._close_tasks(instant)
        self._take_stock()
        self._come_to_rest()
        case.by_calendar = True
        self._cross_boundaries()
        self._come_to_rest()

    def _is_input_at(self, instant: datetime) -> bool:
        """Whether anything but time is the cause of what happens now."""
        waiting = [each.at for each in self._inputs[self._position : self._position + 1]]
        waiting += [at for at, _ in self._closings[:1]] + [at for at, _ in self._arrivals[:1]]
        passed, self._passed = self._passed, instant
        return any(at <= instant for at in waiting) or any(
            passed < at <= instant for at in self._lifted_by_people()
        )

    def _lifted_by_people(self) -> Iterator[datetime]:
        """When somebody released a hold, resumed a playbook, or ended a silence before its time."""
        yield from self._case.releases.values()
        ends = [each.ended_at for each in self._case.silences]
        ends += [each.ended_at for each in self._case.world.pauses]
        yield from (each for each in ends if each is not None and each >= self._since)

    def _batches(self, instant: datetime) -> Iterator[list[DataInput]]:
        """The inputs of this instant, those effective together in one batch."""
        ready = []
        while self._position < len(self._inputs) and self._inputs[self._position].at <= instant:
            ready.append(self._inputs[self._position])
            self._position += 1
        for _, batch in groupby(ready, key=lambda each: each.effective_at):
            yield list(batch)

    def _apply(self, batch: list[DataInput]) -> bool:
        """Move the book on. False when nothing that was touched matters to any playbook."""
        case = self._case
        touched = Touched()
        taken = take_in(case, batch, touched)
        taken += take_in(case, self._scoring.follow(touched.fields), touched)
        for kind, subject_id in sorted(touched.created):
            self._watch(kind, subject_id)
        if not touched.created and not self._matters(touched.fields, touched.events):
            return False
        self._rounds.touch(touched)
        for level in range(case.world.depth):
            self._moments(taken, touched.before, level)
            if level == 0:
                rearrange(case, {(kind.value, name) for kind, name in touched.fields})
                if touched.zone_moved:
                    relocate(case)
            self._watchers.judge_touched(touched, level, self._taking_stock())
        return True

    def _taking_stock(self) -> frozenset[str]:
        """The playbooks that go live at this very instant: what is so now, they find existing."""
        return frozenset(live.playbook.name for at, live in self._arrivals if at <= self._case.now)

    def _watch(self, kind: Kind, subject_id: str) -> None:
        """Look out for what starts the playbooks about this subject."""
        for live in self._case.world.live:
            if live.playbook.subject is kind:
                self._watchers.watch(live, subject_id)
                self._rounds.watch(live, subject_id)

    def _matters(self, fields: set[tuple[Kind, str]], events: set[str]) -> bool:
        """Whether any live playbook or open run reads what was touched."""
        world = self._case.world
        if world.live_reads.meets(fields, events):
            return True
        versions = {run.run.version for run in self._case.open.values()}
        return any(world.reads_of(world.pinned(each)).meets(fields, events) for each in versions)

    def _moments(self, batch: list[DataInput], before: dict[Place, Value | None], level: int) -> None:
        """The moments in a batch: those that runs wait for at the first level, and those that start runs."""
        case = self._case
        for item in batch:
            waiting = [
                (run, condition, len(found))
                for run in (list(case.open.values()) if level == 0 else ())
                for condition in _moment_conditions(case, run)
                if (found := marks(condition, item, before, run.run.kind, run.run.subject_id, case.book))
            ]
            for live in case.world.live:
                if case.world.level_of(live.playbook.name) == level:
                    self._occurrences(live, item, before)
            moments_happen(case, waiting)

    def _occurrences(self, live: LivePlaybook, item: DataInput, before: dict[Place, Value | None]) -> None:
        case, playbook = self._case, live.playbook
        if live.live_since > case.now:
            return
        for index, moment in enumerate(playbook.on):
            for subject_id in case.book.ids(playbook.subject):
                if playbook.subject is not Kind.ACCOUNT and _is_of_account(item):
                    continue
                found = marks(moment.predicate, item, before, playbook.subject, subject_id, case.book)
                for number, mark in enumerate(found):
                    if number:
                        self._come_to_rest()
                    occur(case, live, index, subject_id, item, before, mark)

    def _take_stock(self) -> None:
        """Let the playbooks that go live now take what exists as they declare."""
        case = self._case
        while self._arrivals and self._arrivals[0][0] <= case.now:
            _, live = self._arrivals.pop(0)
            self._watchers.take_stock(live, self._young.get(live.playbook.name))

    def _cross_boundaries(self) -> None:
        """What time alone moves. An owed start that mutes others goes before what is judged below it."""
        case = self._case
        for level in range(case.world.depth):
            self._watchers.cross_boundaries(level, feeds_move=self._feeds_move)
            self._rounds.come_round(level)
            if level + 1 < case.world.depth:
                retry_owed(case, level)

    def _close_tasks(self, instant: datetime) -> None:
        while self._closings and self._closings[0][0] <= instant:
            _, task = self._closings.pop(0)
            run = self._case.open.get(task.run_id)
            if run is not None:
                course.close_task(self._case, run, task)

    def _come_to_rest(self) -> None:
        """Repeat what one thing may cause in another until nothing moves at this instant."""
        case = self._case
        moving = True
        while moving:
            moving = False
            for run in sorted(case.open.values(), key=self._turn):
                if run.run.is_open:
                    course.judge(case, run)
                while run.run.is_open and course.act_due(case, run):
                    moving = True
                    self._take_in_unseen()
                moving |= run.run.is_open and course.escalate_due(case, run)
                moving |= run.run.is_open and complete_if_settled(case, run)
                moving |= not run.run.is_open
            moving |= retry_owed(case)
            moving |= self._take_in_unseen()

    def _take_in_unseen(self) -> bool:
        """Move the account by what playbooks have just brought about. True when there was anything."""
        case = self._case
        moved, learned = False, case.learned
        while case.unseen:
            moved, case.learned = True, case.now
            self._apply(case.unseen.pop(0))
        case.learned = learned
        return moved

    def _turn(self, run: OpenRun) -> tuple[int, str]:
        return self._case.world.level_of(run.run.playbook), run.run.id

    def _next_instant(self) -> datetime | None:
        """The earliest instant after now at which anything can happen."""
        later = [each for each in self._instants() if each > self._case.now]
        return min(later, default=None)

    def _instants(self) -> Iterator[datetime]:
        if self._position < len(self._inputs):
            yield self._inputs[self._position].at
        if self._closings:
            yield self._closings[0][0]
        for at, _ in self._arrivals:
            yield at
        yield from self._switches
        yield from self._scoring.instants()
        yield from self._watchers.instants()
        yield from self._rounds.instants()
        yield from turning_points(self._case)

    def _folded(self, due_at: datetime | None) -> Folded:
        case = self._case
        return Folded(
            case.book.account_id,
            due_at,
            list(case.changed_episodes.values()),
            list(case.changed_runs.values()),
            list(case.changed_steps.values()),
            list(case.changed_tasks.values()),
            case.messages,
            frozenset(case.silenced_runs),
            case.decisions,
            case.openings,
            case.questions,
            case.born,
            frozenset(case.passed),
            case.incidents,
            case.scores,
            self._waits(),
        )

    def _waits(self) -> Mapping[str, datetime] | None:
        """The sources that answers now wait for; None where that is as it was."""
        case = self._case
        if not case.book.feeds and not self._waited:
            return None
        case.now = case.until
        found: dict[str, datetime] = {}
        for source, until in [*self._watchers.awaited(), *awaited(case), *self._scoring.awaited()]:
            found[source] = min(until, found.get(source, until))
        return None if found == self._waited else found


def _is_of_account(item: DataInput) -> bool:
    """Whether it is an event of the account as a whole, which starts nothing for its contacts or terms."""
    return not isinstance(item, ChangeInput) and item.subject_id is None


def _moment_conditions(case: Case, run: OpenRun) -> list[Condition]:
    """The moments that steps and exits of a run wait for, each once."""
    playbook = case.world.pinned(run.run.version)
    wanted = [spec.timing.condition for spec in playbook.steps if isinstance(spec.timing, OnTiming)]
    wanted += [leaving.condition for leaving in playbook.exits]
    return list(dict.fromkeys(each for each in wanted if is_moment(each)))
