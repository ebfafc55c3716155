"""Deliveries of a running process, whether it does anything else or not."""

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

from engine.outbox.deliver import Deliverer
from engine.outbox.entry import close_connectors
from engine.outbox.lane import Lane
from engine.outbox.wiring import open_connectors
from engine.schedule import Loop, repeating
from engine.settings import Settings

log = logging.getLogger(__name__)

AT_ONCE = 100
"""Outbox entries delivered before the delivery looks up."""
STOP_SECONDS = 5.0
"""How long a stop waits for deliveries under way."""
CUT_SECONDS = 2.0
"""How long it then waits for what came of deliveries whose connections it has cut."""
LOOK_SECONDS = 1.0
"""How often a process that only delivers looks for what others have put into the outbox."""
LOOKS_A_RECOVERY = 30


def now() -> datetime:
    """The clock of a running process."""
    return datetime.now(UTC)


def open_deliverer(database: Engine, settings: Settings, stack: ExitStack) -> Deliverer:
    """A deliverer of this process that gives signs of life; `stack` closes its connections."""
    connectors = open_connectors(settings, database)
    stack.callback(close_connectors, connectors)
    owner = f"{socket.gethostname()}:{os.getpid()}"
    deliverer = Deliverer(database, connectors, settings, now, owner)
    deliverer.begin()
    return deliverer


def turns(deliverer: Deliverer) -> dict[str, Callable[[], bool]]:
    """Each lane as something that does a batch and says whether more is ready."""

    def turn(lane: Lane) -> bool:
        return lane.run(AT_ONCE).total() >= AT_ONCE

    return {name: partial(turn, lane) for name, lane in deliverer.lanes.items()}


def stop_delivering(
    deliverer: Deliverer, has_stopped: Callable[[float], bool], cuts: Sequence[Callable[[], None]] = ()
) -> bool:
    """Hand back what is not begun, and cut off what hangs; whether everything came to an end.

    `has_stopped` waits at most so many seconds for the lanes; `cuts` end what else may hang.
    """
    deliverer.end()
    if has_stopped(STOP_SECONDS):
        return True
    deliverer.cut()
    for cut in cuts:
        cut()
    return has_stopped(CUT_SECONDS)


def deliver(settings: Settings, database: Engine, say: Callable[[str], None]) -> bool:
    """Deliver what others put into the outbox, until KeyboardInterrupt. Raises ConfigError.

    Any number of processes may do so beside one another and beside the service. Returns whether everything
    under way could be finished.
    """
    with ExitStack() as stack:
        deliverer = open_deliverer(database, settings, stack)
        loops = [repeating(f"delivery {name}", turn) for name, turn in turns(deliverer).items()]
        with suppress(KeyboardInterrupt):
            for loop in loops:
                loop.start()
            say("Delivering. Ctrl-C stops it.")
            _look(deliverer, loops)
        say("Stopping.")
        is_clean = stop_delivering(deliverer, partial(_have_ended, loops))
        if not is_clean:
            log.warning("What was under way is left as it is; another deliverer takes it up.")
    return is_clean


def _look(deliverer: Deliverer, loops: list[Loop]) -> None:
    looks = 0
    while True:
        if looks % LOOKS_A_RECOVERY == 0:
            _recover(deliverer)
        for loop in loops:
            if not loop.is_resting:
                loop.wake()
        looks += 1
        time.sleep(LOOK_SECONDS)


def _recover(deliverer: Deliverer) -> None:
    try:
        deliverer.recover()
    except Exception:
        log.exception("What another deliverer left behind could not be taken up; it will be tried again.")


def _have_ended(loops: list[Loop], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    for loop in loops:
        loop.end()
    return all(loop.has_ended(max(0.0, deadline - time.monotonic())) for loop in loops)
