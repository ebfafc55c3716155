"""Held batches: listing them, and releasing them to start at a given instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, or_, select, update

from engine.state import tables
from engine.state.database import reading, writing

_HOLD: Any = tables.Hold.__table__  # type: ignore[attr-defined]
_EPISODE: Any = tables.Episode.__table__  # type: ignore[attr-defined]
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """Openings of one playbook at one instant that the guard stopped together."""

    id: str
    playbook: str
    at: datetime
    size: int
    reason: str
    state: str


def list_holds(database: Engine, *, only_held: bool) -> list[HeldBatch]:
    """The holds, oldest first."""
    query = select(_HOLD.c.id, _HOLD.c.playbook, _HOLD.c.at, _HOLD.c.size, _HOLD.c.reason, _HOLD.c.state)
    if only_held:
        query = query.where(_HOLD.c.state == "held")
    with reading(database) as connection:
        return [HeldBatch(*row) for row in connection.execute(query.order_by(_HOLD.c.at, _HOLD.c.id))]


def release_holds(database: Engine, ids: Sequence[str], *, by: str, at: datetime) -> int:
    """Let the openings of these holds start at `at`, if they still apply then; the next tick sees to it.

    Returns how many holds were held until now.
    """
    with writing(database) as connection:
        released = connection.execute(
            update(_HOLD)
            .where(_HOLD.c.id.in_(ids), _HOLD.c.state == "held")
            .values(state="released", released_at=at, released_by=by)
        ).rowcount
        owners = select(_EPISODE.c.account_id).where(
            _EPISODE.c.hold_id.in_(ids), _EPISODE.c.state.in_(("pending", "active"))
        )
        is_later = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > at)
        connection.execute(
            update(_WATCH).where(_WATCH.c.account_id.in_(owners)).values(revision=_WATCH.c.revision + 1)
        )
        connection.execute(update(_WATCH).where(_WATCH.c.account_id.in_(owners), is_later).values(due_at=at))
    return released
