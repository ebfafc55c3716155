"""How far a source has been seen, and when that settles an answer."""

from datetime import UTC, datetime, timedelta

import pytest

from engine.conditions.feed import Advance, Feed, Feeds, in_order

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)


def feed(*advances: tuple[timedelta, timedelta], lag: timedelta = timedelta(0)) -> Feed:
    """Advances as (known so long ago, of a watermark so long ago); negative ones are still to come."""
    return Feed("usage", lag, in_order(Advance(NOW - known, NOW - mark) for known, mark in advances))


@pytest.mark.parametrize(
    ("given", "point", "covers", "changes", "missing"),
    [
        (feed(), -DAY, False, None, NOW - DAY),
        (feed((HOUR, DAY)), -DAY, True, None, None),
        (feed((HOUR, DAY)), -DAY + TICK, False, None, NOW - DAY + TICK),
        (feed((HOUR, DAY), (-HOUR, HOUR)), -2 * HOUR, False, NOW + HOUR, None),
        (feed((HOUR, DAY), (-HOUR, 5 * HOUR)), -2 * HOUR, False, None, NOW - 2 * HOUR),
        (feed((HOUR, DAY), lag=2 * DAY), DAY, True, None, None),
        (feed((HOUR, DAY), lag=2 * DAY), 5 * DAY, True, NOW + DAY + TICK, None),
        (feed((HOUR, DAY), lag=HOUR), 5 * DAY, False, None, NOW - HOUR),
        (feed((9 * DAY, HOUR)), -2 * HOUR, True, None, None),
    ],
)
def test_feed_covers_what_it_has_seen(
    given: Feed, point: timedelta, covers: bool, changes: datetime | None, missing: datetime | None
) -> None:
    """Up to its watermark and lag, or up to now; what it knows of later is when that changes."""
    found = (
        given.covers(NOW + point, NOW), given.next_change(NOW + point, NOW), given.missing(NOW + point, NOW)
    )  # fmt: skip
    assert found == (covers, changes, missing)


def test_feed_never_goes_back() -> None:
    """A smaller watermark learned later takes nothing away."""
    given = feed((3 * HOUR, HOUR), (2 * HOUR, DAY))
    assert given.reached(NOW) == NOW - HOUR
    assert given.reached(NOW - 3 * HOUR - TICK) is None


def test_feeds_without_an_instant_are_as_before_it() -> None:
    """What becomes known at the instant is hidden, and nothing else."""
    feeds = Feeds(events={"login": (feed((HOUR, DAY), (timedelta(0), HOUR), (-HOUR, timedelta(0))),)})
    assert feeds.move_at(NOW)
    (hidden,) = feeds.without(NOW)
    assert [each.known_at for each in hidden.advances] == [NOW - HOUR, NOW + HOUR]


def test_feeds_learn_late_what_ends_a_wait() -> None:
    """Only an advance that reaches what was waited for, and that was known before the last look, is late."""
    feeds = Feeds(events={"login": (feed((3 * HOUR, 2 * DAY), (2 * HOUR, DAY)),)})
    (found,) = feeds.late({"usage": NOW - DAY}, NOW - HOUR, NOW)
    assert [each.known_at for each in found.advances] == [NOW - 3 * HOUR, NOW]
    (same,) = feeds.late({"phone": NOW - DAY}, NOW - HOUR, NOW)
    assert same == next(iter(feeds))
