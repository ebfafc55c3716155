"""Composes whole emails: subject, HTML inside the base layout, and the written text."""

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import css_inline
from markupsafe import Markup

from engine.render.templates import Renderer, RenderError, one_line

LAYOUT = "templates/emails/_layout.html.j2"
"""The page around every email's HTML. It gets `body` and `language` on top of the email's own values."""

_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_ACTIVE = frozenset({"script", "iframe", "object", "embed", "form", "base", "link"})


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """What one person is to read."""

    subject: str
    html: str
    text: str


def template_paths(name: str) -> tuple[str, str, str]:
    """The subject, HTML and text of the email template called `name`."""
    folder = f"templates/emails/{name}"
    return f"{folder}/subject.txt.j2", f"{folder}/body.html.j2", f"{folder}/body.txt.j2"


def compose_email(renderer: Renderer, name: str, context: Mapping[str, Any]) -> RenderedEmail:
    """The email called `name`, filled in from `context`, which must hold `unsubscribe_url` and `footer`.

    Raises RenderError; also for an empty part, for scripts and forms, and for links that lead nowhere.
    """
    subject_path, html_path, text_path = template_paths(name)
    subject = one_line(renderer.render(subject_path, context))
    text = renderer.render(text_path, context).strip()
    body = renderer.render(html_path, context).strip()
    for path, part in ((subject_path, subject), (text_path, text), (html_path, body)):
        if not part:
            raise RenderError(f"{path}:1", "is empty; an email needs a subject, a text and an HTML body")
    page = renderer.render(
        LAYOUT, {**context, "body": Markup(body), "subject": subject, "language": _language(context)}
    )
    _check_html(page, html_path)
    return RenderedEmail(subject, _INLINER.inline(page), _with_footer(text, context))


def _language(context: Mapping[str, Any]) -> str:
    contact = context.get("contact")
    locale = contact.get("locale") if isinstance(contact, Mapping) else None
    language = str(locale or "en").replace("_", "-").split(".")[0]
    return language if language.replace("-", "").isalnum() and language.isascii() else "en"


def _with_footer(text: str, context: Mapping[str, Any]) -> str:
    lines = [text, "", "-- ", str(context.get("footer") or "")]
    if context.get("unsubscribe_url"):
        lines.append(f"Unsubscribe: {context['unsubscribe_url']}")
    return "\n".join(lines) + "\n"


def _check_html(page: str, place: str) -> None:
    reader = _LinkReader()
    reader.feed(page)
    reader.close()
    if reader.problem:
        raise RenderError(f"{place}:1", reader.problem)


class _LinkReader(HTMLParser):
    """Looks for what an email must not hold."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problem: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an active element, a handler, or a link that is not http, https, mailto or tel."""
        if tag in _ACTIVE:
            self.problem = f"holds a <{tag}>, which mail programs remove"
        for name, value in attrs:
            if name.startswith("on"):
                self.problem = f'holds "{name}", which mail programs remove'
            elif name in ("href", "src") and not _is_link(value or ""):
                self.problem = f'links to "{(value or "")[:60]}"; a link begins with https:// or mailto:'


def _is_link(value: str) -> bool:
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return False
    return parts.scheme.lower() in _SCHEMES and bool(parts.netloc or parts.path)
