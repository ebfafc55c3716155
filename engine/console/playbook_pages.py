"""The playbooks: what they wait for, what they do, and what became of it."""

from collections.abc import Iterable

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.console.pages import render
from engine.console.session import SignedIn
from engine.people import playbooks, runs
from engine.people.runs import RunFilter
from engine.rulefile.problem import Problem as RuleProblem
from engine.state.database import reading

RECENT_RUNS = 50

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
def show_playbook(request: Request, service: ServiceHere, visitor: SignedIn, name: str) -> Response:
    """One playbook in words, with its newest runs."""
    with reading(service.database) as connection:
        sheet = playbooks.one(connection, service.playbooks(), name)
        newest = runs.page(connection, RunFilter(playbook=name), limit=RECENT_RUNS).items
    if sheet is None:
        raise Problem(404, "No such playbook", f'No playbook "{name}" is live; see Playbooks.')
    problems = tuple(each for each in service.problems() if each.file == sheet.playbook.file)
    return render(
        request,
        "playbook.html",
        visitor,
        sheet=sheet,
        runs=newest,
        problems=problems,
        has_errors=_has_errors(problems),
    )


def _has_errors(problems: Iterable[RuleProblem]) -> bool:
    return any(each.is_error for each in problems)
