"""Settings: who may sign in, and what they may do."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.console.pages import render, see_other
from engine.console.session import Acting, SignedIn, Visitor
from engine.state.database import reading
from engine.users.access import Access
from engine.users.links import link_address, make_link
from engine.users.users import (
    KnownUser,
    UserError,
    add_user,
    disable_user,
    enable_user,
    list_users,
    set_access,
    user_of,
)

routes = APIRouter(include_in_schema=False)

PEOPLE = "/settings/people"


@routes.get(PEOPLE)
def show_people(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Everybody who may sign in, and a form for somebody else."""
    return _page(request, service, visitor)


@routes.post(PEOPLE)
def add_somebody(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    email: Annotated[str, Form(max_length=300)] = "",
    name: Annotated[str, Form(max_length=100)] = "",
    access: Annotated[Access, Form()] = Access.CSM,
) -> Response:
    """Let somebody sign in, and show the link that does so once."""
    try:
        made = add_user(service.database, email, access, service.now(), name=name.strip() or None)
    except UserError as error:
        return _page(request, service, visitor, fault=_sentence(error))
    return _linked(request, service, visitor, made)


@routes.post(PEOPLE + "/{person_id}/link")
def give_link(request: Request, service: ServiceHere, visitor: Acting, person_id: str) -> Response:
    """Show a new link that signs somebody in once."""
    return _linked(request, service, visitor, _user(service, person_id))


@routes.post(PEOPLE + "/{person_id}/access")
def change_access(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    person_id: str,
    access: Annotated[Access, Form()],
) -> Response:
    """Change what somebody may do, and sign them out."""
    return _changed(request, service, visitor, lambda: set_access(service.database, person_id, access))


@routes.post(PEOPLE + "/{person_id}/disable")
def shut_out(request: Request, service: ServiceHere, visitor: Acting, person_id: str) -> Response:
    """Let somebody sign in no more, and sign them out."""
    now = service.now()
    return _changed(request, service, visitor, lambda: disable_user(service.database, person_id, now))


@routes.post(PEOPLE + "/{person_id}/enable")
def let_in_again(request: Request, service: ServiceHere, visitor: Acting, person_id: str) -> Response:
    """Let somebody sign in again."""
    return _changed(request, service, visitor, lambda: enable_user(service.database, person_id))


def _changed(request: Request, service: Service, visitor: Visitor, change: Callable[[], None]) -> Response:
    try:
        change()
    except UserError as error:
        return _page(request, service, visitor, fault=_sentence(error))
    return see_other(PEOPLE)


def _linked(request: Request, service: Service, visitor: Visitor, user: KnownUser) -> Response:
    code = make_link(service.database, user.person_id, service.now())
    link = link_address(service.settings.console.public_url, code)
    return _page(request, service, visitor, link=link, linked=user.email)


def _user(service: Service, person_id: str) -> KnownUser:
    """Raises Problem (404)."""
    with reading(service.database) as connection:
        found = user_of(connection, person_id)
    if found is None:
        raise Problem(404, "No such user", f'Nobody signs in as "{person_id}"; see Settings.')
    return found


def _page(
    request: Request,
    service: Service,
    visitor: Visitor,
    *,
    fault: str = "",
    link: str = "",
    linked: str = "",
) -> Response:
    with reading(service.database) as connection:
        users = list_users(connection)
    return render(
        request,
        "settings_people.html",
        visitor,
        status=422 if fault else 200,
        users=users,
        accesses=list(Access),
        fault=fault,
        link=link,
        linked=linked,
    )


def _sentence(error: UserError) -> str:
    return f"{str(error)[:1].upper()}{str(error)[1:]}."
