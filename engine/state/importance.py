"""How much a task matters beside others: points for its playbook's priority, what is at stake, and health.

Among equals the one that is due sooner goes first. Whether a task is overdue is no part of it: queues show
overdue tasks before all others.
"""

from dataclasses import dataclass
from decimal import Decimal

ARR_POINTS: tuple[tuple[int, int], ...] = (
    (1_000_000, 50),
    (500_000, 40),
    (100_000, 30),
    (50_000, 20),
    (10_000, 10),
    (1_000, 5),
)
"""From this ARR on, so many points."""
HEALTH_POINTS: tuple[tuple[int, int], ...] = ((40, 30), (60, 20), (75, 10))
"""Below this health, so many points."""
UNKNOWN_HEALTH_POINTS = 10


@dataclass(frozen=True, slots=True)
class Importance:
    """The points of a task and what they are for."""

    priority: int
    """Of its playbook, from 0 to 100."""
    arr: int
    health: int

    @property
    def points(self) -> int:
        """All of them together."""
        return self.priority + self.arr + self.health


def importance(priority: int, arr: Decimal | None, health: Decimal | None) -> Importance:
    """What a task with this priority matters for an account with this ARR and this health."""
    return Importance(priority, _arr_points(arr), _health_points(health))


def _arr_points(arr: Decimal | None) -> int:
    if arr is None:
        return 0
    return next((points for least, points in ARR_POINTS if arr >= least), 0)


def _health_points(health: Decimal | None) -> int:
    if health is None:
        return UNKNOWN_HEALTH_POINTS
    return next((points for limit, points in HEALTH_POINTS if health < limit), 0)
