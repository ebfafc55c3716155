"""The web application: API and console under one roof."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from engine.api import (
    accounts,
    consent,
    explanations,
    health,
    intake,
    mail_events,
    outbox,
    playbooks,
    problems,
    silences,
    sources,
    suppressions,
    task_deeds,
    tasks,
)
from engine.api.access import service_of
from engine.api.gate import include
from engine.api.guards import RequestBounds, SecurityHeaders, security_headers
from engine.api.problems import Problem
from engine.api.repeats import Repeats
from engine.api.service import Service
from engine.console import pages, site

_ABOUT = """
Send accounts and events in, read and finish the tasks that follow.

Every call under `/api` needs the header `Authorization: Bearer TOKEN`. Errors are problem details
(RFC 9457). Times are ISO 8601 with an offset and are answered in UTC. A call that changes something
can carry an `Idempotency-Key` of its own: sent again within 24 hours it is answered as before, with
the header `Idempotent-Replayed: true`, and does nothing twice.
"""


def create_app(service: Service) -> FastAPI:
    """The API and the console of one service, ready to be served."""
    app = FastAPI(title="Tminus", version="1", description=_ABOUT, docs_url=None, redoc_url=None)
    app.state.service = service
    for router in (
        health.routes,
        intake.router(service.catalogue),
        accounts.routes,
        playbooks.routes,
        tasks.routes,
        task_deeds.routes,
        sources.routes,
        explanations.routes,
        silences.routes,
        outbox.routes,
        mail_events.routes,
        suppressions.routes,
        consent.routes,
        *site.routers(has_mailbox=service.mailbox is not None),
    ):
        include(app, router)
    site.mount(app)
    _handle_errors(app)
    app.add_middleware(Repeats, database=service.database, now=service.now)
    app.add_middleware(RequestBounds)
    app.add_middleware(SecurityHeaders, is_https=service.is_https)
    return app


def _handle_errors(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_exception_handler(RequestValidationError, _answer)
    app.add_exception_handler(Exception, _answer_fault)


def _answer(request: Request, error: Exception) -> Response:
    """Problem details for programs, a page for people."""
    problem = _problem(request, error)
    path = request.url.path
    is_program = path.startswith(("/api/", "/healthz", "/readyz", "/openapi.json"))
    return problem.response() if is_program else pages.problem_page(request, problem)


def _answer_fault(request: Request, error: Exception) -> Response:
    """What nobody expected is answered outside of every middleware, so the headers are added here."""
    response = _answer(request, error)
    response.headers.update(security_headers(request.url.path, is_https=service_of(request).is_https))
    return response


def _problem(request: Request, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return problems.from_validation(error)
    if isinstance(error, HTTPException):
        return problems.from_http(error)
    return problems.unexpected(request, error)
