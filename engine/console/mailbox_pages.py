"""The local mailbox of a trial set-up: what really arrived over SMTP, and chat posts sent here."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from engine.api.access import Body, ServiceHere
from engine.api.problems import Problem
from engine.api.service import Service
from engine.api.strict_json import parse_body
from engine.console.mail_pages import FRAMED_HEADERS
from engine.console.pages import render
from engine.console.session import Acting, SignedIn, Visitor, same_site
from engine.mailbox.answers import ANSWERS, answer_to
from engine.mailbox.store import StoredMessage, UnknownMessageError, list_messages, read_message, store_chat
from engine.returns.notice import Ignored, read_notice
from engine.returns.reading import soft_limit
from engine.returns.take import take_all
from engine.users.access import Permission

routes = APIRouter(include_in_schema=False)

SHOWN = 200
LONGEST_CHANNEL = 200


def folder_of(service: ServiceHere) -> Path:
    """The mailbox's folder. Raises Problem (404) where there is none."""
    if service.mailbox is None:
        raise Problem(404, "No mailbox", "This installation has no local mailbox.")
    return service.mailbox


Folder = Annotated[Path, Depends(folder_of)]


@routes.get("/mailbox")
def list_mailbox(request: Request, visitor: SignedIn, folder: Folder) -> Response:
    """What arrived, newest first."""
    return render(request, "mailbox.html", visitor, messages=list_messages(folder, SHOWN))


@routes.get("/mailbox/{message_id}")
def show_message(request: Request, visitor: SignedIn, folder: Folder, message_id: str) -> Response:
    """One message with its headers."""
    return _shown(request, visitor, _message(folder, message_id), None)


@routes.post("/mailbox/{message_id}/answer")
def answer_message(
    request: Request,
    service: ServiceHere,
    visitor: Acting,
    folder: Folder,
    message_id: str,
    answer: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Let its reader reply or complain, or let it bounce; it is read as what really comes back is."""
    message = _message(folder, message_id)
    chosen = next((each for each in ANSWERS if each == answer), None)
    if chosen is None:
        raise Problem(422, "Answer does not fit", f"A reader can {', '.join(ANSWERS)}.")
    now = service.now()
    notices = read_notice(answer_to(message, chosen, int(now.timestamp())))
    if isinstance(notices, Ignored):
        raise Problem(422, "Answer does not fit", f"It says nothing: {notices.reason}.")
    counts = take_all(service.database, notices, soft_limit(service.settings.email), now, now)
    service.wake()
    return _shown(request, visitor, message, next(iter(counts)))


def _shown(request: Request, visitor: Visitor, message: StoredMessage, taken: str | None) -> Response:
    can_answer = message.kind == "email" and visitor.may(Permission.OPS)
    return render(
        request, "mailbox_message.html", visitor, message=message, can_answer=can_answer, taken=taken
    )


@routes.get("/mailbox/{message_id}/html")
def show_message_html(visitor: SignedIn, folder: Folder, message_id: str) -> Response:
    """The message's HTML alone, for the frame on its page."""
    return HTMLResponse(_message(folder, message_id).html, headers=FRAMED_HEADERS)


@routes.post("/mailbox/slack", dependencies=[Depends(same_site)])
def take_chat(request: Request, service: ServiceHere, folder: Folder, body: Body) -> Response:
    """Take a chat post as Slack's incoming webhook would, from this machine only."""
    _from_here(request)
    post = parse_body(body)
    text = post.get("text") if isinstance(post, dict) else None
    if not isinstance(text, str) or not text:
        raise Problem(400, "No text", 'Send a JSON object with a "text".')
    channel = post.get("channel")
    shown = channel[:LONGEST_CHANNEL] if isinstance(channel, str) else ""
    store_chat(folder, shown, text, service.now(), _kept(service))
    return PlainTextResponse("ok")


def _kept(service: Service) -> int:
    return service.settings.mailbox.keep


def _from_here(request: Request) -> None:
    """Refuse what does not come from this machine. Raises Problem (403, 415)."""
    if not _is_loopback(request.client.host if request.client else ""):
        raise Problem(403, "Not from here", "The mailbox takes posts from this machine only.")
    # A page of another site cannot send this type without asking first, and nobody answers.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Problem(415, "Not JSON", "Send the post as application/json.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _message(folder: Path, message_id: str) -> StoredMessage:
    try:
        return read_message(folder, message_id)
    except UnknownMessageError as error:
        detail = "The mailbox has no such message; it keeps the newest only. See Mailbox."
        raise Problem(404, "No such message", detail) from error
