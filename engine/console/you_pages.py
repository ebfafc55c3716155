"""One's own page: who one is here, the password, and where one is signed in."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.console.pages import render, see_other
from engine.console.session import Acting, SignedIn, Visitor
from engine.console.sign_in import checked_password
from engine.people import queue
from engine.state.database import reading, writing
from engine.users.lockout import LockedOut
from engine.users.passwords import SHORTEST, PasswordRefused, set_password
from engine.users.sessions import end_sessions, lasting_of, sessions_of
from engine.users.users import KnownUser, user_of

LINK_COUNTS_FOR = timedelta(minutes=15)
"""For so long after a sign-in by link, a new password needs no old one: it may be forgotten."""

routes = APIRouter(include_in_schema=False)

Secret = Annotated[str, Form(max_length=2000)]


@dataclass(frozen=True, slots=True)
class Told:
    """What a form brought about: that it is done, or what was wrong."""

    done: str = ""
    fault: str = ""


@routes.get("/you")
def show_you(request: Request, service: ServiceHere, visitor: SignedIn) -> Response:
    """Who one is, what one may do, and where one is signed in."""
    return _page(request, service, visitor)


@routes.post("/you/password")
def change_password(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    current: Secret = "",
    new: Secret = "",
    again: Secret = "",
) -> Response:
    """Take a new password; every other session of the person ends."""
    user = _user(service, visitor)
    fault = _refusal(request, service, visitor, user, current, new, again)
    if fault:
        return _page(request, service, visitor, Told(fault=fault))
    done = Told(done="The new password is kept. Everywhere else you are signed out.")
    return _page(request, service, visitor, done)


@routes.post("/you/sign-out-elsewhere")
def sign_out_elsewhere(service: ServiceHere, visitor: Acting) -> Response:
    """End every other session of the person."""
    user = _user(service, visitor)
    with writing(service.database) as connection:
        end_sessions(connection, user.person_id, but=visitor.session.digest)
    return see_other("/you")


def _refusal(
    request: Request,
    service: Service,
    visitor: Visitor,
    user: KnownUser,
    current: str,
    new: str,
    again: str,
) -> str:
    """Change the password, or say why not."""
    if new != again:
        return "The two new passwords differ."
    try:
        is_asked = needs_current(service, visitor, user)
        if is_asked and checked_password(request, service, user.email, current) is None:
            return "The current password is not right."
        digest = visitor.session.digest
        set_password(service.database, user.person_id, new, service.now(), but=digest)
    except LockedOut:
        return "Too many failures; try again in a quarter of an hour."
    except PasswordRefused as refused:
        return f"{str(refused)[:1].upper()}{str(refused)[1:]}."
    return ""


def needs_current(service: Service, visitor: Visitor, user: KnownUser) -> bool:
    """Whether the old password must be given with a new one."""
    is_fresh = service.now() < visitor.session.begun_at + LINK_COUNTS_FOR
    return user.has_password and not (visitor.session.how == "link" and is_fresh)


def _user(service: Service, visitor: Visitor) -> KnownUser:
    """Raises Problem (422) for the holder of a token."""
    with reading(service.database) as connection:
        found = user_of(connection, visitor.person_id or "")
    if found is None:
        detail = "You are signed in with a token, which has no password; tminus token makes another."
        raise Problem(422, "No password", detail)
    return found


def _page(request: Request, service: Service, visitor: Visitor, told: Told | None = None) -> Response:
    now = service.now()
    with reading(service.database) as connection:
        user = user_of(connection, visitor.person_id or "")
        lasting = lasting_of(service.settings.sign_in)
        sessions = sessions_of(connection, visitor.person_id, now, lasting) if visitor.person_id else []
        people = queue.people(connection)
    told = told or Told()
    team = sorted(people[each].name for each in visitor.scope.team or () if each in people)
    return render(
        request,
        "you.html",
        visitor,
        status=422 if told.fault else 200,
        user=user,
        team=team,
        sessions=sessions,
        told=told,
        shortest=SHORTEST,
        needs_current=user is not None and needs_current(service, visitor, user),
    )
