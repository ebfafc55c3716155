"""When things run: one interval job that ticks, and what wakes a tick or a delivery at once.

Every due time lives in our tables, so the scheduler keeps its jobs in memory and may lose them.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
"""How long a wake waits for others, so that a burst of posts makes one tick."""

POLL_SECONDS = 1.0
DELIVER_SECONDS = 5.0
LIVE_SECONDS = 20.0
REST_SECONDS = 10.0


class Loop:
    """One thread that does one piece of work each time it is woken, and never twice at once.

    Wakes that arrive together are answered by one turn; a wake during a turn brings another right after it.
    An error is logged and counted, and the loop goes on.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self.failures = 0
        self._failed_at: float | None = None
        self._work = work
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tminus-{name}", daemon=True)

    def start(self) -> None:
        """Begin to listen for wakes."""
        self._thread.start()

    def wake(self) -> None:
        """Ask for a turn as soon as may be. Returns at once."""
        self._woken.set()

    @property
    def is_alive(self) -> bool:
        """Whether it listens."""
        return self._thread.is_alive()

    @property
    def is_resting(self) -> bool:
        """Whether the last turn failed so recently that only a wake or the interval should bring another."""
        return self._failed_at is not None and time.monotonic() - self._failed_at < REST_SECONDS

    def end(self) -> None:
        """Ask for no further turn. Returns at once."""
        self._stopping.set()
        self._woken.set()

    def has_ended(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds for the turn under way; whether it is over."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._woken.wait()
            if self._stopping.wait(GATHER_SECONDS):
                return
            self._woken.clear()
            self._turn()

    def _turn(self) -> None:
        try:
            self._work()
            self._failed_at = None
        except Exception:
            self.failures += 1
            self._failed_at = time.monotonic()
            log.exception("The %s failed and will be tried again.", self.name)


@dataclass(frozen=True)
class Work:
    """What a schedule runs. Each takes the instant it runs at; `now` supplies it."""

    now: Callable[[], datetime]
    tick: Callable[[datetime], bool]
    """One pass; whether it put anything in the outbox."""
    deliver: Callable[[datetime], bool]
    """One batch; whether more is ready."""
    is_due: Callable[[datetime], bool]
    """Whether an account waits to be looked at, whoever wrote it."""
    live: Callable[[datetime], object] | None = None
    """Lets the sample customers go on living."""


class Schedule:
    """Runs the work: a tick at each interval, at each wake, and when another process left something due."""

    def __init__(self, work: Work, tick_seconds: float) -> None:
        self._work = work
        self._ticking = Loop("tick", self._tick)
        self._delivering = Loop("delivery", self._deliver)
        self._jobs = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(4)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        self._every(tick_seconds, "tick", self._ticking.wake)
        self._every(POLL_SECONDS, "poll", self._poll)
        self._every(DELIVER_SECONDS, "delivery", self._delivering.wake)
        if work.live:
            self._every(LIVE_SECONDS, "live", self._live)

    def start(self) -> None:
        """Begin, with a tick and a delivery at once for what time made due while nobody ran."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._ticking.start()
        self._delivering.start()
        self._jobs.start()
        self.wake()
        self.wake_delivery()

    def wake(self) -> None:
        """Tick now; returns at once."""
        self._ticking.wake()

    def wake_delivery(self) -> None:
        """Deliver now; returns at once."""
        self._delivering.wake()

    @property
    def is_alive(self) -> bool:
        """Whether ticks and deliveries would run."""
        return bool(self._jobs.running) and self._ticking.is_alive and self._delivering.is_alive

    @property
    def failures(self) -> dict[str, int]:
        """How often each loop has failed since the start."""
        return {loop.name: loop.failures for loop in (self._ticking, self._delivering)}

    def stop(self, timeout: float) -> bool:
        """Finish what is under way, for at most `timeout` seconds; whether it finished."""
        deadline = time.monotonic() + timeout
        if self._jobs.running:
            self._jobs.shutdown(wait=False)
        loops = (self._ticking, self._delivering)
        for loop in loops:
            loop.end()
        return all(loop.has_ended(max(0.0, deadline - time.monotonic())) for loop in loops)

    def _every(self, seconds: float, name: str, work: Callable[[], None]) -> None:
        self._jobs.add_job(work, "interval", seconds=seconds, id=name, name=name)

    def _tick(self) -> None:
        if self._work.tick(self._work.now()):
            self._delivering.wake()

    def _deliver(self) -> None:
        if self._work.deliver(self._work.now()):
            self._delivering.wake()

    def _poll(self) -> None:
        if not self._ticking.is_resting and self._work.is_due(self._work.now()):
            self._ticking.wake()

    def _live(self) -> None:
        assert self._work.live is not None
        self._work.live(self._work.now())
        self._ticking.wake()
