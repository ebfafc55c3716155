"""What an opening meets before it may start a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from engine.admit.pause import Pause
from engine.admit.silence import Silence
from engine.episodes.episode import Owed
from engine.rulefile.model import Mode, Playbook
from engine.runs.run import Run


@dataclass(frozen=True, slots=True)
class Admitted:
    """Nothing stands in the way."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A run for this very term or group exists; no second one is started."""

    run_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Something temporary stands in the way; the opening stays owed."""

    owed: Owed
    reason: str
    until: datetime | None = None


Admission: TypeAlias = Admitted | Joined | Postponed


def admission(
    playbook: Playbook,
    subject_id: str,
    key: str,
    anchor: date | None,
    runs: Sequence[Run],
    now: datetime,
    silence: Silence | None = None,
    mute: str | None = None,
    pause: Pause | None = None,
) -> Admission:
    """Judge an opening of `playbook` against the account's `runs` of it, past and present.

    `silence` is the one that covers the playbook now; `mute` says which open run mutes it; `pause` is the
    one of the playbook itself.
    """
    joined = _joined(playbook, subject_id, key, anchor, runs)
    if joined is not None:
        return joined
    own = [run for run in runs if run.subject_id == subject_id]
    is_open = any(run.is_open for run in own)
    if is_open and playbook.mode is Mode.SINGLE:
        return Postponed(Owed.OPEN_RUN, "a run of it is still open")
    ended = [run.ended_at for run in own if run.ended_at is not None]
    if playbook.cooldown is not None and ended and not is_open and now < max(ended) + playbook.cooldown:
        until = max(ended) + playbook.cooldown
        return Postponed(Owed.COOLDOWN, f"cooling down until {until:%Y-%m-%d %H:%M} UTC", until)
    if pause is not None:
        return Postponed(Owed.PAUSED, pause.words)
    if silence is not None:
        return Postponed(Owed.SILENCED, silence.words)
    if mute is not None:
        return Postponed(Owed.MUTED, mute)
    return Admitted()


def _joined(
    playbook: Playbook, subject_id: str, key: str, anchor: date | None, runs: Sequence[Run]
) -> Joined | None:
    if playbook.run_per is not None and key:
        for run in runs:
            if run.subject_id == subject_id and run.key == key:
                return Joined(run.id, f"it already ran for {playbook.run_per.path} {key}")
    if playbook.group_by is not None and anchor is not None:
        for run in runs:
            if run.anchor == anchor:
                return Joined(run.id, f"it joins the account's run for {anchor.isoformat()}")
    return None
