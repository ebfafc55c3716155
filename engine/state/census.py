"""How many subjects of a kind there were in the book at past instants."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from engine.conditions.catalogue import Kind
from engine.state.tables import Change

_CHANGE: Any = Change.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Census:
    """The subjects of one kind: how many were known at first, and when each later one came to be known."""

    at_first: int
    later: tuple[datetime, ...]
    """In order."""

    def size(self, at: datetime) -> int:
        """How many were known by `at`, which must lie within what was counted."""
        return self.at_first + bisect_right(self.later, at)


def take_census(connection: Connection, kind: Kind, instants: Iterable[datetime]) -> Census:
    """Count the subjects of a kind for these instants, of which there must be one."""
    asked = list(instants)
    first, last = min(asked), max(asked)
    born = (_CHANGE.c.kind == kind.value, _CHANGE.c.field == "exists", _CHANGE.c.superseded.is_(False))
    count = select(func.count()).select_from(_CHANGE).where(*born, _CHANGE.c.applies_at <= first)
    later = select(_CHANGE.c.applies_at).where(*born, _CHANGE.c.applies_at > first)
    query = later.where(_CHANGE.c.applies_at <= last).order_by(_CHANGE.c.applies_at)
    return Census(connection.scalar(count) or 0, tuple(connection.scalars(query)))
