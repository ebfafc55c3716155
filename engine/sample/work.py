"""The sample's people finish most of their tasks, so that queues look like those of a team at work."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from engine.identity import digest
from engine.runs.task_actions import complete
from engine.state.database import reading
from engine.state.tables import Task

_TASK: Any = Task.__table__  # type: ignore[attr-defined]

PATIENCE = timedelta(hours=20)
"""How long a task lies before somebody looks at it."""
DILIGENCE = 82
"""Of a hundred tasks, those that are finished at all."""


def finish_tasks(database: Engine, now: datetime) -> int:
    """Finish what has lain long enough; which tasks, and with which outcome, follows from their ids.

    Returns how many were finished.
    """
    query = select(_TASK.c.id, _TASK.c.outcomes, _TASK.c.assignee).where(
        _TASK.c.state == "open", _TASK.c.created_at <= now - PATIENCE
    )
    with reading(database) as connection:
        rows = connection.execute(query.order_by(_TASK.c.id)).all()
    chosen = [row for row in rows if _draw("diligence", row.id) < DILIGENCE]
    for row in chosen:
        outcomes = row.outcomes or []
        outcome = outcomes[_draw("outcome", row.id) % len(outcomes)] if outcomes else None
        complete(database, row.id, outcome=outcome, note=None, by=row.assignee, now=now)
    return len(chosen)


def _draw(what: str, task_id: str) -> int:
    """A number from 0 to 99 that follows from the task."""
    return int(digest("work", what, task_id), 16) % 100
