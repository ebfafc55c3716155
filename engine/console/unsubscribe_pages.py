"""The pages behind the link in every email: public, without a sign-in; the link itself is the key.

Looking changes nothing, because mail filters open links; a press of a button does, and the one-click post of
mail programs (RFC 8058), which ends the topic of the email it stands in.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.service import Service
from engine.console.pages import render
from engine.email_settings import Topic
from engine.permit.objections import EVERYTHING
from engine.permit.preferences import How, UnknownPersonError, choose, chosen, opt_out
from engine.permit.unsubscribe import BadTokenError, read_token, unsubscribe_key

HEADERS = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow"}
MOST_TICKS = 200

routes = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=100)]


@routes.get("/unsubscribe/{token}")
def ask(request: Request, service: ServiceHere, token: str) -> Response:
    """What the link would end, and what else there is to choose."""
    return _shown(request, service, token, "ask")


@routes.post("/unsubscribe/{token}")
def act(
    request: Request,
    service: ServiceHere,
    token: str,
    choice: Text = "topic",
    one_click: Annotated[str, Form(alias="List-Unsubscribe", max_length=100)] = "",
) -> Response:
    """End the topic of the email, or with `choice=all` everything."""
    how: How = "one_click" if one_click else "link"
    try:
        contact_id, topic = read_token(unsubscribe_key(service.database), token)
        ended = EVERYTHING if choice == "all" else topic
        opt_out(service.database, contact_id, ended, service.now(), how)
    except BadTokenError:
        return _page(request, "bad", 404)
    except UnknownPersonError:
        return _page(request, "gone", 200)
    service.wake()
    return _shown(request, service, token, "done", is_everything=ended == EVERYTHING)


@routes.get("/preferences/{token}")
def show(request: Request, service: ServiceHere, token: str) -> Response:
    """Every topic with a switch."""
    return _shown(request, service, token, "choose")


@routes.post("/preferences/{token}")
def save(
    request: Request,
    service: ServiceHere,
    token: str,
    topic: Annotated[list[str], Form(max_length=MOST_TICKS)] = [],  # noqa: B006 - never changed
    action: Text = "save",
) -> Response:
    """Take over what is ticked; with `action=none`, nothing."""
    try:
        contact_id, _topic = read_token(unsubscribe_key(service.database), token)
        wanted = [] if action == "none" else topic
        choose(service.database, contact_id, wanted, _offered(service, _topic), service.now())
    except BadTokenError:
        return _page(request, "bad", 404)
    except UnknownPersonError:
        return _page(request, "gone", 200)
    service.wake()
    return _shown(request, service, token, "saved")


def _shown(
    request: Request, service: Service, token: str, state: str, *, is_everything: bool = False
) -> Response:
    """A page about the token's person."""
    try:
        contact_id, topic = read_token(unsubscribe_key(service.database), token)
        found = chosen(service.database, contact_id)
    except BadTokenError:
        return _page(request, "bad", 404)
    except UnknownPersonError:
        return _page(request, "gone", 200)
    offered = _offered(service, topic)
    switches = [(name, each, found.wants(name)) for name, each in offered.items()]
    title = offered[topic].title if topic in offered else topic
    return _page(
        request,
        state,
        200,
        email=found.person.email,
        title=title,
        token=token,
        switches=switches,
        is_everything=is_everything or found.is_everything,
    )


def _offered(service: Service, topic: str) -> dict[str, Topic]:
    """The topics a person can choose among; that of the email too where nobody declared it."""
    settings = service.settings.email
    offered = {name: each for name, each in settings.topics.items() if not each.transactional}
    if topic and topic not in settings.topics:
        offered[topic] = Topic(title=topic.replace("_", " ").replace("-", " ").capitalize())
    return offered


def _page(
    request: Request,
    state: str,
    status: int,
    *,
    email: str | None = None,
    title: str = "",
    token: str = "",
    switches: list[tuple[str, Topic, bool]] | None = None,
    is_everything: bool = False,
) -> Response:
    answer = render(
        request,
        "unsubscribe.html",
        None,
        status=status,
        state=state,
        email=email,
        title=title,
        token=token,
        switches=switches or [],
        is_everything=is_everything,
    )
    answer.headers.update(HEADERS)
    return answer
