"""Rendering: every page goes through one strict, escaping template environment."""

from datetime import UTC
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse, Response

from engine.api.access import service_of
from engine.api.problems import Problem
from engine.conditions.wording import plural
from engine.console import wording
from engine.console.guidance import guidance
from engine.console.session import Visitor

STATIC = Path(__file__).parent / "static"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        day=wording.day,
        near_day=wording.near_day,
        instant=wording.instant,
        amount=wording.amount,
        words=wording.words,
        sentence=wording.sentence,
        guidance=guidance,
        value=wording.value,
        path=lambda text: quote(str(text), safe=""),
    )
    made.globals["plural"] = plural
    return made


_TEMPLATES = _environment()


def render(
    request: Request, template: str, visitor: Visitor | None, *, status: int = 200, **context: Any
) -> Response:
    """A page, or a part of one, for somebody who is signed in or for anybody."""
    service = service_of(request)
    shared = {
        "visitor": visitor,
        "csrf": visitor.csrf if visitor else "",
        "path": request.url.path,
        "brand": service.settings.email.brand,
        "has_mailbox": service.mailbox is not None,
        "today": service.now().date(),
        "utc": UTC,
    }
    return HTMLResponse(_TEMPLATES.get_template(template).render({**shared, **context}), status)


def problem_page(request: Request, problem: Problem) -> Response:
    """A refusal as a page: what happened and what to do."""
    body = {"title": problem.body["title"], "detail": problem.body["detail"]}
    template = "problem_part.html" if is_part(request) else "problem.html"
    page = render(request, template, None, status=problem.status, **body)
    page.headers.update(problem.headers or {})
    if is_part(request):
        page.headers["HX-Reswap"] = "beforeend"
    return page


def is_part(request: Request) -> bool:
    """Whether the page's script asks for a part, and not a browser for a page."""
    return request.headers.get("hx-request") == "true"


def local_path(given: str, default: str) -> str:
    """An address on this site to go back to; anything else becomes the default."""
    is_local = given.startswith("/") and not given.startswith("//") and "\\" not in given
    return given if is_local and given.isprintable() else default


def address(path: str, **asked: str) -> str:
    """An address on this site with what is asked of it; what is empty is left out."""
    given = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{given}" if given else path


def see_other(path: str) -> Response:
    """Go on to another page after a form."""
    return RedirectResponse(quote(path, safe="/?&=%:+,~-._"), 303)
