"""How much may go to one connector: what its rate allows, and what is known of the way there."""

import threading
from dataclasses import dataclass, field
from datetime import datetime

from connectors.outcome import Outcome
from engine.outbox.circuit import Circuit
from engine.outbox.pace import Pace


@dataclass(frozen=True, slots=True)
class Leave:
    """How many entries may go, and whether it is the one that finds out whether the way is open again."""

    count: int
    is_probe: bool = False


@dataclass
class Gate:
    """How much may go to one connector, shared by its lanes."""

    pace: Pace | None = None
    circuit: Circuit = field(default_factory=Circuit)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, wanted: int, now: datetime) -> Leave:
        """Take leave for up to `wanted` entries."""
        with self._lock:
            allowed = self.circuit.allows(wanted, now)
            if self.pace is not None:
                allowed = min(allowed, self.pace.available(now))
                self.pace = self.pace.taken(allowed, now)
            is_probe = allowed > 0 and self.circuit.rests_until is not None
            if is_probe:
                self.circuit = self.circuit.probing()
            return Leave(allowed, is_probe)

    def give_back(self, leave: Leave, unused: int, now: datetime) -> None:
        """Return what was not used of a leave."""
        with self._lock:
            if self.pace is not None and unused:
                self.pace = self.pace.taken(-unused, now)
            if leave.is_probe and unused:
                self.circuit = self.circuit.released()

    def note(self, outcome: Outcome, now: datetime) -> None:
        """Learn from a try."""
        with self._lock:
            self.circuit = self.circuit.after(outcome, now)

    def is_open(self) -> bool:
        """Whether another entry may follow."""
        with self._lock:
            return self.circuit.rests_until is None
