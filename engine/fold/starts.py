"""From verdicts to runs: episodes open, resolve, stay owed, and start."""

from collections.abc import Mapping
from datetime import datetime

from engine.clock.zones import format_instant
from engine.conditions.evaluate import evaluate
from engine.conditions.wording import label
from engine.episodes.episode import Episode, EpisodeState, Transition, transition
from engine.fold.case import Case
from engine.fold.openings import admit, decide, note_grounds, run_key, verdict_of
from engine.fold.world import LivePlaybook
from engine.identity import digest
from engine.match.question import question
from engine.rulefile.model import Playbook


def judge(case: Case, live: LivePlaybook, subject_id: str) -> None:
    """Let the present verdict of a `when` act on its subject's episode."""
    playbook = live.playbook
    view = case.view(playbook.subject, subject_id)
    verdict = verdict_of(live, view)
    episode = case.states.get((playbook.name, subject_id))
    if episode is not None and playbook.run_per is not None and verdict:
        key = run_key(playbook, view)
        if key not in ("", episode.key):
            _resolve(case, playbook, episode, f"{label(playbook.run_per)} is {key} now")
            episode = None
    step = transition(episode, verdict, case.now, playbook.held_for, playbook.keep_active_for)
    if step is Transition.STAY:
        return
    _ask(case, live, subject_id)
    if step is Transition.RESOLVE:
        assert episode is not None
        _resolve(case, playbook, episode)
    elif step in (Transition.LAPSE, Transition.RENEW):
        assert episode is not None
        episode.lapsed_at = case.now if step is Transition.LAPSE else None
        case.touch(episode)
    elif step is Transition.PEND:
        _begin(case, live, subject_id, EpisodeState.PENDING)
    elif episode is None:
        _opened(case, playbook, _begin(case, live, subject_id, EpisodeState.ACTIVE))
    else:
        note_grounds(live, case.view(playbook.subject, subject_id), episode)
        _opened(case, playbook, episode)


def _ask(case: Case, live: LivePlaybook, subject_id: str) -> None:
    """Have the matcher confirm the verdict that is about to change an episode."""
    assert live.condition is not None
    view = case.view(live.playbook.subject, subject_id)
    expected = evaluate(live.condition, view)
    rule = f"{live.playbook.name}/when"
    case.questions.append(question(rule, subject_id, live.condition, view, expected))


def _begin(case: Case, live: LivePlaybook, subject_id: str, state: EpisodeState) -> Episode:
    playbook = live.playbook
    view = case.view(playbook.subject, subject_id)
    key = run_key(playbook, view)
    times = sorted({case.learned or case.now, case.now})
    identity = digest(
        "episode", playbook.name, playbook.subject, subject_id, key, *map(format_instant, times)
    )
    episode = Episode(
        identity, case.book.account_id, playbook.name, playbook.subject, subject_id, key, state, case.now
    )
    note_grounds(live, view, episode)
    case.states[playbook.name, subject_id] = episode
    case.touch(episode)
    return episode


def _resolve(case: Case, playbook: Playbook, episode: Episode, reason: str = "it no longer holds") -> None:
    was = episode.state
    episode.state, episode.resolved_at = EpisodeState.RESOLVED, case.now
    if episode.owed is not None:
        decide(case, episode, "withdrawn", f"{reason} and had not started")
    elif was == EpisodeState.ACTIVE:
        decide(case, episode, "resolved", reason)
    episode.owed = None
    case.retries.pop(episode.id, None)
    case.states.pop((playbook.name, episode.subject_id), None)
    case.touch(episode)


def _opened(case: Case, playbook: Playbook, episode: Episode) -> None:
    episode.state, episode.opened_at = EpisodeState.ACTIVE, case.now
    case.touch(episode)
    admit(case, playbook, episode)


def take_as_existing(case: Case, live: LivePlaybook, young: Mapping[str, datetime] | None) -> None:
    """Judge every subject of a playbook that goes live now, by its `existing`.

    `young` has the subjects whose state began within `existing: {since: …}`, with the instant.
    """
    playbook = live.playbook
    for subject_id in case.book.ids(playbook.subject):
        if (playbook.name, subject_id) in case.states or not verdict_of(
            live, case.view(playbook.subject, subject_id)
        ):
            continue
        fires = playbook.existing.mode == "fire" or subject_id in (young or {})
        if fires:
            judge(case, live, subject_id)
        else:
            episode = _begin(case, live, subject_id, EpisodeState.ACTIVE)
            decide(case, episode, "existing", "it already held when the playbook went live")
