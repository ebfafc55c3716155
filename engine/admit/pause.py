"""A pause: a playbook that is to start nothing and send nothing for a while, by whom and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """From `since` until somebody resumes it the playbook is silent for everybody."""

    id: str
    playbook: str
    since: datetime
    by: str
    why: str
    ended_at: datetime | None = None
    """When somebody resumed it; None while it lasts."""
    ended_by: str | None = None

    def covers(self, playbook: str, now: datetime) -> bool:
        """Whether it keeps `playbook` from acting at `now`."""
        has_ended = self.ended_at is not None and self.ended_at <= now
        return self.playbook == playbook and self.since <= now and not has_ended

    @property
    def words(self) -> str:
        """Who asked for it, since when, and why."""
        return f"paused by {self.by} since {self.since:%Y-%m-%d %H:%M} UTC: {self.why}"


def pause_at(pauses: Iterable[Pause], playbook: str, now: datetime) -> Pause | None:
    """The pause that keeps `playbook` from acting at `now`."""
    return next((each for each in pauses if each.covers(playbook, now)), None)
