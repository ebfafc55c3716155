"""What commands share that run until they are stopped."""

import gc
import logging
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

_USUALLY = (700, 10, 10)
"""The interpreter's own: new objects, and rounds of each generation, that bring a look for garbage."""


def interrupt_on_signals() -> None:
    """Have Ctrl-C and SIGTERM raise KeyboardInterrupt."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Stop once; what comes while stopping changes nothing."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def settle_in() -> None:
    """Begin a long life: garbage is looked for as usual from now on, but not among what was loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_USUALLY)


def say(line: str, *, err: bool) -> None:
    """Tell a person something at once."""
    stream = sys.stderr if err else sys.stdout
    stream.write(line + "\n")
    stream.flush()


def log_to_stderr() -> None:
    """Have the log go where results do not."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("engine").setLevel(logging.INFO)


def leave_at_once() -> NoReturn:
    """End without waiting for threads that did not end in time; what they had begun is taken up later."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
