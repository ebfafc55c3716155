"""Settings that live in the database, and how what comes in and goes out is doing."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.tokens import create_token, list_tokens, revoke_token
from engine.clock.durations import parse_duration
from engine.console.pages import render, see_other
from engine.console.session import Acting, SignedIn, Visitor
from engine.outbox.trial import try_connector
from engine.people.sources import ListedSource, listed_sources
from engine.state.database import reading
from engine.users.access import Permission
from engine.users.users import user_of

LONGEST_NAME = 100
LONGEST_DAYS = 3650

routes = APIRouter(include_in_schema=False)

Name = Annotated[str, Form(max_length=LONGEST_NAME)]


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source, and how it is doing."""

    source: ListedSource
    state: str
    """live, never, seen, in time, late, stale"""
    behind: timedelta | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test message."""

    name: str
    is_taken: bool
    words: str


@routes.get("/settings")
def settings_home(visitor: SignedIn) -> Response:
    """The first page of them that the visitor may see."""
    return see_other("/settings/people" if visitor.may(Permission.ADMIN) else "/settings/sources")


@routes.get("/settings/sources")
def show_sources(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Where data comes from, when it last came, and how fresh it is."""
    found = listed_sources(service.database, service.settings, service.now())
    lines = [_source_line(each, service) for each in found]
    return render(request, "settings_sources.html", visitor, lines=lines)


@routes.get("/settings/tokens")
def show_tokens(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Every token that is not revoked, and a form for another."""
    return _tokens_page(request, service, visitor)


@routes.post("/settings/tokens")
def make_token(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    name: Name = "",
    scope: Annotated[list[Permission], Form()] = [],  # noqa: B006 - never changed
    days: Annotated[int | None, Form(ge=1, le=LONGEST_DAYS)] = None,
) -> Response:
    """Make a token and show it, this once."""
    if not name.strip() or not scope:
        fault = "Give the token a name and at least one scope."
        return _tokens_page(request, service, visitor, fault=fault)
    now = service.now()
    expires = now + timedelta(days=days) if days else None
    made = create_token(
        service.database, name.strip(), now, scopes=set(scope), expires_at=expires, by=visitor.by
    )
    return _tokens_page(request, service, visitor, made=made)


@routes.post("/settings/tokens/{token_id}/revoke")
def end_token(service: ServiceHere, visitor: Acting, token_id: str) -> Response:
    """Let a token be used no more."""
    if not any(each.id == token_id for each in list_tokens(service.database)):
        raise Problem(404, "No such token", "It was revoked before; see Settings.")
    revoke_token(service.database, token_id, service.now())
    return see_other("/settings/tokens")


@routes.get("/settings/connectors")
def show_connectors(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """How things leave, each with a button that sends a test message."""
    return _connectors_page(request, service, visitor)


@routes.post("/settings/connectors/{name}/test")
def send_test(
    request: Request, service: ServiceHere, visitor: Acting, name: str, channel: Name = ""
) -> Response:
    """Send a test message to oneself, or to a channel, and show what was answered."""
    spec = service.settings.connectors.get(name)
    if spec is None:
        raise Problem(404, "No such connector", f'The settings have no connector "{name}".')
    recipient = _own_address(service, visitor) if spec.kind == "smtp" else channel
    taken, words = try_connector(
        service.settings, service.database, name, recipient, visitor.name, service.now()
    )
    return _connectors_page(request, service, visitor, Tried(name, taken, words))


def _own_address(service: Service, visitor: Visitor) -> str:
    """Raises Problem (422) for the holder of a token, who has none."""
    with reading(service.database) as connection:
        user = user_of(connection, visitor.person_id or "")
    if user is None:
        detail = "A test goes to your own address; sign in as a person instead of with a token."
        raise Problem(422, "Nobody to send to", detail)
    return user.email


def _source_line(source: ListedSource, service: Service) -> SourceLine:
    """How far a source is behind; where it has a lag to keep to, whether it does."""
    if source.is_live:
        return SourceLine(source, "live", None)
    seen = source.watermark or source.last_sync_at
    if seen is None:
        return SourceLine(source, "never", None)
    behind, lag = max(timedelta(), service.now() - seen), parse_duration(source.lag).elapsed
    if source.is_stale:
        return SourceLine(source, "stale", behind)
    if not lag:
        return SourceLine(source, "seen", behind)
    return SourceLine(source, "late" if behind > lag else "in time", behind)


def _tokens_page(
    request: Request, service: Service, visitor: Visitor, *, made: str = "", fault: str = ""
) -> Response:
    return render(
        request,
        "settings_tokens.html",
        visitor,
        status=422 if fault else 200,
        tokens=list_tokens(service.database),
        made=made,
        fault=fault,
        scopes=list(Permission),
        now=service.now(),
    )


def _connectors_page(
    request: Request, service: Service, visitor: Visitor, tried: Tried | None = None
) -> Response:
    connectors = service.settings.connectors
    return render(request, "settings_connectors.html", visitor, connectors=connectors, tried=tried)
