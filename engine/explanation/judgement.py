"""The answer: what a playbook makes of a subject, and what keeps a start back.

It is found with the pieces by which a fold decides, so that the two agree; a fold acts on it, this says it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.admit.admission import Admitted, Joined, Postponed, admission
from engine.clock.zones import format_instant
from engine.conditions.evaluate import because
from engine.episodes.episode import Episode, Owed
from engine.explanation.rounds import turn_conclusion
from engine.explanation.situation import Situation


class Answer(StrEnum):
    """What a playbook makes of a subject."""

    RUNS = "runs"
    NOT_LIVE = "not_live"
    OWED = "owed"
    """The state holds, or the moment happened, and something keeps the run from starting."""
    PENDING = "pending"
    """It holds, but not yet for long enough."""
    EXISTING = "existing"
    """It held already when the playbook went live, which starts nothing."""
    LAPSED = "lapsed"
    """It no longer holds, and still counts as the same stretch."""
    HAS_RUN = "has_run"
    """It holds, and has run for this stretch."""
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"
    DOES_NOT_HOLD = "does_not_hold"
    NO_MOMENT = "no_moment"
    HOLDS = "holds"
    """It holds, and no tick has decided yet."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps an opening from starting a run."""

    owed: Owed | None
    """None where it counts for a run that exists, or the answer is unknown."""
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer in one word and in one sentence."""

    answer: Answer
    sentence: str
    owed: Owed | None = None


def judged(it: Situation) -> Judged:
    """What the playbook makes of the subject."""
    under_way = [run for run in it.own_runs if run.is_open]
    if under_way:
        newest = under_way[-1]
        return Judged(Answer.RUNS, f"It runs, since {format_instant(newest.started_at)}: {newest.reason}.")
    if it.live_since is None or it.live_since > it.at:
        sentence = "The playbook was not live then; what follows is how its condition would have been judged."
        return Judged(Answer.NOT_LIVE, sentence)
    for episode in it.episodes:
        hindrance = obstacle(it, episode) if episode.is_moment else None
        if hindrance is not None and hindrance.owed is not None:
            start = f"It happened at {format_instant(episode.since)}"
            return _owed(start, hindrance)
    if it.standing is not None:
        return of_stretch(it, it.standing)
    return _of_condition(it)


def of_stretch(it: Situation, episode: Episode) -> Judged:
    """The answer while a stretch of the state is open."""
    since = format_instant(episode.since)
    if it.verdict is False:
        lapsed = f" since {format_instant(episode.lapsed_at)}" if episode.lapsed_at else ""
        sentence = f"It has not held{lapsed}, and still counts as the stretch that began at {since}."
        return Judged(Answer.LAPSED, sentence)
    if episode.since in it.existing:
        sentence = f"It does not run: it held already when the playbook went live, at {since}."
        return Judged(Answer.EXISTING, sentence + _unknown(it))
    if episode.opened_at is None:
        start = format_instant(episode.since + it.playbook.held_for)
        sentence = f"It holds since {since}, and starts at {start} if it still holds then."
        return Judged(Answer.PENDING, sentence + _unknown(it))
    again = again_at(it, episode)
    if _has_started(it, episode) and (again is None or again > it.at):
        what = f"it starts again at {format_instant(again)}" if again else "it must resolve first"
        sentence = f"It does not run now: it holds since {since} and has run for this stretch; {what}."
        return Judged(Answer.HAS_RUN, sentence + _unknown(it))
    return _not_started(it, episode, f"It holds since {since}")


def _not_started(it: Situation, episode: Episode, start: str) -> Judged:
    hindrance = obstacle(it, episode)
    if hindrance is None and it.verdict is None:
        reason = _unknown_reason(it)
        return Judged(Answer.OWED, f"{start}; the start is owed until the answer is known, for {reason}.")
    if hindrance is None:
        return Judged(Answer.HOLDS, "Its condition holds; the next tick decides.")
    if hindrance.owed is None:
        return Judged(Answer.HAS_RUN, f"It does not run now: {hindrance.reason}.")
    return _owed(start, hindrance)


def _owed(start: str, hindrance: Obstacle) -> Judged:
    assert hindrance.owed is not None
    what = hindrance.owed.replace("_", " ")
    return Judged(Answer.OWED, f"{start}; the start is owed: {what} ({hindrance.reason}).", hindrance.owed)


def _of_condition(it: Situation) -> Judged:
    """The answer where no stretch is open."""
    audience, when = it.audience, it.when
    if it.turn is not None and when is None and it.live_since is not None:
        sentence = turn_conclusion(it.playbook, it.turn, it.live_since, it.own_runs)
        return Judged(Answer.NO_MOMENT, sentence)
    if audience is not None and audience.verdict is not True:
        how = "is not in" if audience.verdict is False else "may or may not be in"
        reason = because(audience)
        sentence = f"It does not run: the {it.playbook.subject} {how} the audience, for {reason}."
        return Judged(Answer.EXCLUDED, sentence)
    if when is None:
        sentence = "It does not run: none of its moments has happened and met its condition."
        return Judged(Answer.NO_MOMENT, sentence)
    if when.verdict is None:
        counted = it.counted
        counts = "" if counted is None else f", which counts as {str(counted).lower()} here"
        what = "Its condition holds" if counted else "It does not run"
        return Judged(Answer.UNKNOWN, f"{what}: the answer is unknown{counts}, for {because(when)}.")
    if when.verdict is False:
        return Judged(Answer.DOES_NOT_HOLD, f"It does not run: {because(when)}.")
    return Judged(Answer.HOLDS, "Its condition holds; the next tick decides.")


def _unknown(it: Situation) -> str:
    """A second sentence where the present answer is unknown, which leaves the stretch as it is."""
    if it.verdict is not None:
        return ""
    return f" The answer is unknown now, for {_unknown_reason(it)}, so that stretch goes on."


def _unknown_reason(it: Situation) -> str:
    parts = [each for each in (it.audience, it.when) if each is not None and each.verdict is None]
    return because(parts[0]) if parts else "what it asks about is missing"


def _has_started(it: Situation, episode: Episode) -> bool:
    if any(run.id == episode.run_id for run in it.runs):
        return True
    opened = episode.opened_at
    if it.playbook.repeat_every is None or episode.run_id is None or opened is None:
        return False
    return any(run.started_at >= opened for run in it.own_runs)


def again_at(it: Situation, episode: Episode) -> datetime | None:
    """When a state that lasts starts the playbook again."""
    started = [run.started_at for run in it.own_runs]
    if it.playbook.repeat_every is None or not started or not _has_started(it, episode):
        return None
    return max(started) + it.playbook.repeat_every


def obstacle(it: Situation, episode: Episode) -> Obstacle | None:
    """What keeps an open episode from starting a run; None when nothing does."""
    key = it.key if episode.is_moment else episode.key
    answer = admission(
        it.playbook, it.subject_id, key, it.anchor, it.runs, it.at, it.silence, it.mute, it.pause
    )
    match answer:
        case Joined(_, reason):
            return Obstacle(None, reason)
        case Postponed(owed, reason, until):
            return Obstacle(owed, reason, until)
        case Admitted():
            hold = it.holds.get(episode.hold_id or "")
            return None if hold is None else Obstacle(Owed.HELD, f"the guard holds it: {hold.reason}")
