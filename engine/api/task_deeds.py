"""What people do with tasks, over the API: complete, skip, snooze, reassign, comment, in bulk, and undo."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from engine.api.access import Bearer, Body, ServiceHere
from engine.api.problems import Problem
from engine.api.schemas import TaskDone, TasksDone
from engine.api.service import Service
from engine.api.strict_json import parse_object, text_in
from engine.api.tasks import answers, etag, task_of, versions_in
from engine.api.values import ValueRefused, read_instant
from engine.people.assigning import shared_queues
from engine.runs.task_actions import MOST_AT_ONCE, Done, act
from engine.runs.task_deeds import Comment, Complete, Deed, Reassign, Skip, Snooze
from engine.runs.task_errors import (
    LONGEST_NOTE,
    NothingToUndoError,
    TaskActionError,
    TaskChangedError,
    TaskClosedError,
    TaskNotFoundError,
    TooLateToUndoError,
    UnknownOutcomeError,
)
from engine.runs.task_undo import LONGEST_UNDO, undo

routes = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])

_UNDO = Field(
    0,
    ge=0,
    le=int(LONGEST_UNDO.total_seconds()),
    description="For so long it may be undone, and counts for its run only after that.",
)


class Completion(BaseModel):
    """How a task ended."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"outcome": "reached", "note": "Call on Friday."}}
    )
    outcome: str | None = Field(None, description="One of the task's `outcomes`; needed where it has any.")
    note: str | None = Field(None, max_length=LONGEST_NOTE)
    undo_seconds: int = _UNDO


class Skipping(BaseModel):
    """Why a task need not be done."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "They renewed this morning."}})
    reason: str = Field(max_length=LONGEST_NOTE)
    undo_seconds: int = _UNDO


class Snoozing(BaseModel):
    """Until when a task rests."""

    model_config = ConfigDict(json_schema_extra={"example": {"until": "2026-02-02T08:00:00Z"}})
    until: str = Field(description="An instant in the future, at most 366 days away.")


class Reassigning(BaseModel):
    """Who is to have a task."""

    model_config = ConfigDict(json_schema_extra={"example": {"to": "dana", "note": "You know them."}})
    to: str = Field(description="A person's id, or `team:ROLE` for a shared queue.")
    note: str | None = Field(None, max_length=LONGEST_NOTE)


class Commenting(BaseModel):
    """What is said of a task."""

    model_config = ConfigDict(json_schema_extra={"example": {"text": "She is back on Monday."}})
    text: str = Field(max_length=LONGEST_NOTE)


class ManyTasks(BaseModel):
    """One thing for several tasks. What belongs to it is given as for one task."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"do": "skip", "tasks": [{"id": "4b5e"}], "reason": "Duplicate."}}
    )
    do: Literal["complete", "skip", "snooze", "reassign", "comment"]
    tasks: list[dict[Literal["id", "version"], str]] = Field(
        min_length=1,
        max_length=MOST_AT_ONCE,
        description="Each by `id`; with a `version`, a task that has changed since is refused.",
    )
    outcome: str | None = None
    note: str | None = None
    reason: str | None = None
    until: str | None = None
    to: str | None = None
    text: str | None = None
    undo_seconds: int = _UNDO


class Undoing(BaseModel):
    """What is to be undone."""

    model_config = ConfigDict(json_schema_extra={"example": {"act": "9f2c41d07be3a556"}})
    act: str


def _documented(model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


IfMatch = Annotated[
    str, Header(description="The task's version: it is done only if the task is still as it was read.")
]
_ANSWERS = answers(400, 401, 404, 409, 412, 422)


def _complete(service: Service, given: dict[str, Any]) -> Deed:
    return Complete(text_in(given, "outcome"), text_in(given, "note"), _undo_for(given))


def _skip(service: Service, given: dict[str, Any]) -> Deed:
    return Skip(text_in(given, "reason") or "", _undo_for(given))


def _snooze(service: Service, given: dict[str, Any]) -> Deed:
    try:
        return Snooze(read_instant(given.get("until")))
    except ValueRefused as refused:
        raise Problem(422, "Time does not fit", f"until: {refused}.") from refused


def _reassign(service: Service, given: dict[str, Any]) -> Deed:
    return Reassign(text_in(given, "to") or "", text_in(given, "note"), shared_queues(service.settings))


def _comment(service: Service, given: dict[str, Any]) -> Deed:
    return Comment(text_in(given, "text") or "")


_DEEDS: Mapping[str, tuple[frozenset[str], Callable[[Service, dict[str, Any]], Deed]]] = {
    "complete": (frozenset({"outcome", "note", "undo_seconds"}), _complete),
    "skip": (frozenset({"reason", "undo_seconds"}), _skip),
    "snooze": (frozenset({"until"}), _snooze),
    "reassign": (frozenset({"to", "note"}), _reassign),
    "comment": (frozenset({"text"}), _comment),
}
"""What may be given for each deed, and how it is read."""


@routes.post(
    "/bulk",
    response_model=TasksDone,
    responses=answers(400, 401, 422),
    openapi_extra=_documented(ManyTasks),
)
def act_on_tasks(service: ServiceHere, bearer: Bearer, body: Body) -> dict[str, Any]:
    """Do one thing to several tasks, at most 500. Those that refuse it are named, and the others done."""
    everything = frozenset({"do", "tasks"}).union(*(keys for keys, _ in _DEEDS.values()))
    given = parse_object(body, set(everything))
    name = text_in(given, "do") or ""
    if name not in _DEEDS:
        raise Problem(422, "Request does not fit", f"do: give one of {', '.join(_DEEDS)}.")
    keys, read = _DEEDS[name]
    strange = sorted(set(given) - keys - {"do", "tasks"})
    if strange:
        raise Problem(422, "Request does not fit", f"Leave {strange[0]} out: {name} has none.")
    done = act(service.database, _tasks_in(given), read(service, given), by=bearer, now=service.now())
    service.wake()
    return _told(done)


@routes.post("/undo", response_model=TasksDone, responses=_ANSWERS, openapi_extra=_documented(Undoing))
def undo_act(service: ServiceHere, bearer: Bearer, body: Body) -> dict[str, Any]:
    """Undo what you did in one go: a closing until it counts, a snooze or a reassignment for ten minutes."""
    given = parse_object(body, {"act"})
    try:
        done = undo(service.database, text_in(given, "act") or "", by=bearer, now=service.now())
    except TaskActionError as error:
        raise problem_of(error) from error
    service.wake()
    return _told(done)


def _add(name: str, model: type[BaseModel], about: str) -> None:
    """One route for what is done to one task."""
    keys, read = _DEEDS[name]

    def route(
        service: ServiceHere, bearer: Bearer, task_id: str, body: Body, if_match: IfMatch = ""
    ) -> Response:
        deed = read(service, parse_object(body, set(keys)))
        return _done_to_one(service, bearer, task_id, deed, if_match)

    routes.add_api_route(
        f"/{{task_id}}/{name}",
        route,
        methods=["POST"],
        name=f"{name}_task",
        operation_id=f"{name}_task",
        description=about,
        response_model=TaskDone,
        responses=_ANSWERS,
        openapi_extra=_documented(model),
    )


_add("complete", Completion, "Close a task as done; its run goes on from when that counts.")
_add("skip", Skipping, "Close a task that need not be done, and say why; its step counts as skipped.")
_add("snooze", Snoozing, "Let a task rest until an instant; it stays open and keeps its due date.")
_add("reassign", Reassigning, "Give a task to another person, or to a shared queue.")
_add("comment", Commenting, "Say something of a task, open or closed; it goes into its log.")


def _done_to_one(service: Service, by: str, task_id: str, deed: Deed, if_match: str) -> Response:
    versions = versions_in(if_match)
    version = None if not versions or "*" in versions else versions[0]
    done = act(service.database, {task_id: version}, deed, by=by, now=service.now())
    if task_id in done.refused:
        raise problem_of(done.refused[task_id]) from done.refused[task_id]
    service.wake()
    task = task_of(service, task_id)
    return JSONResponse({**task.as_json(), "act": done.act}, headers=etag(task))


def _tasks_in(given: dict[str, Any]) -> dict[str, str | None]:
    tasks = given.get("tasks")
    if not isinstance(tasks, list) or not 1 <= len(tasks) <= MOST_AT_ONCE:
        raise Problem(422, "Request does not fit", f"tasks: give 1 to {MOST_AT_ONCE} tasks.")
    found: dict[str, str | None] = {}
    for index, each in enumerate(tasks):
        task_id = each.get("id") if isinstance(each, dict) else None
        version = each.get("version") if isinstance(each, dict) else None
        is_read = isinstance(task_id, str) and isinstance(version, str | None)
        if not isinstance(task_id, str) or not is_read or set(each) - {"id", "version"}:
            detail = f"/tasks/{index}: give an id, and where it is to matter, a version, as text."
            raise Problem(422, "Request does not fit", detail)
        found[task_id] = version
    return found


def _undo_for(given: dict[str, Any]) -> timedelta:
    seconds = given.get("undo_seconds", Decimal(0))
    longest = int(LONGEST_UNDO.total_seconds())
    if not isinstance(seconds, Decimal) or seconds != int(seconds) or not 0 <= seconds <= longest:
        raise Problem(422, "Request does not fit", f"undo_seconds: give a whole number from 0 to {longest}.")
    return timedelta(seconds=int(seconds))


def _told(done: Done) -> dict[str, Any]:
    refused = [
        {"id": task_id, "status": problem_of(error).status, "detail": f"{error}."}
        for task_id, error in done.refused.items()
    ]
    return {"act": done.act, "done": list(done.tasks), "refused": refused}


def problem_of(error: TaskActionError) -> Problem:
    """The refusal of something asked of a task, as programs are told it."""
    detail = f"{error}."
    match error:
        case TaskNotFoundError() | NothingToUndoError():
            return Problem(404, "No such task", detail)
        case TaskClosedError() | TooLateToUndoError():
            return Problem(409, "Task is closed", detail)
        case TaskChangedError():
            now = {"ETag": f'"{error.version}"'}
            return Problem(412, "Task has changed", detail, headers=now, version=error.version)
        case UnknownOutcomeError():
            return Problem(422, "Outcome does not fit", detail, choices=list(error.choices))
        case _:
            return Problem(422, "Request does not fit", detail)
