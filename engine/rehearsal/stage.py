"""Where a test plays: the engine itself, in memory, under the test's own clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from engine.admit.silences import SilenceError
from engine.fold.case import Passed
from engine.rehearsal.happened import Happened, Lookout
from engine.rehearsal.reasons import Explainer
from engine.rehearsal.script import Completion, Move, Quiet, Rehearsal
from engine.rehearsal.shelf import RuleShelf
from engine.replay.replay import Replay
from engine.runs.owners import Person
from engine.runs.task_errors import TaskActionError

_SOURCE = "test"
_BY = "test"
_INSTANT = timedelta(microseconds=1)
"""What lies between two moves that a test gives the same time."""
_MOST_TICKS = 10_000
"""Between two moves. A playbook with so many boundaries would never come to rest."""


class CannotPlayError(Exception):
    """A move of the timeline cannot be made; the message says why."""


class Stage:
    """One set of playbooks, used by one test after another."""

    def __init__(self, shelf: RuleShelf, file: str, explainer: Explainer) -> None:
        """`shelf` holds the playbook under test, read from `file`, and those live beside it."""
        self._shelf = shelf
        self._explainer = explainer
        self._playbook = next(each for each in shelf.rules.playbooks if each.file == file)
        self.passed: set[Passed] = set()
        """The places of rule files that did something, in all tests played here."""

    def open(self, test: Rehearsal) -> None:
        """Empty the stage, put the test's people and account on it, and let the playbook go live."""
        people = {
            each.id: Person(each.id, each.name, each.email, each.role, each.manager) for each in test.people
        }
        self._test = test
        self.replay = Replay(self._shelf.world(people, test.at), self._shelf.catalogue)
        self._lookout = Lookout(self.replay.memory, self._playbook)
        self._ticked_at = datetime.min.replace(tzinfo=UTC)
        self._take_in(test)
        self._tick(test.at)

    def play(self, move: Move) -> None:
        """Let time pass up to the move, make it, and let the engine answer. Raises CannotPlayError."""
        self._pass_time(move.at)
        now = max(move.at, self._ticked_at + _INSTANT)
        if move.entries or move.events:
            self._take_in(move)
        if move.completion is not None:
            self._complete(move.completion, now)
        if move.releases:
            self.replay.release(by=_BY, at=now)
        if move.silence is not None:
            self._silence(move.silence, now)
        if move.ends_silences:
            self.replay.end_silences(by=_BY, at=now)
        if self.replay.is_due(now):
            self._tick(now)

    def look(self) -> Happened:
        """What has happened since the test began, or since the last look."""
        return self._lookout.look()

    def reasons(self, at: datetime) -> list[str]:
        """Of each subject, the sentence that explains what the playbook makes of it at this moment."""
        now = max(at, self._ticked_at)
        test = self._test
        return self._explainer.reasons(
            self._shelf, self._playbook, self.replay.memory, test.people, test.at, now
        )

    def fates(self, steps: Sequence[str]) -> list[str]:
        """What has become of each of these steps in the newest run: skipped and why, or still waiting."""
        return self._lookout.fates(steps)

    def _pass_time(self, until: datetime) -> None:
        """Tick whenever something is due, as a service does that never rests."""
        for _ in range(_MOST_TICKS):
            due = self.replay.next_due()
            if due is None or due >= until:
                return
            self._tick(max(due, self._ticked_at + _INSTANT))
        raise CannotPlayError(f"the playbook wants more than {_MOST_TICKS:,} looks before {until}")

    def _tick(self, at: datetime) -> None:
        self.passed |= self.replay.tick(at).passed
        self._ticked_at = at

    def _take_in(self, given: Rehearsal | Move) -> None:
        for rejection in self.replay.take_in(given.entries, given.events, source=_SOURCE):
            raise CannotPlayError(f"{rejection.id}: {rejection.reason}")

    def _complete(self, completion: Completion, now: datetime) -> None:
        tasks = self.replay.open_tasks()
        named = [each for each in tasks if each.step == completion.step]
        named = [each for each in named if each.playbook == self._playbook.name] or named
        if len({(each.run_id, each.step) for each in named}) == 1:
            named = sorted(named, key=lambda each: each.occurrence)[:1]
        found = [each.id for each in named]
        if len(found) != 1:
            known = ", ".join(sorted({each.step for each in tasks})) or "none"
            raise CannotPlayError(
                f'step "{completion.step}" has {len(found) or "no"} open task{"s" if found else ""}; '
                f"steps with open tasks: {known}"
            )
        try:
            self.replay.complete(found[0], outcome=completion.outcome, note=completion.note, by=_BY, now=now)
        except TaskActionError as error:
            raise CannotPlayError(str(error)) from error

    def _silence(self, quiet: Quiet, now: datetime) -> None:
        account = self._test.entries[0].account_id
        try:
            self.replay.silence(
                account, playbook=quiet.playbook, at=now, until=quiet.until, by=quiet.by, why=quiet.why
            )
        except SilenceError as error:
            raise CannotPlayError(str(error)) from error
