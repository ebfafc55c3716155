"""Episodes: one stretch of a state, or one moment, for one subject."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

EVERY = "every@"
"""What the key of an occurrence of the calendar begins with."""


class EpisodeState(StrEnum):
    """Where an episode stands; a subject without one is inactive."""

    PENDING = "pending"
    ACTIVE = "active"
    RESOLVED = "resolved"


class Owed(StrEnum):
    """Why an opening has not started its run yet."""

    COOLDOWN = "cooldown"
    OPEN_RUN = "open_run"
    PAUSED = "paused"
    SILENCED = "silenced"
    MUTED = "muted"
    HELD = "held"

    @property
    def keeps_moments(self) -> bool:
        """Whether a moment waits for it to lift; behind a run of the same playbook a moment passes by."""
        return self not in (Owed.COOLDOWN, Owed.OPEN_RUN)


@dataclass(slots=True)
class Episode:
    """One row of `episode` while a fold works on it."""

    id: str
    account_id: str
    playbook: str
    kind: str
    subject_id: str
    key: str
    state: str
    since: datetime
    opened_at: datetime | None = None
    resolved_at: datetime | None = None
    lapsed_at: datetime | None = None
    """Since when it has not held and counts as holding all the same."""
    owed: str | None = None
    hold_id: str | None = None
    run_id: str | None = None
    reason: str = ""
    evidence: list[Any] | None = None

    @property
    def is_moment(self) -> bool:
        """Whether it is a moment, whose key names its place in the file and when it happened."""
        return self.key.startswith(("on@", "on[", EVERY)) and "@" in self.key

    @property
    def is_periodic(self) -> bool:
        """Whether it is a moment of the calendar, whose key ends with the period."""
        return self.key.startswith(EVERY)

    @property
    def period(self) -> str:
        """The period whose occurrence it is; empty for another moment or a state."""
        return self.key.removeprefix(EVERY) if self.is_periodic else ""

    @property
    def is_open(self) -> bool:
        """Whether the state still counts as holding."""
        return self.state != EpisodeState.RESOLVED


class Transition(StrEnum):
    """What a verdict does to an episode."""

    STAY = "stay"
    PEND = "pend"
    OPEN = "open"
    LAPSE = "lapse"
    RENEW = "renew"
    RESOLVE = "resolve"


def transition(
    episode: Episode | None,
    verdict: bool | None,
    now: datetime,
    held_for: timedelta,
    keep_for: timedelta = timedelta(0),
) -> Transition:
    """What `verdict` at `now` does to the open episode of a subject, or to its absence.

    An episode goes on for `keep_for` after the state has ended, and as it was if the state holds again.
    An unknown verdict does nothing: it neither opens nor resolves.
    """
    if verdict is None:
        return Transition.STAY
    if episode is None:
        if not verdict:
            return Transition.STAY
        return Transition.PEND if held_for else Transition.OPEN
    if not verdict:
        return _ended(episode, now, keep_for)
    if episode.lapsed_at is not None:
        return Transition.RENEW
    if episode.state == EpisodeState.PENDING and now >= episode.since + held_for:
        return Transition.OPEN
    return Transition.STAY


def _ended(episode: Episode, now: datetime, keep_for: timedelta) -> Transition:
    if episode.state == EpisodeState.PENDING or not keep_for:
        return Transition.RESOLVE
    if episode.lapsed_at is None:
        return Transition.LAPSE
    return Transition.RESOLVE if now >= episode.lapsed_at + keep_for else Transition.STAY
