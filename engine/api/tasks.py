"""Tasks over the API: list, complete, snooze."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from engine.api.access import Bearer, Body, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import ProblemDetails, TaskItem, TaskList
from engine.api.service import Service
from engine.api.strict_json import parse_object, text_in
from engine.api.values import ValueRefused, read_instant
from engine.people import queue
from engine.people.queue import TaskFilter
from engine.runs import task_actions
from engine.runs.task_actions import TaskActionError, TaskClosedError, TaskNotFoundError, UnknownOutcomeError
from engine.state.cursor import BadCursorError
from engine.state.database import reading

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {**_PROBLEM, "description": "The body is not usable JSON."},
    401: {**_PROBLEM, "description": "The token is missing or not accepted."},
    404: {**_PROBLEM, "description": "There is no such task."},
    409: {**_PROBLEM, "description": "The task is closed already."},
    422: {**_PROBLEM, "description": "The outcome, note or time does not fit; `choices` has the outcomes."},
}
_LIST_ANSWERS: dict[int | str, dict[str, Any]] = {status: _ANSWERS[status] for status in (401, 422)}

routes = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


class Completion(BaseModel):
    """How a task ended."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"outcome": "reached", "note": "Call on Friday."}}
    )
    outcome: str | None = Field(None, description="One of the task's `outcomes`; needed where it has any.")
    note: str | None = Field(None, max_length=task_actions.LONGEST_NOTE)


class Snooze(BaseModel):
    """Until when a task rests."""

    model_config = ConfigDict(json_schema_extra={"example": {"until": "2026-02-02T08:00:00Z"}})
    until: datetime = Field(description="An instant in the future, at most 366 days away.")


def _documented(model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


@routes.get("", response_model=TaskList, responses=_LIST_ANSWERS)
def list_tasks(
    service: ServiceHere,
    bearer: Bearer,
    assignee: Annotated[
        str | None, Query(max_length=200, description="A person's id or `team:ROLE`.")
    ] = None,
    account_id: Annotated[str | None, Query(max_length=200)] = None,
    playbook: Annotated[str | None, Query(max_length=200)] = None,
    state: Annotated[Literal["open", "done", "cancelled", "all"], Query()] = "open",
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


@routes.post(
    "/{task_id}/complete", response_model=TaskItem, responses=_ANSWERS, openapi_extra=_documented(Completion)
)
def complete_task(service: ServiceHere, bearer: Bearer, task_id: str, body: Body) -> dict[str, Any]:
    """Close a task as done; its run goes on at once."""
    given = parse_object(body, {"outcome", "note"})
    outcome, note = (text_in(given, key) for key in ("outcome", "note"))
    _acted(
        lambda: task_actions.complete(
            service.database, task_id, outcome=outcome, note=note, by=bearer, now=service.now()
        )
    )
    service.wake()
    return _shown(service, task_id)


@routes.post(
    "/{task_id}/snooze", response_model=TaskItem, responses=_ANSWERS, openapi_extra=_documented(Snooze)
)
def snooze_task(service: ServiceHere, bearer: Bearer, task_id: str, body: Body) -> dict[str, Any]:
    """Let a task rest until an instant; it stays open and keeps its due date."""
    try:
        until = read_instant(parse_object(body, {"until"}).get("until"))
    except ValueRefused as refused:
        raise Problem(422, "Time does not fit", f"until: {refused}.") from refused
    _acted(lambda: task_actions.snooze(service.database, task_id, until=until, by=bearer, now=service.now()))
    service.wake()
    return _shown(service, task_id)


def _acted(action: Any) -> None:
    """Do it, turning refusals into problems."""
    try:
        action()
    except TaskNotFoundError as error:
        raise Problem(404, "No such task", f"{error}.") from error
    except TaskClosedError as error:
        raise Problem(409, "Task is closed", f"{error}.") from error
    except UnknownOutcomeError as error:
        raise Problem(422, "Outcome does not fit", f"{error}.", choices=list(error.choices)) from error
    except TaskActionError as error:
        raise Problem(422, "Request does not fit", f"{error}.") from error


def _shown(service: Service, task_id: str) -> dict[str, Any]:
    with reading(service.database) as connection:
        task = queue.one(connection, task_id)
    if task is None:
        raise Problem(404, "No such task", "The task was removed meanwhile.")
    return task.as_json()
