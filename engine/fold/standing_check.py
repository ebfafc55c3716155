"""Whether what is written of an account is what its present state comes to."""

from collections.abc import Iterator
from datetime import datetime

from engine.episodes.episode import Transition, transition
from engine.fold.case import Case, Record
from engine.fold.openings import run_key, verdict_of
from engine.fold.standing import take_up
from engine.fold.world import LivePlaybook, World
from engine.state.book import Dossier

_SHOULD = {
    Transition.PEND: "holds, and has not begun",
    Transition.OPEN: "holds, and has not opened",
    Transition.RENEW: "holds again, and still counts as ended",
    Transition.LAPSE: "no longer holds, and still counts as holding",
    Transition.RESOLVE: "no longer holds, and has not ended",
}


def differences(world: World, dossier: Dossier, record: Record) -> Iterator[str]:
    """Where the full evaluation of the account as the dossier shows it differs from its episodes, in words.

    Nothing new of it may be waiting to be folded.
    """
    at = dossier.since
    case = Case(world, dossier.book, at, at, {}, record.releases, record.silences)
    take_up(case, record)
    for live in world.live:
        if live.condition is None or max(live.live_since, live.changed_at) > at:
            continue
        for subject_id in dossier.book.ids(live.playbook.subject):
            found = _difference(case, live, subject_id, at)
            if found is not None:
                yield f'playbook "{live.playbook.name}", {live.playbook.subject} {subject_id}: it {found}'


def _difference(case: Case, live: LivePlaybook, subject_id: str, at: datetime) -> str | None:
    playbook = live.playbook
    view = case.view(playbook.subject, subject_id)
    verdict = verdict_of(live, view)
    episode = case.states.get((playbook.name, subject_id))
    if episode is not None and verdict and run_key(playbook, view) not in ("", episode.key):
        return "holds for another run, and the one before has not ended"
    step = transition(episode, verdict, at, playbook.held_for, playbook.keep_active_for)
    return _SHOULD.get(step)
