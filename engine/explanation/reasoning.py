"""What is looked at after the condition, line by line, and when time alone changes something."""

from dataclasses import dataclass
from datetime import datetime

from engine.admit.admission import Joined, admission
from engine.clock.zones import format_instant
from engine.explanation.judgement import Answer, again_at, of_stretch
from engine.explanation.situation import Situation
from engine.rulefile.model import Mode


@dataclass(frozen=True, slots=True)
class Remark:
    """One line of the reasoning after the condition."""

    topic: str
    words: str
    stops: bool
    """Whether it keeps a run from starting."""


def reasoning(it: Situation) -> tuple[Remark, ...]:
    """Everything that is looked at after the condition, whether it stands in the way or not."""
    looks = (_live, _stretch, _open_run, _term, _cooldown, _pause, _silence, _mute, _guard)
    return tuple(remark for look in looks if (remark := look(it)) is not None)


def _live(it: Situation) -> Remark:
    if it.live_since is None:
        return Remark("live", "it is not among the playbooks in force", stops=True)
    since = format_instant(it.live_since)
    if it.live_since > it.at:
        return Remark("live", f"only since {since}", stops=True)
    return Remark("live", f"since {since}", stops=False)


def _stretch(it: Situation) -> Remark | None:
    if it.when is None:
        waiting = [each for each in it.episodes if each.is_moment]
        return Remark("moment", f"{len(waiting)} owed", stops=False) if waiting else None
    episode = it.standing
    if episode is None:
        return None
    words = of_stretch(it, episode)
    held = format_instant(episode.since)
    notes = {
        Answer.PENDING: f"since {held}, and not yet for as long as it must hold",
        Answer.EXISTING: f"since {held}, before the playbook went live",
        Answer.LAPSED: f"since {held}; it no longer holds, and is kept open for a while",
        Answer.HAS_RUN: f"since {held}, and has run for it",
    }
    return Remark("stretch", notes.get(words.answer, f"since {held}"), stops=words.answer in notes)


def _open_run(it: Situation) -> Remark:
    under_way = [run for run in it.own_runs if run.is_open]
    if not under_way:
        return Remark("open run", "none", stops=False)
    words = f"since {format_instant(under_way[-1].started_at)}"
    if it.playbook.mode is Mode.RESTART:
        return Remark("open run", f"{words}; a new start ends it", stops=False)
    return Remark("open run", words, stops=True)


def _term(it: Situation) -> Remark | None:
    """What `run_per` and `group_by` say: whether there is a run for this term or date."""
    if it.playbook.run_per is None and it.playbook.group_by is None:
        return None
    answer = admission(it.playbook, it.subject_id, it.key, it.anchor, it.runs, it.at)
    if isinstance(answer, Joined):
        return Remark("same run", answer.reason, stops=True)
    return Remark("same run", "no run was made for this term or date", stops=False)


def _cooldown(it: Situation) -> Remark | None:
    if it.playbook.cooldown is None:
        return None
    ended = [run.ended_at for run in it.own_runs if run.ended_at is not None]
    if not ended:
        return Remark("cooldown", "no run has ended", stops=False)
    until = max(ended) + it.playbook.cooldown
    if until > it.at:
        return Remark("cooldown", f"until {format_instant(until)}", stops=True)
    return Remark("cooldown", f"over since {format_instant(until)}", stops=False)


def _pause(it: Situation) -> Remark | None:
    return None if it.pause is None else Remark("pause", it.pause.words, stops=True)


def _silence(it: Situation) -> Remark:
    if it.silence is None:
        return Remark("silence", "nobody has silenced the account", stops=False)
    return Remark("silence", it.silence.words, stops=True)


def _mute(it: Situation) -> Remark:
    if it.mute is None:
        return Remark("mute", "no open run of another playbook mutes it", stops=False)
    return Remark("mute", it.mute, stops=True)


def _guard(it: Situation) -> Remark:
    held = [hold for each in it.episodes if (hold := it.holds.get(each.hold_id or "")) is not None]
    if not held:
        return Remark("guard", "it holds nothing here", stops=False)
    return Remark("guard", f"holds it since {format_instant(held[-1].at)}: {held[-1].reason}", stops=True)


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The next instant at which time alone changes something."""

    at: datetime
    words: str


def upcoming(it: Situation) -> Upcoming | None:
    """When time alone could next change the answer; None when it takes an event, a change or a person."""
    found = [Upcoming(it.boundary, "its condition may change with time alone")] if it.boundary else []
    if it.turn is not None and it.turn.following is not None:
        found.append(Upcoming(it.turn.following.at, f"it comes round for {it.turn.following.key}"))
    episode = it.standing
    if episode is not None and episode.opened_at is None and episode.since not in it.existing:
        found.append(Upcoming(episode.since + it.playbook.held_for, "it has held for long enough"))
    if episode is not None and episode.lapsed_at is not None:
        found.append(
            Upcoming(episode.lapsed_at + it.playbook.keep_active_for, "the stretch is no longer kept")
        )
    if episode is not None and (again := again_at(it, episode)) is not None:
        found.append(Upcoming(again, "it starts again"))
    ended = [run.ended_at for run in it.own_runs if run.ended_at is not None]
    if it.playbook.cooldown is not None and ended:
        found.append(Upcoming(max(ended) + it.playbook.cooldown, "the cooldown is over"))
    if it.silence is not None:
        found.append(Upcoming(it.silence.end, "the silence is over"))
    return min((each for each in found if each.at > it.at), key=lambda each: each.at, default=None)
