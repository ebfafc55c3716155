"""What is unwise in the emails of playbooks, seen by rendering them for somebody who has every value."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.authoring.lint_people import actions_of
from engine.conditions.catalogue import Catalogue, Kind
from engine.render.email import LAYOUT, compose_email, template_paths
from engine.render.flaws import Flaw, html_flaws, subject_flaws
from engine.render.templates import Renderer, RenderError
from engine.rulefile.model import EmailAction, Playbook
from engine.rulefile.stand_ins import stand_ins
from engine.rulefile.templates import FOLDER
from engine.settings import Settings

_TELLING = 5
"""Characters from which words are unlikely to stand in a template by chance; shorter ones may be values."""
_STAND_IN = "https://example.com/unsubscribe"


def email_warnings(
    playbook: Playbook, texts: Mapping[str, str], settings: Settings, catalogue: Catalogue
) -> Iterator[tuple[str, int, str]]:
    """The template, the line and what is unwise there, for every email the playbook sends.

    Emails that cannot be rendered with stand-ins are left to the preview of an account.
    """
    layout = settings.templates / LAYOUT.removeprefix(f"{FOLDER}/")
    if not layout.is_file():
        return
    files = {**texts, LAYOUT: layout.read_text(encoding="utf-8")}
    renderer, names = Renderer(files), _names(playbook, settings, catalogue)
    for template in sorted(_templates(playbook)):
        subject, html, _ = template_paths(template)
        try:
            mail = compose_email(renderer, template, names, settings.email.look)
        except RenderError:
            continue
        for flaw in subject_flaws(mail.subject):
            yield subject, 1, flaw.message
        for flaw in html_flaws(mail.html):
            yield *_place(files, (html, LAYOUT), flaw), flaw.message


def _templates(playbook: Playbook) -> set[str]:
    return {each.template for _, each in actions_of(playbook) if isinstance(each, EmailAction)}


def _names(playbook: Playbook, settings: Settings, catalogue: Catalogue) -> dict[str, Any]:
    found = stand_ins(catalogue, playbook.subject)
    found["contact"] = stand_ins(catalogue, Kind.CONTACT)["contact"] | {"locale": "en"}
    brand = {"brand": settings.email.brand, "footer": settings.email.footer}
    return found | brand | {"unsubscribe_url": _STAND_IN}


def _place(files: Mapping[str, str], paths: tuple[str, ...], flaw: Flaw) -> tuple[str, int]:
    """The first file and line that hold the words of a flaw; the first of all where none does."""
    for path in paths:
        if len(flaw.near) >= _TELLING and flaw.near in files[path]:
            return path, files[path].count("\n", 0, files[path].index(flaw.near)) + 1
    return paths[0], 1
