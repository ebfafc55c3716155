"""A person's queue, and what they do with its tasks."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.clock.zones import local_date, zone
from engine.console.groups import Stretch, rest_until, stretches
from engine.console.pages import is_part, local_path, render, see_other
from engine.console.session import Acting, SignedIn, Visitor
from engine.people import queue
from engine.people.queue import QueueTask, TaskFilter
from engine.runs import task_actions
from engine.runs.task_errors import TaskActionError, TaskNotFoundError
from engine.state.cursor import BadCursorError
from engine.state.database import reading

FIRST_SHOWN = 25
"""Tasks shown of each group."""
PAGE = 100
"""Tasks on a page of one group."""
_COUNTED = 1000

routes = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Group:
    """One group of the queue as shown."""

    key: str
    title: str
    tasks: tuple[QueueTask, ...]
    total: str
    cursor: str | None


@routes.get("/")
def home(visitor: SignedIn) -> Response:
    """The queue is home."""
    return see_other("/queue")


@routes.get("/queue")
def show_queue(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    assignee: Annotated[str, Query(max_length=200)] = "",
    group: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """Somebody's tasks, or everybody's, by urgency; `group` shows one group page by page."""
    now = service.now()
    with reading(service.database) as connection:
        people = queue.people(connection)
        open_tasks = queue.assignees(connection, visitor.scope)
        tz = _zone_of(service, people, assignee)
        try:
            wanted = TaskFilter(assignee or None, scope=visitor.scope)
            groups = _groups(connection, wanted, now, tz, group, after)
        except BadCursorError as error:
            raise Problem(422, "Address does not fit", f"{error}.") from error
    return render(
        request,
        "queue.html",
        visitor,
        groups=groups,
        assignee=assignee,
        choices=_choices(people, open_tasks, assignee),
        total=open_tasks.get(assignee, 0) if assignee else sum(open_tasks.values()),
        only=group,
        here=local_date(now, tz),
        back=_address(request),
        **task_context(service, tz, now),
    )


@routes.post("/tasks/{task_id}/complete")
def complete_task(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    task_id: str,
    outcome: Annotated[str, Form(max_length=200)] = "",
    note: Annotated[str, Form()] = "",
    back: Annotated[str, Form(max_length=2000)] = "/queue",
) -> Response:
    """Close a task with its outcome and a note."""
    now = service.now()
    fault = ""
    try:
        task_actions.complete(
            service.database, task_id, outcome=outcome or None, note=note, by=visitor.by, now=now
        )
    except TaskNotFoundError as error:
        raise Problem(404, "No such task", f"{error}.") from error
    except TaskActionError as error:
        fault = str(error)
    service.wake()
    return _answer(request, service, visitor, task_id, back, fault)


@routes.post("/tasks/{task_id}/snooze")
def snooze_task(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    task_id: str,
    until: Annotated[str, Form(max_length=20)] = "",
    on: Annotated[str, Form(max_length=20)] = "",
    back: Annotated[str, Form(max_length=2000)] = "/queue",
) -> Response:
    """Put a task off until tomorrow, next week or a date."""
    now = service.now()
    fault = ""
    tz = _task_zone(service, task_id)
    try:
        rest = rest_until(until, on, now, tz, service.settings.working_hours.start)
        task_actions.snooze(service.database, task_id, until=rest, by=visitor.by, now=now)
    except TaskNotFoundError as error:
        raise Problem(404, "No such task", f"{error}.") from error
    except (TaskActionError, ValueError) as error:
        fault = str(error)
    service.wake()
    return _answer(request, service, visitor, task_id, back, fault)


def _answer(
    request: Request, service: Service, visitor: Visitor, task_id: str, back: str, fault: str
) -> Response:
    """The task as it is now for the page's script; otherwise back to the page, or the fault as one."""
    if fault and not is_part(request):
        raise Problem(422, "Task unchanged", f"{fault[:1].upper()}{fault[1:]}.")
    if not is_part(request):
        return see_other(local_path(back, "/queue"))
    with reading(service.database) as connection:
        task = queue.one(connection, task_id)
        people = queue.people(connection)
    if task is None:
        raise Problem(404, "No such task", "The task was removed meanwhile.")
    tz = _zone_of(service, people, task.assignee)
    now = service.now()
    return render(
        request,
        "task_part.html",
        visitor,
        status=422 if fault else 200,
        task=task,
        fault=fault,
        back=local_path(back, "/queue"),
        here=local_date(now, tz),
        **task_context(service, tz, now),
    )


def _groups(
    connection: Connection, tasks: TaskFilter, now: datetime, tz: ZoneInfo, only: str, after: str
) -> list[Group]:
    found = []
    for stretch in stretches(now, tz):
        if only in ("", stretch.key):
            wanted = replace(tasks, due_from=stretch.start, due_before=stretch.end, awake_at=now)
            found.append(_group(connection, stretch, wanted, bool(only), after))
    if only in ("", "snoozed"):
        resting = Stretch("snoozed", "Snoozed", None, None)
        found.append(_group(connection, resting, replace(tasks, resting_at=now), bool(only), after))
    return [each for each in found if each.tasks]


def _group(connection: Connection, stretch: Stretch, wanted: TaskFilter, is_alone: bool, after: str) -> Group:
    shown = queue.page(connection, wanted, limit=PAGE if is_alone else FIRST_SHOWN, cursor=after or None)
    total = queue.count(connection, wanted, at_most=_COUNTED) if shown.cursor or after else len(shown.tasks)
    words = f"{_COUNTED - 1:,}+" if total >= _COUNTED else str(total)
    return Group(stretch.key, stretch.title, shown.tasks, words, shown.cursor)


def _choices(people: Any, open_tasks: dict[str, int], chosen: str) -> list[tuple[str, str, int]]:
    """Whose queue can be shown: id, name and number of open tasks; people first, shared queues after."""
    known = {*people, *open_tasks, *([chosen] if chosen else [])}
    named = [
        (
            each,
            queue.display_name(each, people[each].name if each in people else None),
            open_tasks.get(each, 0),
        )
        for each in known
    ]
    return sorted(named, key=lambda each: (each[0].startswith("team:"), each[1].lower(), each[0]))


def task_context(service: Service, tz: ZoneInfo, now: datetime) -> dict[str, Any]:
    titles = {playbook.name: playbook.title for playbook in service.playbooks()}
    return {"titles": titles, "tz": tz, "now": now, "earliest": _tomorrow(now, tz)}


def _tomorrow(now: datetime, tz: ZoneInfo) -> date:
    return date.fromordinal(local_date(now, tz).toordinal() + 1)


def _task_zone(service: Service, task_id: str) -> ZoneInfo:
    with reading(service.database) as connection:
        task = queue.one(connection, task_id)
        return _zone_of(service, queue.people(connection), task.assignee if task else "")


def _zone_of(service: Service, people: Any, assignee: str) -> ZoneInfo:
    """The person's time zone, or the installation's."""
    person = people.get(assignee)
    try:
        return zone(person.timezone if person and person.timezone else service.settings.timezone)
    except ValueError:
        return zone("UTC")


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
