"""A deliverer: lanes for every connector, signs of life for what they hold, and what others left behind."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy import Engine

from engine.outbox.claim import LEASE
from engine.outbox.entry import Connector, close_connectors
from engine.outbox.gate import Gate
from engine.outbox.lane import DeliveryReport, Desk, Lane, report_of
from engine.outbox.pace import Pace
from engine.outbox.record import CRASHED, recover, renew
from engine.outbox.retry import RetryDecision
from engine.settings import Settings

log = logging.getLogger(__name__)

__all__ = ["Deliverer", "DeliveryReport", "deliver_batch"]

SIGN_SECONDS = LEASE.total_seconds() / 5
"""How often leases are renewed."""
LONGEST_TRY_SECONDS = 900.0
"""No connector takes longer over one entry; a claim that does not get on for so long is let go."""


class Deliverer:
    """Everything one process does to deliver. Each lane may run in a thread of its own."""

    def __init__(
        self,
        database: Engine,
        connectors: Mapping[str, Connector],
        settings: Settings,
        clock: Callable[[], datetime],
        owner: str,
        sign_seconds: float = SIGN_SECONDS,
    ) -> None:
        """`owner` names this deliverer, each process its own; a sign of life comes every `sign_seconds`."""
        self._desk = Desk(database, settings, clock, owner)
        self._connectors, self._sign_seconds = connectors, sign_seconds
        self.lanes: dict[str, Lane] = {"stray": Lane(self._desk, None, None, Gate(), sorted(connectors))}
        for name, connector in connectors.items():
            gate = Gate(_pace(settings, name, clock()))
            for number in range(_concurrency(settings, name)):
                self.lanes[f"{name} {number + 1}"] = Lane(self._desk, name, connector, gate)
        self._signs: threading.Thread | None = None

    def begin(self) -> None:
        """Give signs of life from now on."""
        self._signs = threading.Thread(target=self._give_signs, name="tminus-signs", daemon=True)
        self._signs.start()

    def end(self) -> None:
        """Ask the lanes to stop: what they have not begun goes back at once, whatever hangs."""
        self._desk.stopping.set()
        for lane in self.lanes.values():
            try:
                lane.hand_back()
            except Exception:
                log.warning("What was not begun stays claimed until its lease runs out.", exc_info=True)

    def cut(self) -> None:
        """End the tries under way as if the other side had hung up, so that their fate is noted."""
        close_connectors(self._connectors)

    def recover(self) -> Counter[str]:
        """Settle what deliverers that stopped have left behind; counts by the state it came to."""
        desk, now = self._desk, self._desk.clock()

        def follow(entry_id: str, attempts: int) -> RetryDecision:
            return desk.decide(CRASHED, entry_id, attempts, now)

        living = desk.held(LONGEST_TRY_SECONDS)
        return Counter(each.state for each in recover(desk.database, now, follow, living))

    def _give_signs(self) -> None:
        while not self._desk.stopping.wait(self._sign_seconds):
            held = self._desk.held(LONGEST_TRY_SECONDS)
            try:
                if held:
                    renew(self._desk.database, held, self._desk.clock())
            except Exception:  # while the database is gone there is nothing to renew; the next sign may do it
                log.warning("Leases could not be renewed and will be tried again.", exc_info=True)


def deliver_batch(
    database: Engine,
    connectors: Mapping[str, Connector],
    settings: Settings,
    *,
    now: datetime | Callable[[], datetime],
    owner: str,
    limit: int = 100,
) -> DeliveryReport:
    """One pass of all lanes at once: deliver up to `limit` entries a lane, or all that are ready.

    `now` is an instant, or a clock that is asked before and after each try. Whatever goes wrong with an
    entry is written to it, and stops no other.
    """
    clock = now if callable(now) else lambda: now
    deliverer = Deliverer(database, connectors, settings, clock, owner)
    deliverer.begin()
    try:
        states = deliverer.recover()
        with ThreadPoolExecutor(len(deliverer.lanes)) as pool:
            for found in pool.map(lambda lane: lane.run(limit), deliverer.lanes.values()):
                states += found
    finally:
        deliverer.end()
    return report_of(states)


def _concurrency(settings: Settings, name: str) -> int:
    spec = settings.connectors.get(name)
    return 1 if spec is None else spec.concurrency


def _pace(settings: Settings, name: str, at: datetime) -> Pace | None:
    spec = settings.connectors.get(name)
    if spec is None or spec.rate is None:
        return None
    return Pace.full(spec.rate.max, spec.rate.stretch, at)
