"""What a verdict does to an episode, as one table."""

from datetime import timedelta

import pytest

from engine.episodes.episode import Episode, EpisodeState, Transition, transition
from tests.builders import START

DAY = timedelta(days=1)


def episode(state: EpisodeState) -> Episode:
    """One that began at START."""
    return Episode("e", "acme", "slide", "account", "acme", "", state, START)


@pytest.mark.parametrize(
    ("state", "verdict", "after", "held_for", "expected"),
    [
        (None, True, 0 * DAY, 0 * DAY, Transition.OPEN),
        (None, True, 0 * DAY, DAY, Transition.PEND),
        (None, False, 0 * DAY, DAY, Transition.STAY),
        (None, None, 0 * DAY, 0 * DAY, Transition.STAY),
        (EpisodeState.PENDING, True, DAY / 2, DAY, Transition.STAY),
        (EpisodeState.PENDING, True, DAY, DAY, Transition.OPEN),
        (EpisodeState.PENDING, None, 2 * DAY, DAY, Transition.STAY),
        (EpisodeState.PENDING, False, DAY, DAY, Transition.RESOLVE),
        (EpisodeState.ACTIVE, True, 9 * DAY, DAY, Transition.STAY),
        (EpisodeState.ACTIVE, None, 9 * DAY, DAY, Transition.STAY),
        (EpisodeState.ACTIVE, False, 9 * DAY, DAY, Transition.RESOLVE),
    ],
)
def test_transition_follows_the_verdict(
    state: EpisodeState | None,
    verdict: bool | None,
    after: timedelta,
    held_for: timedelta,
    expected: Transition,
) -> None:
    """An unknown verdict neither opens nor resolves; `for` stands between holding and opening."""
    standing = None if state is None else episode(state)
    assert transition(standing, verdict, START + after, held_for) is expected
