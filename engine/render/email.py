"""Composes whole emails: subject, HTML inside the base layout, and the written text."""

from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import css_inline
from markupsafe import Markup

from engine.branding import STANDARD_LOOK, Look
from engine.render.plain_text import plain_text
from engine.render.templates import Renderer, RenderError, one_line

LAYOUT = "templates/emails/_layout.html.j2"
"""The page around every email's HTML. docs/templates.md has the names it gets on top of the email's own."""

_RIGHT_TO_LEFT = frozenset(("ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"))
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
    """The subject, HTML and text of the email template called `name`; the text may be missing."""
    folder = f"templates/emails/{name}"
    return f"{folder}/subject.txt.j2", f"{folder}/body.html.j2", f"{folder}/body.txt.j2"


def preheader_path(name: str) -> str:
    """The line that mail programs show beside the subject; it may be missing."""
    return f"templates/emails/{name}/preheader.txt.j2"


def compose_email(
    renderer: Renderer, name: str, context: Mapping[str, Any], look: Look = STANDARD_LOOK
) -> RenderedEmail:
    """The email called `name`, filled in from `context`, which must hold `unsubscribe_url` and `footer`.

    Without a written text part it is derived from the HTML. Raises RenderError; also for an empty part,
    for scripts and forms, and for links that lead nowhere.
    """
    subject_path, html_path, text_path = template_paths(name)
    subject = one_line(renderer.render(subject_path, context))
    body = renderer.render(html_path, context).strip()
    text = renderer.render(text_path, context).strip() if renderer.has(text_path) else plain_text(body)
    if body and not text and not renderer.has(text_path):
        raise RenderError(f"{html_path}:1", f"has no words to derive a text part from; write {text_path}")
    for path, part in ((subject_path, subject), (html_path, body), (text_path, text)):
        if not part:
            raise RenderError(f"{path}:1", "is empty; an email needs a subject, a text and an HTML body")
    around = {"body": Markup(body), "subject": subject, "preheader": _preheader(renderer, name, context)}
    page = renderer.render(
        LAYOUT, {**context, **around, **_page(_language(renderer, name, context, look), look)}
    )
    _check_html(page, html_path)
    return RenderedEmail(subject, _INLINER.inline(page), _with_footer(text, context, look))


def _preheader(renderer: Renderer, name: str, context: Mapping[str, Any]) -> str:
    path = preheader_path(name)
    return one_line(renderer.render(path, context)) if renderer.has(path) else ""


def _page(language: str, look: Look) -> dict[str, Any]:
    is_rtl = language.partition("-")[0].lower() in _RIGHT_TO_LEFT
    return {
        "language": language,
        "direction": "rtl" if is_rtl else "ltr",
        "start": "right" if is_rtl else "left",
        "light": look.colours.model_dump(),
        "dark": look.dark_colours.model_dump(),
        "logo": look.logo.model_dump() if look.logo else None,
        "address": look.address,
    }


def _language(renderer: Renderer, name: str, context: Mapping[str, Any], look: Look) -> str:
    """What the words are written in: the contact's language where the template goes by it."""
    if not any(renderer.mentions(path, "locale") for path in template_paths(name)):
        return look.language
    contact = context.get("contact")
    locale = contact.get("locale") if isinstance(contact, Mapping) else None
    language = str(locale or look.language).replace("_", "-").split(".")[0]
    return language if language.replace("-", "").isalnum() and language.isascii() else look.language


def _with_footer(text: str, context: Mapping[str, Any], look: Look) -> str:
    lines = [text, "", "-- ", str(context.get("footer") or "")]
    if look.address:
        lines.append(look.address)
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
