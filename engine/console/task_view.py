"""A task's sheet as its page and the pane beside the list show it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from engine.api.service import Service
from engine.clock.zones import local_date
from engine.console.queue_view import reader_zone
from engine.console.session import Visitor
from engine.people import queue
from engine.people.assigning import shared_queues
from engine.people.task_sheet import TaskSheet, read_sheet
from engine.rulefile.model import Playbook
from engine.state.database import reading
from engine.state.tables import Task

_TASK: Any = Task.__table__  # type: ignore[attr-defined]


def sheet_context(
    service: Service, visitor: Visitor, task_id: str, back: str, fault: str = ""
) -> dict[str, Any] | None:
    """What the template of a sheet shows; None when there is no such task, or the visitor may not see it."""
    now = service.now()
    with reading(service.database) as connection:
        if task_id not in seen_tasks(connection, visitor, [task_id]):
            return None
        sheet = read_sheet(connection, task_id)
        people = queue.people(connection)
    if sheet is None:
        return None
    tz = reader_zone(service, people, sheet.task.assignee)
    names = {each.id: each.name for each in people.values()}
    shared = {each: queue.display_name(each, None) for each in sorted(shared_queues(service.settings))}
    here = local_date(now, tz)
    playbook = next((each for each in service.playbooks() if each.name == sheet.task.playbook), None)
    return {
        "sheet": sheet,
        "task": sheet.task,
        "fault": fault,
        "tz": tz,
        "now": now,
        "here": here,
        "earliest": date.fromordinal(here.toordinal() + 1),
        "playbook": playbook,
        "steps": _steps(sheet, playbook),
        "names": {**names, **shared},
        "assignees": {key: name for key, name in {**names, **shared}.items() if key != sheet.task.assignee},
        "back": back,
        "undoable": sheet.task.counts_at is not None and sheet.task.counts_at > now,
    }


def seen_tasks(connection: Any, visitor: Visitor, task_ids: list[str]) -> set[str]:
    """Those of the tasks that the visitor may see; a task that does not exist may be seen by nobody."""
    query = _TASK.select().with_only_columns(_TASK.c.id).where(_TASK.c.id.in_(task_ids))
    if not visitor.scope.is_everything:
        query = query.where(visitor.scope.sees_task(_TASK.c.account_id, _TASK.c.assignee))
    return set(connection.scalars(query))


def _steps(sheet: TaskSheet, playbook: Playbook | None) -> list[Mapping[str, Any]]:
    """The steps of the run in the order of the playbook, with the task's own marked."""
    order = {step.id: index for index, step in enumerate(playbook.steps)} if playbook else {}
    rows = sorted(sheet.steps, key=lambda row: (order.get(row.step, len(order)), row.occurrence))
    own = (sheet.task.step, sheet.task.occurrence)
    return [
        {
            "name": row.step,
            "occurrence": row.occurrence,
            "state": row.state,
            "outcome": row.outcome,
            "reason": row.reason,
            "due_on": row.due_on,
            "is_own": (row.step, row.occurrence) == own,
        }
        for row in rows
    ]
