"""When things run: one interval job that ticks, and what wakes a tick or a delivery at once.

Every due time lives in our tables, so the scheduler keeps its jobs in memory and may lose them.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.05
"""How long a wake waits for others, so that a burst of posts makes one tick."""

POLL_SECONDS = 1.0
DELIVER_SECONDS = 5.0
RECOVER_SECONDS = 30.0
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


def repeating(name: str, turn: Callable[[], bool]) -> Loop:
    """A loop that wakes itself while there is more to do, which `turn` says."""

    def work() -> None:
        if turn():
            loop.wake()

    loop = Loop(name, work)
    return loop


@dataclass(frozen=True)
class Work:
    """What a schedule runs. Each takes the instant it runs at; `now` supplies it."""

    now: Callable[[], datetime]
    tick: Callable[[datetime], bool]
    """One pass; whether it put anything in the outbox."""
    lanes: Mapping[str, Callable[[], bool]]
    """Deliveries that go on beside one another, by name; each does a batch and says whether more is ready."""
    is_due: Callable[[datetime], bool]
    """Whether an account waits to be looked at, whoever wrote it."""
    recover: Callable[[], object] = lambda: None
    """Settles what a deliverer that stopped has left behind."""
    live: Callable[[datetime], object] | None = None
    """Lets the sample customers go on living."""
    inbox: Callable[[], bool] | None = None
    """Reads some of what came to the mailbox; whether there may be more."""
    inbox_seconds: float = 0.0
    """The time between two readings, where there is a mailbox."""


class Schedule:
    """Runs the work: a tick at each interval, at each wake, and when another process left something due."""

    def __init__(self, work: Work, tick_seconds: float) -> None:
        self._work = work
        self._ticking = Loop("tick", self._tick)
        self._delivering = [repeating(f"delivery {name}", turn) for name, turn in work.lanes.items()]
        self._jobs = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(4)},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        self._every(tick_seconds, "tick", self._ticking.wake)
        self._every(POLL_SECONDS, "poll", self._poll)
        self._every(DELIVER_SECONDS, "delivery", self.wake_delivery)
        self._every(RECOVER_SECONDS, "recovery", self._recover)
        self._reading = [repeating("inbox", work.inbox)] if work.inbox else []
        for loop in self._reading:
            self._every(work.inbox_seconds, "inbox", loop.wake)
        if work.live:
            self._every(LIVE_SECONDS, "live", self._live)

    def start(self) -> None:
        """Begin, with a tick and a delivery at once for what time made due while nobody ran."""
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._ticking.start()
        for loop in [*self._delivering, *self._reading]:
            loop.start()
        self._jobs.start()
        self._recover()
        self.wake()
        self.wake_delivery()
        for loop in self._reading:
            loop.wake()

    def wake(self) -> None:
        """Tick now; returns at once."""
        self._ticking.wake()

    def wake_delivery(self) -> None:
        """Deliver now; returns at once."""
        for lane in self._delivering:
            lane.wake()

    @property
    def is_alive(self) -> bool:
        """Whether ticks and deliveries would run."""
        return bool(self._jobs.running) and all(loop.is_alive for loop in self._loops)

    @property
    def failures(self) -> dict[str, int]:
        """How often each loop has failed since the start."""
        return {loop.name: loop.failures for loop in self._loops}

    @property
    def _loops(self) -> list[Loop]:
        return [self._ticking, *self._delivering, *self._reading]

    def stop(self, timeout: float) -> bool:
        """Finish what is under way, for at most `timeout` seconds; whether it finished."""
        deadline = time.monotonic() + timeout
        if self._jobs.running:
            self._jobs.shutdown(wait=False)
        for loop in self._loops:
            loop.end()
        return all(loop.has_ended(max(0.0, deadline - time.monotonic())) for loop in self._loops)

    def _every(self, seconds: float, name: str, work: Callable[[], None]) -> None:
        self._jobs.add_job(work, "interval", seconds=seconds, id=name, name=name)

    def _tick(self) -> None:
        if self._work.tick(self._work.now()):
            self.wake_delivery()

    def _recover(self) -> None:
        try:
            self._work.recover()
        except Exception:
            log.exception("What another deliverer left behind could not be taken up; it will be tried again.")

    def _poll(self) -> None:
        if not self._ticking.is_resting and self._work.is_due(self._work.now()):
            self._ticking.wake()

    def _live(self) -> None:
        assert self._work.live is not None
        self._work.live(self._work.now())
        self._ticking.wake()
