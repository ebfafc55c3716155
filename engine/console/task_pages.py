"""A task's page, and the forms by which people work on tasks: one, several at once, and undoing it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.sight import refuse_hidden
from engine.console.groups import rest_until
from engine.console.pages import is_part, local_path, render, see_other
from engine.console.queue_pages import list_context, queue_page
from engine.console.queue_view import asked_back, reader_zone
from engine.console.session import Acting, SignedIn, Visitor
from engine.console.task_view import seen_tasks, sheet_context
from engine.console.wording import words
from engine.people import queue
from engine.people.assigning import shared_queues
from engine.people.queue import QueueTask
from engine.runs.task_actions import MOST_AT_ONCE, Done, act
from engine.runs.task_deeds import Comment, Complete, Deed, Reassign, Skip, Snooze
from engine.runs.task_errors import NothingToUndoError, TaskActionError, TaskNotFoundError
from engine.runs.task_undo import undo
from engine.state.database import reading

UNDO_FOR = timedelta(seconds=10)
"""For so long what closed a task can be undone in the console."""

_DONE = {
    "complete": "Completed",
    "skip": "Skipped",
    "snooze": "Snoozed",
    "reassign": "Reassigned",
    "comment": "Commented on",
}

routes = APIRouter(include_in_schema=False)

_Text = Annotated[str, Form(max_length=20_000)]
_Short = Annotated[str, Form(max_length=300)]
_Back = Annotated[str, Form(max_length=4000)]


@routes.get("/tasks/{task_id}")
def show_task(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    task_id: str,
    back: Annotated[str, Query(max_length=4000)] = "/queue",
) -> Response:
    """One task with all that belongs to it; for the page's script, the pane beside the list."""
    return _sheet(request, service, visitor, task_id, back)


@routes.post("/tasks/bulk")
def act_on_tasks(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    deed: _Short = "",
    task: Annotated[list[str] | None, Form(max_length=MOST_AT_ONCE)] = None,
    note: _Text = "",
    on: _Short = "",
    to: _Short = "",
    back: _Back = "/queue",
) -> Response:
    """Do one thing to the selected tasks; each is given as ID.VERSION."""
    chosen = {each.partition(".")[0]: each.partition(".")[2] or None for each in task or ()}
    if not chosen:
        raise Problem(422, "Nothing selected", "Select tasks with their boxes, then choose what to do.")
    name, _, until = deed.partition(":")
    given = {"note": note, "reason": note, "until": until, "on": on, "to": to}
    return _do(request, service, visitor, chosen, name, given, back)


@routes.post("/tasks/undo")
def undo_act(
    request: Request, service: ServiceHere, visitor: Acting, act: _Short = "", back: _Back = "/queue"
) -> Response:
    """Undo what was done last."""
    try:
        done = undo(service.database, act, by=visitor.by, now=service.now())
        told = f"Undone. {_refusals(done)}" if done.tasks else _refusals(done)
    except NothingToUndoError as error:
        told = f"{_sentence(str(error))}"
    service.wake()
    if not is_part(request):
        return see_other(local_path(back, "/queue"))
    return _list(request, service, visitor, back, told, None)


@routes.post("/tasks/{task_id}/{deed}")
def act_on_task(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    task_id: str,
    deed: str,
    version: _Short = "",
    outcome: _Short = "",
    note: _Text = "",
    reason: _Text = "",
    until: _Short = "",
    on: _Short = "",
    to: _Short = "",
    text: _Text = "",
    back: _Back = "/queue",
) -> Response:
    """Complete, skip, snooze or reassign a task, or comment on it."""
    given = {
        "outcome": outcome,
        "note": note,
        "reason": reason,
        "until": until,
        "on": on,
        "to": to,
        "text": text,
    }
    return _do(request, service, visitor, {task_id: version or None}, deed, given, back)


def _do(
    request: Request,
    service: Service,
    visitor: Visitor,
    chosen: Mapping[str, str | None],
    name: str,
    given: Mapping[str, str],
    back: str,
) -> Response:
    if name not in _DONE:
        raise Problem(404, "Not found", f'There is nothing called "{name}" to do with a task.')
    refuse_hidden(service.database, visitor.scope, "task_id", list(chosen))
    with reading(service.database) as connection:
        seen = seen_tasks(connection, visitor, list(chosen))
        tasks = queue.named(connection, sorted(seen))
    if len(chosen) == 1 and not seen:
        raise Problem(404, "No such task", f"{TaskNotFoundError(next(iter(chosen)))}.")
    fault, done = "", Done("")
    try:
        deed = _deed(service, name, given, tasks)
        kept = {task_id: version for task_id, version in chosen.items() if task_id in seen}
        done = act(service.database, kept, deed, by=visitor.by, now=service.now())
        fault = "" if done.tasks else _refusals(done)
    except ValueError as error:
        fault = _sentence(str(error))
    if fault:
        return _refused(request, service, visitor, list(chosen), fault, back)
    service.wake()
    if not is_part(request):
        return see_other(local_path(back, "/queue"))
    if name == "comment":
        return _sheet(request, service, visitor, done.tasks[0], back)
    return _list(request, service, visitor, back, _told(name, given, done, tasks), done.act)


def _deed(service: Service, name: str, given: Mapping[str, str], tasks: list[QueueTask]) -> Deed:
    """What the form asks for. Raises ValueError for a time that cannot be read."""
    match name:
        case "complete":
            return Complete(given.get("outcome") or None, given["note"], UNDO_FOR)
        case "skip":
            return Skip(given["reason"], UNDO_FOR)
        case "reassign":
            return Reassign(given["to"], given["note"], shared_queues(service.settings))
        case "comment":
            return Comment(given.get("text") or given["note"])
    with reading(service.database) as connection:
        tz = reader_zone(service, queue.people(connection), tasks[0].assignee if tasks else "")
    start = service.settings.working_hours.start
    return Snooze(rest_until(given["until"], given["on"], service.now(), tz, start))


def _refused(
    request: Request, service: Service, visitor: Visitor, task_ids: list[str], fault: str, back: str
) -> Response:
    """Why nothing was done: beside the task, or on a page."""
    if not is_part(request):
        raise Problem(422, "Task unchanged", fault)
    if len(task_ids) == 1:
        return _sheet(request, service, visitor, task_ids[0], back, fault)
    return _list(request, service, visitor, back, fault, None, status=422)


def _sheet(
    request: Request, service: Service, visitor: Visitor, task_id: str, back: str, fault: str = ""
) -> Response:
    context = sheet_context(service, visitor, task_id, local_path(back, "/queue"), fault)
    if context is None:
        raise Problem(404, "No such task", f"{TaskNotFoundError(task_id)}.")
    template = "sheet_part.html" if is_part(request) else "task.html"
    answer = render(request, template, visitor, status=422 if fault else 200, sheet=context)
    if is_part(request):
        answer.headers.update({"HX-Retarget": "#detail", "HX-Reswap": "innerHTML"})
    return answer


def _list(
    request: Request,
    service: Service,
    visitor: Visitor,
    back: str,
    told: str,
    act: str | None,
    status: int = 200,
) -> Response:
    """The list as it is now, with what was done and how to undo it."""
    page = queue_page(service, visitor, asked_back(local_path(back, "/queue")))
    return render(
        request,
        "queue_done.html",
        visitor,
        status=status,
        told=told,
        act=act,
        undo_seconds=int(UNDO_FOR.total_seconds()),
        **list_context(service, page),
    )


def _told(name: str, given: Mapping[str, str], done: Done, tasks: list[QueueTask]) -> str:
    """What was done, in one sentence."""
    if len(done.tasks) == 1:
        title = next(each.title for each in tasks if each.id == done.tasks[0])
        outcome = f" · {words(given['outcome'])}" if given.get("outcome") else ""
        told = f"{_DONE[name]} “{title}”{outcome}."
    else:
        told = f"{_DONE[name]} {len(done.tasks):,} tasks."
    return f"{told} {_refusals(done)}".strip()


def _refusals(done: Done) -> str:
    """What was not done, and why, for the first of them."""
    errors: list[TaskActionError] = list(done.refused.values())
    if not errors:
        return ""
    more = f" ({len(errors) - 1:,} more were left as they were.)" if len(errors) > 1 else ""
    return f"{_sentence(str(errors[0]))}{more}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
