"""What may start: an opening starts a run, or is owed one and tried again."""

from datetime import datetime

from engine.admit.admission import Admitted, Joined, Postponed, admission
from engine.admit.guard import Opening
from engine.admit.pause import pause_at
from engine.admit.silence import silence_at
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind, encode
from engine.conditions.evaluate import Trace, because, evaluate, evidence, trace
from engine.episodes.episode import Episode, EpisodeState, Owed
from engine.fold.case import Case
from engine.fold.course_end import mute_others, stop
from engine.fold.course_steps import enrol
from engine.fold.view import BookView
from engine.fold.world import LivePlaybook, date_of
from engine.identity import digest
from engine.rulefile.model import Missing, Playbook
from engine.runs.run import Decision, Run


def admit(case: Case, playbook: Playbook, episode: Episode) -> None:
    """Start the run an open episode asks for, or record what stands in its way."""
    view = case.view(Kind(episode.kind), episode.subject_id)
    anchor = date_of(view.known(playbook.anchor), case.calendar) if playbook.anchor else None
    key = episode.period or (run_key(playbook, view) if episode.is_moment else episode.key)
    answer = admission(
        playbook,
        episode.subject_id,
        key,
        anchor,
        case.runs.get(playbook.name, []),
        case.now,
        silence_at(case.silences, playbook.name, case.now),
        case.muted_by(playbook.name),
        pause_at(case.world.pauses, playbook.name, case.now),
    )
    match answer:
        case Joined(run_id, reason):
            _clear(case, episode)
            episode.run_id = run_id
            decide(case, episode, "already", reason)
        case Postponed(owed, reason, _) if _passes_by(episode, owed):
            _clear(case, episode)
            decide(case, episode, "passed over", f"{reason}, and a moment does not last")
        case Postponed(owed, reason, until):
            _owe(case, episode, owed, reason)
            if until is not None:
                case.retries[episode.id] = until
        case Admitted():
            _start_unless_held(case, playbook, episode, key)


def _passes_by(episode: Episode, owed: Owed) -> bool:
    """Whether a moment is lost to what stands in its way. One of the calendar waits for its period to end."""
    return episode.is_moment and not episode.is_periodic and not owed.keeps_moments


def withdraw(case: Case, episode: Episode, reason: str) -> None:
    """Give up an episode that is still owed a run."""
    episode.state, episode.resolved_at = EpisodeState.RESOLVED, case.now
    decide(case, episode, "withdrawn", reason)
    _clear(case, episode)
    case.moments.pop(episode.id, None)
    case.touch(episode)


def _start_unless_held(case: Case, playbook: Playbook, episode: Episode, key: str) -> None:
    if episode.hold_id is not None:
        released_at = case.releases.get(episode.hold_id)
        if released_at is None or released_at > case.now:
            _owe(case, episode, Owed.HELD, "the guard holds it")
            return
    elif playbook.subject is not Kind.SOURCE:
        opening = _opening_id(case, episode)
        case.openings.append(Opening(playbook.name, case.book.account_id, opening, case.now))
        if opening in case.stopped:
            episode.hold_id = case.stopped[opening]
            _owe(case, episode, Owed.HELD, "the guard holds it: too many would start at once")
            return
    _clear(case, episode)
    _start(case, playbook, episode, key)


def _opening_id(case: Case, episode: Episode) -> str:
    """An episode that has started before opens anew each time; the guard must tell these apart."""
    if episode.run_id is None:
        return episode.id
    return digest("opening", episode.id, format_instant(case.now))


def _start(case: Case, playbook: Playbook, episode: Episode, key: str) -> None:
    runs = case.runs.setdefault(playbook.name, [])
    for under_way in list(case.open.values()):
        if (under_way.run.playbook, under_way.run.subject_id) == (playbook.name, episode.subject_id):
            stop(case, under_way, "restarted", "it starts anew")
    same = [run for run in runs if run.subject_id == episode.subject_id and run.key == key]
    generation = 1 + len(same)
    run = Run(
        digest("run", playbook.name, episode.subject_id, key, str(generation)),
        case.book.account_id,
        playbook.name,
        playbook.version,
        episode.kind,
        episode.subject_id,
        key,
        generation,
        "open",
        case.now,
        hold_id=episode.hold_id,
        reason=episode.reason,
        evidence=episode.evidence,
    )
    runs.append(run)
    episode.run_id = run.id
    case.touch(run)
    case.touch(episode)
    decide(case, episode, "started", run.reason)
    case.passes(playbook.name, episode.key.partition("@")[0] if episode.is_moment else "when")
    enrol(case, playbook, run)
    mute_others(case, playbook)


def _owe(case: Case, episode: Episode, owed: Owed, reason: str) -> None:
    if episode.owed != owed:
        episode.owed = owed
        case.touch(episode)
        decide(case, episode, f"owed: {owed}", reason)


def _clear(case: Case, episode: Episode) -> None:
    if episode.owed is not None:
        episode.owed = None
        case.touch(episode)
    case.retries.pop(episode.id, None)


def retry_owed(case: Case, level: int | None = None) -> bool:
    """Start what was owed and is no longer stopped, if it still holds. True when a run started.

    What mutes comes before what it mutes; `level` asks for the playbooks of one level alone.
    """
    started = _runs(case)
    owed = [each for each in case.states.values() if each.owed is not None or _is_again_due(case, each)]
    waiting = [each for each in [*owed, *case.moments.values()] if each.playbook in case.world.by_name]
    for episode in sorted(waiting, key=lambda each: _turn(case, each)):
        if level is None or case.world.level_of(episode.playbook) == level:
            _retry(case, case.world.by_name[episode.playbook], episode)
    return _runs(case) != started


def _runs(case: Case) -> tuple[int, int]:
    return len(case.openings), sum(len(each) for each in case.runs.values())


def repeats_at(case: Case, episode: Episode) -> datetime | None:
    """When an episode that has started opens again, if its state still holds then."""
    live = case.world.by_name.get(episode.playbook)
    if live is None or live.playbook.repeat_every is None:
        return None
    if episode.state != EpisodeState.ACTIVE or episode.owed is not None or episode.run_id is None:
        return None
    runs = case.runs.get(episode.playbook, [])
    started = [run.started_at for run in runs if run.subject_id == episode.subject_id]
    return max(started) + live.playbook.repeat_every if started else None


def _is_again_due(case: Case, episode: Episode) -> bool:
    at = repeats_at(case, episode)
    return at is not None and at <= case.now


def _turn(case: Case, episode: Episode) -> tuple[int, bool, datetime, str]:
    return case.world.level_of(episode.playbook), episode.is_moment, episode.since, episode.id


def _retry(case: Case, live: LivePlaybook, episode: Episode) -> None:
    if not episode.is_moment:
        view = case.view(live.playbook.subject, episode.subject_id)
        if verdict_of(live, view):
            if episode.owed is None:
                note_grounds(live, view, episode)
                episode.hold_id = None
            admit(case, live.playbook, episode)
        return
    admit(case, live.playbook, episode)
    if episode.owed is None:
        episode.state, episode.resolved_at = EpisodeState.RESOLVED, case.now
        case.retries.pop(episode.id, None)
        del case.moments[episode.id]
        case.touch(episode)


def run_key(playbook: Playbook, view: BookView) -> str:
    """What tells the runs of one subject apart: the value of `run_per`, or nothing."""
    return "" if playbook.run_per is None else encode(view.known(playbook.run_per)) or ""


def note_grounds(live: LivePlaybook, view: BookView, episode: Episode) -> None:
    """Keep with the episode why its condition holds, in words and as values."""
    assert live.condition is not None
    found = trace(live.condition, view)
    episode.reason, episode.evidence = because(_trigger_part(live, found)), evidence(found)


def _trigger_part(live: LivePlaybook, found: Trace) -> Trace:
    """The `when` without the audience: that is what a person wants to read."""
    return found.children[1] if live.playbook.audience is not None else found


def verdict_of(live: LivePlaybook, view: BookView) -> bool | None:
    """Audience and `when`, with `on_missing` in place of an unknown `when`."""
    playbook = live.playbook
    assert playbook.when is not None
    when = evaluate(playbook.when, view)
    if when is None and playbook.on_missing is not Missing.FREEZE:
        when = playbook.on_missing is Missing.TRUE
    if playbook.audience is None:
        return when
    audience = evaluate(playbook.audience, view)
    if audience is False or when is False:
        return False
    return None if audience is None or when is None else True


def decide(case: Case, episode: Episode, answer: str, reason: str) -> None:
    """Record an answer about an episode."""
    case.decide(
        Decision(
            episode.account_id,
            episode.playbook,
            episode.kind,
            episode.subject_id,
            case.now,
            answer,
            reason,
            episode.evidence,
            episode.run_id,
        )
    )
