"""When ticks and deliveries run."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.schedule import Loop, Schedule, Work

EPOCH = datetime(2026, 3, 2, 9, tzinfo=UTC)


def eventually(claim: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether `claim` comes to hold in time."""
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Recorder:
    """Work that counts its turns and can be held up or made to fail."""

    def __init__(self) -> None:
        self.turns = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self, *_: object) -> bool:
        self.turns += 1
        self.gate.wait(10)
        if self.error:
            raise self.error
        return False


@pytest.fixture
def work() -> Recorder:
    """Work to be scheduled."""
    return Recorder()


@pytest.fixture
def loop(work: Recorder) -> Iterator[Loop]:
    """A running loop."""
    running = Loop("pass", work)
    running.start()
    yield running
    work.gate.set()
    running.end()
    assert running.has_ended(10)


def test_loop_gathers_a_burst_into_one_turn(loop: Loop, work: Recorder) -> None:
    """A hundred wakes together are answered once."""
    for _ in range(100):
        loop.wake()
    assert eventually(lambda: work.turns == 1)
    time.sleep(0.2)
    assert work.turns == 1


def test_loop_runs_again_when_woken_during_a_turn(loop: Loop, work: Recorder) -> None:
    """A wake that comes while a turn runs is not lost, and many bring only one more."""
    work.gate.clear()
    loop.wake()
    assert eventually(lambda: work.turns == 1)
    for _ in range(5):
        loop.wake()
    work.gate.set()
    assert eventually(lambda: work.turns == 2)
    time.sleep(0.2)
    assert work.turns == 2


def test_loop_survives_and_counts_an_error(
    loop: Loop, work: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed turn is logged and counted, and the next wake is answered."""
    work.error = RuntimeError("the disk is full")
    with caplog.at_level(logging.ERROR):
        loop.wake()
        assert eventually(lambda: "The pass failed" in caplog.text)
    assert loop.failures == 1
    assert loop.is_resting
    work.error = None
    loop.wake()
    assert eventually(lambda: work.turns == 2 and not loop.is_resting)


def test_loop_does_not_wait_for_ever_to_end(work: Recorder) -> None:
    """Stopping gives up on a turn that hangs, and says so."""
    hung = Loop("pass", work)
    hung.start()
    work.gate.clear()
    hung.wake()
    assert eventually(lambda: work.turns == 1)
    hung.end()
    assert not hung.has_ended(0.1)
    work.gate.set()
    assert hung.has_ended(10)


class Desk:
    """A schedule over recorded work, with a clock that stands still."""

    def __init__(self, *, tick_seconds: float = 3600.0, is_due: Callable[[], bool] = lambda: False) -> None:
        self.ticks: list[datetime] = []
        self.deliveries = 0
        self.lives = 0
        self.enqueues = False
        self.batches = 0
        self.schedule = Schedule(
            Work(
                now=lambda: EPOCH + timedelta(seconds=len(self.ticks)),
                tick=self._tick,
                lanes={"mail 1": self._deliver},
                is_due=lambda _: is_due(),
                live=self._live,
            ),
            tick_seconds,
        )

    def _tick(self, at: datetime) -> bool:
        self.ticks.append(at)
        return self.enqueues

    def _deliver(self) -> bool:
        self.deliveries += 1
        return self.deliveries < self.batches

    def _live(self, _: datetime) -> None:
        self.lives += 1


def test_schedule_ticks_at_the_start_and_at_each_interval() -> None:
    """What became due while nobody ran is looked at at once, then at each interval."""
    desk = Desk(tick_seconds=0.2)
    desk.schedule.start()
    assert eventually(lambda: len(desk.ticks) >= 3)
    assert desk.schedule.stop(5)
    assert desk.ticks[0] == EPOCH


def test_schedule_ticks_within_a_tenth_of_a_second_of_a_wake() -> None:
    """A post does not wait for the interval."""
    desk = Desk()
    desk.schedule.start()
    assert eventually(lambda: len(desk.ticks) == 1)
    woken = time.monotonic()
    desk.schedule.wake()
    assert eventually(lambda: len(desk.ticks) == 2)
    assert time.monotonic() - woken < 1.0
    assert desk.schedule.stop(5)


def test_schedule_delivers_what_a_tick_enqueued() -> None:
    """A tick that put something in the outbox is followed by a delivery; another is not."""
    desk = Desk()
    desk.schedule.start()
    assert eventually(lambda: len(desk.ticks) == 1 and desk.deliveries == 1)
    desk.enqueues = True
    desk.schedule.wake()
    assert eventually(lambda: desk.deliveries == 2, 3)
    assert desk.schedule.stop(5)


def test_schedule_delivers_until_nothing_is_ready() -> None:
    """A full batch is followed by the next at once."""
    desk = Desk()
    desk.batches = 3
    desk.schedule.start()
    assert eventually(lambda: desk.deliveries == 3, 3)
    assert desk.schedule.stop(5)


def test_schedule_notices_what_another_process_left_due() -> None:
    """An import in another terminal is evaluated within two seconds."""
    waiting = [True]
    desk = Desk(is_due=lambda: bool(waiting and waiting.pop()))
    desk.schedule.start()
    assert eventually(lambda: len(desk.ticks) == 2, 3)
    assert desk.schedule.stop(5)


def test_schedule_says_whether_it_lives_and_fails() -> None:
    """Life and failures are there for the health page."""
    desk = Desk()
    assert not desk.schedule.is_alive
    desk.schedule.start()
    assert desk.schedule.is_alive
    assert eventually(lambda: len(desk.ticks) == 1)
    assert desk.schedule.failures == {"tick": 0, "delivery mail 1": 0}
    assert desk.schedule.stop(5)
    assert not desk.schedule.is_alive


def test_schedule_stops_before_it_was_started() -> None:
    """A start that failed half-way can still be cleaned up."""
    assert Desk().schedule.stop(0.1)
