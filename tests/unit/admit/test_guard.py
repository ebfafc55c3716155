"""The guard: what goes beyond a playbook's limit is held, whatever way it was gathered."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from engine.admit.guard import Opening, guard
from engine.rulefile.model import Guard
from tests.builders import START

LIMIT = {"slide": Guard(3, timedelta(hours=1)), "other": Guard(3, timedelta(hours=1))}
MINUTE = timedelta(minutes=1)


def openings(count: int, minutes: int = 0, playbook: str = "slide") -> list[Opening]:
    """Openings of one instant."""
    at = START + minutes * MINUTE
    return [Opening(playbook, f"a{each}", f"{playbook}-{minutes}-{each}", at) for each in range(count)]


def test_guard_lets_the_limit_pass_and_holds_what_exceeds_it() -> None:
    """Three at once start; four at once are held, all of them."""
    assert guard(openings(3), LIMIT, {}, {}) == []
    (batch,) = guard(openings(4), LIMIT, {}, {})
    assert batch.episodes == {f"slide-0-{each}" for each in range(4)}
    assert batch.reason == "4 would start at once after 0 in the last 1 h; the guard allows 3"


def test_guard_counts_each_playbook_alone() -> None:
    """Three of one and three of another start."""
    assert guard([*openings(3), *openings(3, playbook="other")], LIMIT, {}, {}) == []


def test_guard_counts_within_its_stretch_of_time() -> None:
    """What was an hour ago no longer counts; what was 59 minutes ago does."""
    assert guard(openings(3, 60), LIMIT, {"slide": [START] * 3}, {}) == []
    (batch,) = guard(openings(1, 59), LIMIT, {"slide": [START] * 3}, {})
    assert (batch.at, batch.size) == (START + 59 * MINUTE, 1)


def test_guard_counts_what_it_held() -> None:
    """While a crowd is held, stragglers are held too: the reason for stopping has not gone away."""
    batches = guard([*openings(5), *openings(1, 10)], LIMIT, {}, {})
    assert [(each.at - START, each.size) for each in batches] == [(timedelta(0), 5), (10 * MINUTE, 1)]


def test_guard_gives_the_same_answer_however_openings_are_gathered() -> None:
    """Two passes, the second knowing the first, hold what one pass holds."""
    early, late = [*openings(2), *openings(2, 10)], openings(1, 20)
    together = guard([*early, *late], LIMIT, {}, {})
    first = guard(early, LIMIT, {}, {})
    earlier = {"slide": [each.at for each in early]}
    second = guard(late, LIMIT, earlier, {("slide", START + 10 * MINUTE): True})
    assert [*first, *second] == together


def test_guard_adds_to_a_hold_that_a_cut_short_pass_wrote() -> None:
    """The rest of a batch joins it and is not counted twice."""
    (whole,) = guard(openings(4), LIMIT, {}, {})
    rest, *none = guard(openings(4)[2:], LIMIT, {"slide": [START] * 4}, {("slide", START): True})
    assert rest.id == whole.id
    assert none == []


def test_guard_holds_anew_at_the_instant_of_a_released_hold() -> None:
    """A release is for what was held then."""
    (whole,) = guard(openings(4), LIMIT, {}, {})
    (more,) = guard(openings(6)[4:], LIMIT, {"slide": [START] * 4}, {("slide", START): False})
    assert more.id != whole.id


@pytest.mark.parametrize(
    ("subjects", "share", "allowed"),
    [
        (1000, "0.5", 5),
        (1000, "5", 20),
        (199, "0.5", 1),
        (399, "0.5", 1),
        (400, "0.5", 2),
        (3, "1", 1),
        (0, "1", 20),
    ],
)
def test_guard_allows_a_share_but_always_one(subjects: int, share: str, allowed: int) -> None:
    """Rounded down, and never more than `max_starts`."""
    assert Guard(20, timedelta(hours=1), Decimal(share)).allowed(subjects) == allowed


def test_guard_counts_the_subjects_when_the_stretch_began() -> None:
    """An hour before: accounts that are new since do not widen it."""
    asked = []

    def subjects(name: str, at: datetime) -> int:
        asked.append((name, at))
        return 40

    limit = {"slide": Guard(20, timedelta(hours=1), Decimal(5))}
    assert guard(openings(2), limit, {}, {}, subjects) == []
    (batch,) = guard(openings(3), limit, {}, {}, subjects)
    assert batch.reason.endswith("in the last 1 h; the guard allows 2, 5% of those there were")
    assert set(asked) == {("slide", START - timedelta(hours=1))}
