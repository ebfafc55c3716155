"""Playbooks, their runs, decisions and holds over the API."""

from typing import Any

from fastapi import APIRouter

from engine.api.access import Bearer, ServiceHere
from engine.api.answers import answers
from engine.api.ledger_schemas import (
    DecisionList,
    HoldItem,
    HoldList,
    PlaybookItem,
    PlaybookList,
    RunList,
    RunWhole,
)
from engine.api.lists import Cursor, Limit, Name, Time, instant_in, listed
from engine.api.problems import Problem
from engine.people import decisions, holds, playbooks, runs
from engine.people.decisions import DecisionFilter, decision_json
from engine.people.holds import HoldState, hold_json
from engine.people.runs import RunFilter, RunState, run_json, step_json
from engine.state.database import reading

routes = APIRouter(prefix="/api/v1", tags=["playbooks"])


@routes.get("/playbooks", response_model=PlaybookList, responses=answers(401))
def list_playbooks(service: ServiceHere, bearer: Bearer) -> dict[str, Any]:
    """Every live playbook in words, those of the highest priority first."""
    with reading(service.database) as connection:
        return {"items": [each.as_json() for each in playbooks.sheets(connection, service.playbooks())]}


@routes.get(
    "/playbooks/{name}",
    response_model=PlaybookItem,
    responses=answers(401, 404, said={404: "No playbook of that name is live."}),
)
def show_playbook(service: ServiceHere, bearer: Bearer, name: str) -> dict[str, Any]:
    """One live playbook in words."""
    with reading(service.database) as connection:
        found = playbooks.one(connection, service.playbooks(), name)
    if found is None:
        raise Problem(404, "No such playbook", f'No playbook "{name[:200]}" is live.')
    return found.as_json()


@routes.get("/runs", response_model=RunList, responses=answers(401, 422))
def list_runs(
    service: ServiceHere,
    bearer: Bearer,
    account_id: Name = None,
    playbook: Name = None,
    subject_id: Name = None,
    state: RunState | None = None,
    outcome: Name = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Runs, newest first."""
    wanted = RunFilter(account_id, playbook, subject_id, state, outcome)
    return listed(
        service,
        lambda connection: runs.page(connection, wanted, limit=limit, cursor=cursor),
        run_json,
    )


@routes.get(
    "/runs/{run_id}",
    response_model=RunWhole,
    responses=answers(401, 404, said={404: "There is no such run."}),
)
def show_run(service: ServiceHere, bearer: Bearer, run_id: str) -> dict[str, Any]:
    """One run with what became of its steps."""
    with reading(service.database) as connection:
        found = runs.one(connection, run_id)
        steps = runs.steps(connection, [run_id])[run_id]
    if found is None:
        raise Problem(404, "No such run", f'There is no run "{run_id[:200]}".')
    return {**run_json(found), "steps": [step_json(each) for each in steps]}


@routes.get("/decisions", response_model=DecisionList, responses=answers(401, 422))
def list_decisions(
    service: ServiceHere,
    bearer: Bearer,
    account_id: Name = None,
    playbook: Name = None,
    subject_id: Name = None,
    run_id: Name = None,
    answer: Name = None,
    since: Time = None,
    before: Time = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """What was decided, newest first: starts, stops, what is owed, and what became of each step."""
    wanted = DecisionFilter(
        account_id,
        playbook,
        subject_id,
        run_id,
        answer,
        instant_in(since, "since"),
        instant_in(before, "before"),
    )
    return listed(
        service,
        lambda connection: decisions.page(connection, wanted, limit=limit, cursor=cursor),
        decision_json,
    )


@routes.get("/holds", response_model=HoldList, responses=answers(401, 422))
def list_holds(
    service: ServiceHere,
    bearer: Bearer,
    state: HoldState | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Batches of starts that the guard stopped, newest first."""
    return listed(
        service,
        lambda connection: holds.page(connection, state, limit=limit, cursor=cursor),
        hold_json,
    )


@routes.post(
    "/holds/{hold_id}/release",
    response_model=HoldItem,
    responses=answers(401, 404, said={404: "There is no such hold."}),
)
def release_hold(service: ServiceHere, bearer: Bearer, hold_id: str) -> dict[str, Any]:
    """Let a held batch start, as far as it still applies. Releasing it twice changes nothing."""
    service.release([hold_id], bearer)
    with reading(service.database) as connection:
        found = holds.one(connection, hold_id)
    if found is None:
        raise Problem(404, "No such hold", f'There is no hold "{hold_id[:200]}".')
    service.wake()
    return hold_json(found)
