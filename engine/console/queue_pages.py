"""The queue: its page, its list alone, and the marks by which a page sees what others have changed."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.clock.zones import local_date
from engine.console.pages import is_part, render, see_other
from engine.console.queue_view import ORDERS, VIEWS, Asked, QueuePage, asked_of, read_queue
from engine.console.session import SignedIn, Visitor
from engine.console.task_view import sheet_context
from engine.identity import digest
from engine.people import queue
from engine.state.cursor import BadCursorError
from engine.state.database import reading

KINDS = ("account", "contact", "subscription", "ticket", "source")

routes = APIRouter(include_in_schema=False)


@routes.get("/")
def home(visitor: SignedIn) -> Response:
    """The queue is home."""
    return see_other("/queue")


@routes.get("/queue")
def show_queue(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """The tasks that the address asks for, by urgency; for the page's script the list alone."""
    asked = asked_of(request.query_params)
    page = queue_page(service, visitor, asked)
    context = list_context(service, page)
    if is_part(request):
        answer = render(request, "queue_list.html", visitor, **context)
        answer.headers["HX-Push-Url"] = asked.address(task="")
        return answer
    sheet = sheet_context(service, visitor, asked.task, asked.address()) if asked.task else None
    return render(request, "queue.html", visitor, sheet=sheet, **context)


@routes.get("/queue/marks")
def show_marks(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """The tasks that the list shows with their versions, and that of the open one; only when they are new."""
    asked = asked_of(request.query_params)
    page = queue_page(service, visitor, asked)
    rows = [[each.task.id, each.task.version] for section in page.sections for each in section.lines]
    with reading(service.database) as connection:
        task = queue.one(connection, asked.task) if asked.task else None
    marks = {"rows": rows, "open": task.version if task else None}
    tag = f'"{digest("marks", repr(marks))}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return JSONResponse(marks, headers=headers)


def queue_page(service: Service, visitor: Visitor, asked: Asked) -> QueuePage:
    """The list that an address asks for. Raises Problem (422) for a cursor that is none."""
    try:
        with reading(service.database) as connection:
            return read_queue(service, connection, visitor, asked)
    except BadCursorError as error:
        raise Problem(422, "Address does not fit", f"{error}.") from error


def list_context(service: Service, page: QueuePage) -> dict[str, Any]:
    """What the template of the list shows."""
    return {
        "page": page,
        "asked": page.asked,
        "views": VIEWS,
        "orders": ORDERS,
        "kinds": KINDS,
        "playbooks": sorted(service.playbooks(), key=lambda each: each.title),
        "here": local_date(page.now, page.tz),
        "back": page.asked.address(),
        **task_context(service, page.tz, page.now),
    }


def task_context(service: Service, tz: ZoneInfo, now: datetime) -> dict[str, Any]:
    """What every list of tasks needs to show them."""
    titles = {playbook.name: playbook.title for playbook in service.playbooks()}
    return {"titles": titles, "tz": tz, "now": now, "earliest": _tomorrow(now, tz)}


def _tomorrow(now: datetime, tz: ZoneInfo) -> date:
    return date.fromordinal(local_date(now, tz).toordinal() + 1)
