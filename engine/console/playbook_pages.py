"""The playbooks: what they wait for, what they do, and what became of it."""

from collections.abc import Iterable
from typing import Annotated, cast, get_args
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.console.pages import address, render
from engine.console.session import SignedIn
from engine.people import playbooks, runs
from engine.people.runs import RunFilter, RunState
from engine.people.step_axis import WIDTH, axes
from engine.rulefile.problem import Problem as RuleProblem
from engine.state.cursor import BadCursorError
from engine.state.database import reading

PAGE_OF_RUNS = 50

routes = APIRouter(include_in_schema=False)


@routes.get("/playbooks")
def list_playbooks(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Every live playbook, and what is wrong with rule files."""
    with reading(service.database) as connection:
        sheets = playbooks.sheets(connection, service.playbooks())
    problems = service.problems()
    return render(
        request,
        "playbooks.html",
        visitor,
        sheets=sheets,
        problems=problems,
        has_errors=_has_errors(problems),
    )


@routes.get("/playbooks/{name}")
def show_playbook(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    name: str,
    state: Annotated[str, Query(max_length=10)] = "",
    after: Annotated[str, Query(max_length=600)] = "",
) -> Response:
    """One playbook in words and in time, its file, how often it starts, and its runs by page."""
    chosen = state if state in get_args(RunState) else ""
    wanted = RunFilter(playbook=name, state=cast("RunState", chosen) if chosen else None)
    try:
        with reading(service.database) as connection:
            sheet = playbooks.one(connection, service.playbooks(), name)
            if sheet is None:
                raise Problem(404, "No such playbook", f'No playbook "{name}" is live; see Playbooks.')
            found = runs.page(connection, wanted, limit=PAGE_OF_RUNS, cursor=after, scope=visitor.scope)
            weeks = playbooks.starts_by_week(connection, name, service.now())
            text = playbooks.rule_file(connection, sheet.playbook)
    except BadCursorError as error:
        raise Problem(422, "Address does not fit", f"{error}.") from error
    problems = tuple(each for each in service.problems() if each.file == sheet.playbook.file)
    here = f"/playbooks/{quote(name, safe='')}"
    return render(
        request,
        "playbook.html",
        visitor,
        sheet=sheet,
        axes=axes(sheet.playbook),
        axis_width=WIDTH,
        weeks=weeks,
        text=text,
        runs=found.items,
        state=chosen,
        is_first=not after,
        older=address(here, state=chosen, after=found.cursor) if found.cursor else None,
        is_review_due=sheet.review_due is not None and sheet.review_due <= service.now(),
        problems=problems,
        has_errors=_has_errors(problems),
    )


def _has_errors(problems: Iterable[RuleProblem]) -> bool:
    return any(each.is_error for each in problems)
