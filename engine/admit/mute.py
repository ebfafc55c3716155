"""A mute: an open run of one playbook that keeps others quiet for its account."""

from collections.abc import Callable, Collection, Iterable

from engine.rulefile.model import OpenSteps, Playbook
from engine.runs.run import Run


def mute_of(
    under_way: Iterable[Run],
    pinned: Callable[[str], Playbook],
    playbook: str,
    *,
    former: Collection[str] = (),
    holding: bool = False,
) -> str | None:
    """Which of an account's open runs mutes `playbook`, in words; `holding` asks for those that hold steps.

    `pinned` has the playbook of a version, which is what a run follows; it may know `playbook` by one of its
    `former` names.
    """
    found = [
        run
        for run in under_way
        if (mutes := pinned(run.version).mutes) is not None
        and not {playbook, *former}.isdisjoint(mutes.playbooks)
        and (not holding or mutes.open_steps is OpenSteps.HOLD)
    ]
    if not found:
        return None
    first = min(found, key=lambda run: (run.started_at, run.id))
    return f"muted by {first.playbook}, which runs since {first.started_at:%Y-%m-%d %H:%M} UTC"
