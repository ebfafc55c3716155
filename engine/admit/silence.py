"""A silence: an account that is to be left alone for a while, by whom and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """From `since` until `until` nothing starts for the account, of one playbook or of all."""

    id: str
    account_id: str
    playbook: str | None
    since: datetime
    until: datetime
    by: str
    why: str
    ended_at: datetime | None = None
    """When somebody ended it before its time."""
    ended_by: str | None = None

    @property
    def end(self) -> datetime:
        """The instant from which it no longer counts."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)

    def covers(self, playbook: str, now: datetime) -> bool:
        """Whether it keeps `playbook` from acting at `now`."""
        return self.playbook in (None, playbook) and self.since <= now < self.end

    @property
    def words(self) -> str:
        """Who asked for it, until when, and why, as it was when it was made."""
        return f"silenced by {self.by} until {self.until:%Y-%m-%d %H:%M} UTC: {self.why}"


def silence_at(silences: Iterable[Silence], playbook: str, now: datetime) -> Silence | None:
    """Of the silences that keep `playbook` from acting at `now`, the one that was to last longest."""
    found = [each for each in silences if each.covers(playbook, now)]
    return max(found, key=lambda each: (each.until, each.id), default=None)
