"""The console's pages and files, put into the application."""

from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from engine.console import (
    account_pages,
    decision_pages,
    hold_pages,
    mail_pages,
    mailbox_pages,
    openid_pages,
    people_pages,
    playbook_pages,
    queue_pages,
    settings_pages,
    sign_in,
    silence_pages,
    suppression_pages,
    task_pages,
    today_pages,
    unsubscribe_pages,
    why_pages,
    you_pages,
)
from engine.console.pages import STATIC, is_part
from engine.console.session import SignInNeeded


def routers(*, has_mailbox: bool) -> list[APIRouter]:
    """The pages. The local mailbox is there only where the settings ask for it."""
    modules = (
        sign_in,
        openid_pages,
        you_pages,
        queue_pages,
        today_pages,
        task_pages,
        account_pages,
        playbook_pages,
        decision_pages,
        suppression_pages,
        mail_pages,
        hold_pages,
        why_pages,
        silence_pages,
        settings_pages,
        people_pages,
        unsubscribe_pages,
        *([mailbox_pages] if has_mailbox else []),
    )
    return [module.routes for module in modules]


def mount(app: FastAPI) -> None:
    """Add the files of the pages, and the way to the sign-in page."""
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(SignInNeeded, _to_sign_in)


def _to_sign_in(request: Request, error: Exception) -> Response:
    """The sign-in page, which leads back here; the page's script is told to go there."""
    back = request.url.path if request.method == "GET" else "/queue"
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    target = "/sign-in?next=" + quote(back + query, safe="/")
    if is_part(request):
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)
