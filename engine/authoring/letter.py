"""An email of a playbook as it would be sent, and everything that speaks against sending it."""

from collections.abc import Iterator
from email.header import decode_header, make_header
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from connectors.address import BadAddressError
from connectors.message import BadLetterError, Letter, build_message
from engine.authoring.words import Written, collect
from engine.branding import Look
from engine.conditions.catalogue import Kind
from engine.fold.case import Case
from engine.fold.context import find_contact, subject_values
from engine.identity import digest
from engine.outbox.correspondence import feedback_of, reply_address, sender_of
from engine.permit.consent import ContactFacts, Refusal, may_send
from engine.permit.suppression import address_key, suppressed_among
from engine.render.email import LAYOUT, RenderedEmail, compose_email, preheader_path, template_paths
from engine.render.flaws import html_flaws, subject_flaws
from engine.render.plain_text import plain_text
from engine.render.templates import Renderer, RenderError, one_line
from engine.rulefile.model import EmailAction
from engine.runs.run import Run
from engine.settings import SmtpConnector


def write_letter(
    case: Case,
    connection: Connection,
    renderer: Renderer,
    run: Run,
    step: str,
    action: EmailAction,
    names: dict[str, Any],
) -> Written:
    """The email of a step for the contact it would go to; rendered also where it may not be sent."""
    problems: list[str] = []
    contact_id, why = _recipient(case, run, action, problems)
    if not isinstance(case.world.settings.connectors.get("email"), SmtpConnector):
        problems.append('there is no connector "email"; add it under connectors: in config.yaml')
    if contact_id is None:
        return Written(None, why, {}, None, None, None, problems)
    contact = subject_values(case, Kind.CONTACT, contact_id)
    problems += _refusals(connection, contact)
    names["contact"] = contact
    is_optional = not case.world.settings.email.is_transactional(action.topic)
    names["unsubscribe_url"] = case.world.unsubscribe_url(contact_id, action.topic) if is_optional else None
    look = case.world.settings.email.look
    subject, text, mail = _rendered(renderer, action.template, names, look, problems)
    to = str(contact.get("email") or contact_id)
    if mail is None:
        return Written(to, why, {}, subject, text, None, problems)
    problems += _of_mail(mail, names["unsubscribe_url"])
    letter = _letter(case, digest("preview", run.id, to), step, action, to, mail, names)
    headers = _headers(letter, problems)
    return Written(to, why, headers, mail.subject, mail.text, mail.html, problems)


def _recipient(
    case: Case, run: Run, action: EmailAction, problems: list[str]
) -> tuple[str | None, tuple[str, ...]]:
    """Who gets it, and which roles were asked; where nobody can, whom it would reach with an address."""
    trail: list[str] = []
    for role in action.to:
        found = _of_role(case, run, role, with_email=True)
        if found is not None:
            return found, (*trail, f"{_asked(role)}: {_named(case, found)}")
        trail.append(f"{_asked(role)}: nobody active with an address")
    problems.append(f"no active contact with an email address in the role {' or '.join(action.to)}")
    others = (_of_role(case, run, role, with_email=False) for role in action.to)
    return next((each for each in others if each is not None), None), tuple(trail)


def _of_role(case: Case, run: Run, role: str, *, with_email: bool) -> str | None:
    return find_contact(case, (role,), with_email=with_email, subject=run.subject_id)


def _asked(role: str) -> str:
    return {"any": "any active contact", "subject": "the contact the run is about"}.get(role, role)


def _named(case: Case, contact_id: str) -> str:
    values = subject_values(case, Kind.CONTACT, contact_id)
    return f"{values.get('name', contact_id)}, {values.get('role', 'no role')}"


def _refusals(connection: Connection, contact: Any) -> list[str]:
    email = contact.get("email")
    suppressed = bool(email) and address_key(email) in suppressed_among(connection, [email])
    answer = may_send(ContactFacts(contact.get("status"), contact.get("consent"), email), suppressed)
    return [f"not to be sent: {answer.reason}"] if isinstance(answer, Refusal) else []


def _rendered(
    renderer: Renderer, name: str, names: dict[str, Any], look: Look, problems: list[str]
) -> tuple[str | None, str | None, RenderedEmail | None]:
    """Subject, text and, where every part can be rendered, the whole email."""
    parts = []
    for path in _parts_of(renderer, name):
        part = collect(lambda path=path: renderer.render(path, names), problems)  # type: ignore[misc]
        if part is not None and not part.strip() and path != preheader_path(name):
            problems.append(f"{path}:1: is empty; an email needs a subject, a text and an HTML body")
        parts.append(part)
    subject, html = parts[:2]
    text = parts[2] if renderer.has(template_paths(name)[2]) else html and plain_text(html)
    shown = None if subject is None else one_line(subject)
    if not all(part and part.strip() for part in (subject, html, text)):
        return shown, text, None
    try:
        return shown, text, compose_email(renderer, name, names, look)
    except RenderError as error:
        if str(error) not in problems:
            problems.append(str(error))
        return shown, text, None


def _parts_of(renderer: Renderer, name: str) -> list[str]:
    """Subject and HTML, and the other two where they are written."""
    subject, html, text = template_paths(name)
    return [subject, html, *filter(renderer.has, (text, preheader_path(name)))]


def _of_mail(mail: RenderedEmail, unsubscribe_url: str | None) -> Iterator[str]:
    for flaw in (*subject_flaws(mail.subject), *html_flaws(mail.html)):
        yield flaw.message
    links = _Links()
    links.feed(mail.html)
    links.close()
    if unsubscribe_url and unsubscribe_url not in links.found:
        yield f"the HTML has no unsubscribe link; put {{{{ unsubscribe_url }}}} into {LAYOUT}"
    if unsubscribe_url and unsubscribe_url not in mail.text:
        yield "the text part has no unsubscribe link"
    for link in dict.fromkeys(links.found):
        if not _leads_somewhere(link):
            yield f'the link "{link[:80]}" leads nowhere'


class _Links(HTMLParser):
    """Collects where links lead."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the element links to."""
        self.found += [value or "" for name, value in attrs if name == "href"]


def _leads_somewhere(link: str) -> bool:
    parts = urlsplit(link.strip())
    if parts.scheme in ("http", "https"):
        return bool(parts.hostname) and " " not in link.strip()
    return bool(parts.path.strip("/ "))


def _letter(
    case: Case,
    key: str,
    step: str,
    action: EmailAction,
    to: str,
    mail: RenderedEmail,
    names: dict[str, Any],
) -> Letter:
    settings = case.world.settings.email
    return Letter(
        id=key,
        sender=sender_of(settings, action.topic),
        recipient=to,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        sent_at=case.now,
        reply_to=reply_address(settings, (names["csm"] or {}).get("email")),
        unsubscribe_url=names["unsubscribe_url"],
        topic=action.topic,
        feedback=feedback_of(settings, step, action.topic),
    )


def _headers(letter: Letter, problems: list[str]) -> dict[str, str]:
    """The headers of the message on the wire, as its connector builds it."""
    try:
        message = build_message(letter)
    except (BadAddressError, BadLetterError) as error:
        problems.append(f"the message cannot be built: {error}")
        return {}
    hidden = {"mime-version", "content-type"}
    return {
        name: str(make_header(decode_header(value)))
        for name, value in message.headers.items()
        if name.lower() not in hidden
    }
