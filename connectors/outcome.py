"""What came of one try at delivering one message: a closed set of four."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side took it; `receipt` is what it said."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It was certainly not taken, and a later try may succeed."""

    reason: str
    after: timedelta | None = None
    """How long the other side asks us to wait at least."""
    is_outage: bool = False
    """Whether the way is blocked, not only this message: no connection, no answer."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It was certainly not taken, and never will be."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Everything was handed over, but no definite answer came: it may or may not have been taken."""

    reason: str


Outcome: TypeAlias = Delivered | Retry | Failed | Unknown
