"""Tasks over the API: list them, read one, and its log."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from starlette.responses import Response

from engine.api.access import Bearer, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import ProblemDetails, TaskItem, TaskList, TaskLog
from engine.api.service import Service
from engine.people import queue
from engine.people.queue import QueueTask, TaskFilter
from engine.runs.task_errors import TaskNotFoundError
from engine.runs.task_log import read_log
from engine.state.cursor import BadCursorError
from engine.state.database import reading

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "The body is not usable JSON."},
    401: {**_PROBLEM, "description": "The token is missing or not accepted."},
    404: {**_PROBLEM, "description": "There is no such task."},
    409: {**_PROBLEM, "description": "The task is closed already, or it is too late."},
    412: {**_PROBLEM, "description": "The task has changed since; `detail` says who did what."},
    422: {**_PROBLEM, "description": "What is given does not fit; `choices` has the outcomes."},
}
"""What the routes under `/tasks` may answer."""


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documentation of some of the answers."""
    return {status: ANSWERS[status] for status in statuses}


routes = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


@routes.get("", response_model=TaskList, responses=answers(401, 422))
def list_tasks(
    service: ServiceHere,
    bearer: Bearer,
    assignee: Annotated[
        str | None, Query(max_length=200, description="A person's id or `team:ROLE`.")
    ] = None,
    account_id: Annotated[str | None, Query(max_length=200)] = None,
    playbook: Annotated[str | None, Query(max_length=200)] = None,
    state: Annotated[Literal["open", "done", "skipped", "cancelled", "all"], Query()] = "open",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> dict[str, Any]:
    """Tasks by priority, highest first, then by due time. Snoozed ones are open, with `snoozed_until`."""
    wanted = TaskFilter(assignee, account_id, playbook, None if state == "all" else state)
    try:
        with reading(service.database) as connection:
            found = queue.page(connection, wanted, limit=limit, cursor=cursor)
    except BadCursorError as error:
        raise Problem(422, "Parameters do not fit", f"{error}.") from error
    return {"items": [task.as_json() for task in found.tasks], "next_cursor": found.cursor}


@routes.get(
    "/{task_id}",
    response_model=TaskItem,
    responses={**answers(401, 404), 304: {"description": "It is still the version of `If-None-Match`."}},
)
def read_task(
    service: ServiceHere, bearer: Bearer, task_id: str, if_none_match: Annotated[str, Header()] = ""
) -> Response:
    """One task, in whatever state. Its ETag is its version."""
    task = task_of(service, task_id)
    if task.version in versions_in(if_none_match):
        return Response(status_code=304, headers=etag(task))
    return JSONResponse(task.as_json(), headers=etag(task))


@routes.get("/{task_id}/log", response_model=TaskLog, responses=answers(401, 404))
def read_task_log(service: ServiceHere, bearer: Bearer, task_id: str) -> dict[str, Any]:
    """What was done with a task, when and by whom: the last hundred things, oldest first."""
    task_of(service, task_id)
    with reading(service.database) as connection:
        return {"items": [entry.as_json() for entry in read_log(connection, task_id)]}


def task_of(service: Service, task_id: str) -> QueueTask:
    """The task of that id. Raises Problem (404)."""
    with reading(service.database) as connection:
        task = queue.one(connection, task_id)
    if task is None:
        raise Problem(404, "No such task", f"{TaskNotFoundError(task_id)}.")
    return task


def etag(task: QueueTask) -> dict[str, str]:
    """The header that names the version of a task."""
    return {"ETag": f'"{task.version}"'}


def versions_in(header: str) -> tuple[str, ...]:
    """The versions that an `If-Match` or `If-None-Match` names."""
    return tuple(each.strip().removeprefix("W/").strip('"') for each in header.split(",") if each.strip())
