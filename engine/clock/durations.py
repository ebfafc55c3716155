"""Spans of time as a playbook writes them: `30d`, `2bd`, `4h`, `15min`, `2w`."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Unit = Literal["min", "h", "d", "w", "bd"]

_PATTERN = re.compile(r"^(\d{1,5})(min|h|d|w|bd)$")
_ELAPSED: dict[str, timedelta] = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of one unit. `bd` counts business days, every other unit is elapsed time."""

    amount: int
    unit: Unit

    @property
    def is_business(self) -> bool:
        """Whether a calendar is needed to add this duration."""
        return self.unit == "bd"

    @property
    def elapsed(self) -> timedelta:
        """The span as elapsed time. Raises ValueError for business days, which have no fixed length."""
        if self.is_business:
            raise ValueError(f"{self} counts business days and has no fixed length")
        return _ELAPSED[self.unit] * self.amount

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


def parse_duration(text: str) -> Duration:
    """Read `30d`, `2bd`, `4h`, `15min` or `2w`. Raises ValueError naming the accepted forms."""
    found = _PATTERN.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a duration; write a number and a unit: 15min, 4h, 30d, 2w or 2bd")
    return Duration(int(found[1]), found[2])  # type: ignore[arg-type]
