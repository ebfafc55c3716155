"""The playbooks: what they wait for, what they do, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.conditions.phrase import condition_words
from engine.console import playbook_queries
from engine.console.condition_words import (
    action_words,
    exit_words,
    subject_words,
    timing_words,
    trigger_words,
)
from engine.console.pages import render
from engine.console.playbook_queries import Tally
from engine.console.session import SignedIn
from engine.rulefile.model import Playbook
from engine.rulefile.problem import Problem as RuleProblem
from engine.state.database import reading

routes = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step as a line."""

    id: str
    timing: str
    action: str
    subject: str
    condition: str
    escalation: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One playbook as shown."""

    playbook: Playbook
    triggers: list[str]
    audience: str
    steps: list[StepLine]
    exits: list[tuple[str, str]]
    tally: Tally


@routes.get("/playbooks")
def list_playbooks(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Every live playbook, and what is wrong with rule files."""
    with reading(service.database) as connection:
        tallies = playbook_queries.tallies(connection)
        live = playbook_queries.live(connection)
    ordered = sorted(service.playbooks(), key=lambda each: (-each.priority, each.name))
    sheets = [_sheet(each, tallies.get(each.name, Tally())) for each in ordered]
    problems = service.problems()
    return render(
        request,
        "playbooks.html",
        visitor,
        sheets=sheets,
        live=live,
        problems=problems,
        has_errors=_has_errors(problems),
    )


@routes.get("/playbooks/{name}")
def show_playbook(request: Request, service: ServiceHere, visitor: SignedIn, name: str) -> Response:
    """One playbook in words, with its newest runs."""
    playbook = next((each for each in service.playbooks() if each.name == name), None)
    if playbook is None:
        raise Problem(404, "No such playbook", f'No playbook "{name}" is live; see Playbooks.')
    with reading(service.database) as connection:
        tally = playbook_queries.tallies(connection).get(name, Tally())
        runs = playbook_queries.recent_runs(connection, name)
        live = playbook_queries.live(connection).get(name)
    problems = tuple(each for each in service.problems() if each.file == playbook.file)
    return render(
        request,
        "playbook.html",
        visitor,
        sheet=_sheet(playbook, tally),
        runs=runs,
        live=live,
        problems=problems,
        has_errors=_has_errors(problems),
    )


def _has_errors(problems: Iterable[RuleProblem]) -> bool:
    return any(each.is_error for each in problems)


def _sheet(playbook: Playbook, tally: Tally) -> Sheet:
    steps = [
        StepLine(
            step.id,
            timing_words(step),
            action_words(step),
            subject_words(step),
            condition_words(step.condition),
            f"{step.escalate.to.replace('_', ' ')} after {step.escalate.after}" if step.escalate else "",
        )
        for step in playbook.steps
    ]
    exits = [(each.outcome, exit_words(each)) for each in playbook.exits]
    return Sheet(playbook, trigger_words(playbook), condition_words(playbook.audience), steps, exits, tally)
