"""The one place that decides whether a request may go on: every router is put into the application here."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.routing import APIRoute

from engine.api.access import ServiceHere, caller_of
from engine.api.permissions import Need, Open, check_routes, need_of
from engine.api.problems import Problem
from engine.api.schemas import ProblemDetails
from engine.api.service import Service
from engine.api.sight import refuse_unseen
from engine.console.session import visitor_of
from engine.users.access import GRANTS, Access, Permission

API = "/api/"

_REFUSAL = {
    "model": ProblemDetails,
    "content": {"application/problem+json": {}},
    "description": "The token does not have the scope that this takes.",
}


def include(app: FastAPI, router: APIRouter) -> None:
    """Serve a router behind the gate. Raises UnguardedRouteError for an address that the table lacks."""
    check_routes(router.routes)
    is_api = any(isinstance(each, APIRoute) and each.path.startswith(API) for each in router.routes)
    responses: dict[int | str, dict[str, Any]] = {403: _REFUSAL} if is_api else {}
    app.include_router(router, dependencies=[Depends(pass_gate)], responses=responses)


def pass_gate(request: Request, service: ServiceHere) -> None:
    """Let the request on, or raise: SignInNeeded, or Problem (401, 403)."""
    need = need_of(request.scope["route"], request.method)
    if need is Open.ANYBODY:
        return
    if request.url.path.startswith(API):
        _admit_caller(request, service, need)
    else:
        _admit_visitor(request, service, need)


def _admit_caller(request: Request, service: Service, need: Need) -> None:
    caller = caller_of(request, service)
    if isinstance(need, Permission) and need not in caller.scopes:
        detail = f'This takes a token with the scope "{need}"; this one has {_listed(caller.scopes)}.'
        raise Problem(403, "Scope missing", detail)


def _admit_visitor(request: Request, service: Service, need: Need) -> None:
    visitor = visitor_of(request, service)
    if isinstance(need, Permission) and not visitor.may(need):
        least = next(each for each in Access if need in GRANTS[each])
        have = f"you have “{visitor.access or 'none'}”. An admin can change that."
        detail = f"This takes the access “{least}”; {have}"
        raise Problem(403, "Not allowed", detail)
    refuse_unseen(request, service.database, visitor.scope)


def _listed(scopes: frozenset[Permission]) -> str:
    return ", ".join(sorted(scopes)) or "none"
