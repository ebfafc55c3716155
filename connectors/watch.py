"""Cuts what is not over in time, with one thread for everything that is under way."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import Condition, Thread


class Watch:
    """Holds deadlines. Its thread lives while there is one, so that nobody has to end it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._due: dict[int, tuple[float, Callable[[], None]]] = {}
        self._numbers = count()
        self._wakes_at: float | None = None
        """When the thread looks again; None while there is none."""

    @contextmanager
    def within(self, seconds: float, cut: Callable[[], None]) -> Iterator[None]:
        """Calls `cut`, which must not wait, from another thread when the block is not over in time."""
        number, at = next(self._numbers), time.monotonic() + seconds
        with self._changed:
            self._due[number] = (at, cut)
            self._look_by(at)
        try:
            yield
        finally:
            with self._changed:
                self._due.pop(number, None)

    def _look_by(self, at: float) -> None:
        if self._wakes_at is None:
            self._wakes_at = at
            Thread(target=self._run, name="tminus-watch", daemon=True).start()
        elif at < self._wakes_at:
            self._wakes_at = at
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while self._due:
                self._wakes_at = min(at for at, _ in self._due.values())
                self._changed.wait(self._wakes_at - time.monotonic())
                self._cut_late(time.monotonic())
            self._wakes_at = None

    def _cut_late(self, now: float) -> None:
        for number in [each for each, (at, _) in self._due.items() if at <= now]:
            _, cut = self._due.pop(number)
            cut()
