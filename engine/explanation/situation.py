"""What was so of one playbook and one subject at one instant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from engine.admit.holds import HeldBatch
from engine.admit.pause import Pause
from engine.admit.silence import Silence
from engine.conditions.evaluate import Trace
from engine.episodes.episode import Episode
from engine.explanation.rounds import Turn
from engine.rulefile.model import Missing, Playbook
from engine.runs.run import Run


@dataclass(frozen=True)
class Situation:
    """What was so at one instant, with nothing of what came later."""

    playbook: Playbook
    subject_id: str
    at: datetime
    live_since: datetime | None
    """None when the playbook is not live now."""
    audience: Trace | None
    when: Trace | None
    key: str
    """The present value of `run_per`."""
    anchor: date | None
    turn: Turn | None
    """Where a calendar trigger stands; None without one."""
    boundary: datetime | None
    """When time alone could next change the answer of audience or `when`."""
    episodes: Sequence[Episode]
    """Those not resolved then, oldest first."""
    runs: Sequence[Run]
    """All runs of the playbook for the account until then, oldest first."""
    existing: frozenset[datetime] = frozenset()
    """When states were noted that held before the playbook went live."""
    silence: Silence | None = None
    mute: str | None = None
    holds: Mapping[str, HeldBatch] = field(default_factory=dict)
    pause: Pause | None = None

    @property
    def own_runs(self) -> list[Run]:
        """The runs of this very subject."""
        return [run for run in self.runs if run.subject_id == self.subject_id]

    @property
    def verdict(self) -> bool | None:
        """Audience and `when`, with `on_missing` in place of an unknown `when`, as an episode takes them."""
        if self.when is None:
            return None
        verdicts = [self.counted, *([self.audience.verdict] if self.audience is not None else [])]
        if False in verdicts:
            return False
        return None if None in verdicts else True

    @property
    def counted(self) -> bool | None:
        """The verdict of `when` as it counts, with `on_missing`."""
        if self.when is None:
            return None
        if self.when.verdict is None and self.playbook.on_missing is not Missing.FREEZE:
            return self.playbook.on_missing is Missing.TRUE
        return self.when.verdict

    @property
    def standing(self) -> Episode | None:
        """The stretch of the state that was open."""
        found = [each for each in self.episodes if not each.is_moment]
        return found[-1] if found else None
