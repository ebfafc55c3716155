"""The console's pages and files, put into the application."""

from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from engine.console import (
    account_pages,
    hold_pages,
    mail_pages,
    mailbox_pages,
    playbook_pages,
    queue_pages,
    sign_in,
    silence_pages,
    unsubscribe_pages,
    why_pages,
)
from engine.console.pages import STATIC, is_part
from engine.console.session import SignInNeeded


def mount(app: FastAPI, *, has_mailbox: bool) -> None:
    """Add the console. The local mailbox is there only where the settings ask for it."""
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    modules = (
        sign_in,
        queue_pages,
        account_pages,
        playbook_pages,
        mail_pages,
        hold_pages,
        why_pages,
        silence_pages,
        unsubscribe_pages,
    )
    for module in modules:
        app.include_router(module.routes)
    if has_mailbox:
        app.include_router(mailbox_pages.routes)
    app.add_exception_handler(SignInNeeded, _to_sign_in)


def _to_sign_in(request: Request, error: Exception) -> Response:
    """The sign-in page, which leads back here; the page's script is told to go there."""
    back = request.url.path if request.method == "GET" else "/queue"
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    target = "/sign-in?next=" + quote(back + query, safe="/")
    if is_part(request):
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, 303)
