"""What the calendar starts: each occurrence of an `every` is an episode of its own, one in each period."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from engine.clock.periods import DayOfPeriod
from engine.conditions.evaluate import evaluate, evidence, trace
from engine.conditions.tree import Condition
from engine.episodes.episode import EVERY, Episode, EpisodeState
from engine.episodes.recurrence import Occurrence, Recurrence, every_words, offset_of
from engine.fold.case import Case
from engine.fold.intake import Touched
from engine.fold.openings import admit, withdraw
from engine.fold.world import LivePlaybook, date_of, every_condition
from engine.identity import digest
from engine.match.question import question
from engine.rulefile.model import Every


@dataclass(slots=True)
class _Round:
    """One (playbook, subject) pair: how its occurrences stood at the last look, and when the next begins."""

    live: LivePlaybook
    every: Every
    subject_id: str
    found: Recurrence
    looked_at: datetime
    next_at: datetime | None

    @property
    def passed(self) -> Occurrence | None:
        """What had begun by the last look."""
        return self.found.latest(self.looked_at)


class Rounds:
    """The calendar triggers of one account."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._rounds: dict[tuple[str, str], _Round] = {}

    def watch(self, live: LivePlaybook, subject_id: str) -> None:
        """Look out for the occurrences after now; what has begun by now is not for this subject."""
        every, place = live.playbook.every, (live.playbook.name, subject_id)
        if every is not None and place not in self._rounds:
            found = recurrence(self._case, live, every, subject_id)
            now = self._case.now
            self._rounds[place] = _Round(live, every, subject_id, found, now, _next(found, now))

    def touch(self, touched: Touched) -> None:
        """Take in what inputs have changed.

        Where the account has moved over the beginning of an occurrence to another day, it begins now. A date
        that comes round and is learned or corrected counts for what is still to come.
        """
        for each in self._rounds.values():
            if touched.zone_moved:
                each.next_at = self._case.now
            elif self._recurrence(each).first != each.found.first:
                self._look_ahead(each)

    def come_round(self, level: int) -> None:
        """Let what is due occur, for the playbooks of one level."""
        for each in self._rounds.values():
            is_due = each.next_at is not None and each.next_at <= self._case.now
            if is_due and self._case.world.level_of(each.live.playbook.name) == level:
                before = each.passed
                self._look_ahead(each)
                latest = each.passed
                if latest is not None and (before is None or latest.period > before.period):
                    self._occur(each, latest)

    def instants(self) -> Iterator[datetime]:
        """When the next occurrences begin."""
        for each in self._rounds.values():
            if each.next_at is not None:
                yield each.next_at

    def _recurrence(self, each: _Round) -> Recurrence:
        return recurrence(self._case, each.live, each.every, each.subject_id)

    def _look_ahead(self, each: _Round) -> None:
        each.found, each.looked_at = self._recurrence(each), self._case.now
        each.next_at = _next(each.found, each.looked_at)

    def _occur(self, each: _Round, occurrence: Occurrence) -> None:
        case, playbook = self._case, each.live.playbook
        if case.now <= max(each.live.live_since, each.live.changed_at):
            return
        key = EVERY + occurrence.key
        identity = digest("episode", playbook.name, playbook.subject, each.subject_id, key)
        if identity in case.moments:
            return
        for owed in list(case.moments.values()):
            if owed.is_periodic and (owed.playbook, owed.subject_id) == (playbook.name, each.subject_id):
                withdraw(case, owed, "the next one began before it could start")
        known = case.runs.get(playbook.name, [])
        if any((run.subject_id, run.key) == (each.subject_id, occurrence.key) for run in known):
            return
        condition = every_condition(playbook)
        if condition is not None and not self._is_met(each, condition):
            return
        episode = Episode(
            identity,
            case.book.account_id,
            playbook.name,
            playbook.subject,
            each.subject_id,
            key,
            EpisodeState.ACTIVE,
            case.now,
            opened_at=case.now,
        )
        self._note_grounds(each, episode, occurrence, condition)
        case.touch(episode)
        admit(case, playbook, episode)
        if episode.owed is not None:
            case.moments[episode.id] = episode
        else:
            episode.state, episode.resolved_at = EpisodeState.RESOLVED, case.now

    def _is_met(self, each: _Round, condition: Condition) -> bool:
        case, playbook = self._case, each.live.playbook
        view = case.view(playbook.subject, each.subject_id)
        verdict = evaluate(condition, view)
        if verdict:
            rule = f"{playbook.name}/every"
            case.questions.append(question(rule, each.subject_id, condition, view, verdict))
        return bool(verdict)

    def _note_grounds(
        self, each: _Round, episode: Episode, occurrence: Occurrence, condition: Condition | None
    ) -> None:
        """Keep with the episode which occurrence it is, in words and as values."""
        words = every_words(each.every)
        episode.reason = f"{occurrence.key}: {words}"
        happened = {"path": "every", "words": words, "actual": occurrence.key, "verdict": True}
        view = self._case.view(each.live.playbook.subject, each.subject_id)
        episode.evidence = [happened, *(evidence(trace(condition, view)) if condition is not None else [])]


def _next(found: Recurrence, now: datetime) -> datetime | None:
    following = found.following(now)
    return None if following is None else following.at


def recurrence(case: Case, live: LivePlaybook, every: Every, subject_id: str) -> Recurrence:
    """The `every` of a playbook as it stands for one subject."""
    first = None
    if not isinstance(every.day, DayOfPeriod):
        value = case.view(live.playbook.subject, subject_id).known(every.day)
        first = date_of(value, case.calendar)
    offset = offset_of(every, live.playbook.name, case.book.account_id)
    return Recurrence(every, case.calendar, offset, first)
