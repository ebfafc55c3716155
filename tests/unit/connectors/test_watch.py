"""Deadlines of exchanges."""

import time
from threading import Event, enumerate

from connectors.watch import Watch

LONG = 30.0


def watching() -> int:
    """How many threads hold deadlines."""
    return sum(each.name == "tminus-watch" for each in enumerate())


def test_within_cuts_what_is_late_and_nothing_else() -> None:
    """A short deadline given after a long one is kept, whatever ends in between."""
    watch, early, late = Watch(), Event(), Event()
    with watch.within(LONG, late.set):
        for _ in range(100):
            with watch.within(LONG, late.set):
                pass
        began = time.monotonic()
        with watch.within(0.05, early.set):
            assert early.wait(5)
        assert 0.05 <= time.monotonic() - began < 5
    assert not late.is_set()


def test_watch_ends_its_thread_when_nothing_is_under_way() -> None:
    """And begins another when something is again."""
    before, watch = watching(), Watch()
    for _ in range(2):
        over = Event()
        with watch.within(0.01, over.set):
            assert over.wait(5)
        began = time.monotonic()
        while watching() > before and time.monotonic() - began < 5:
            time.sleep(0.01)
        assert watching() == before
