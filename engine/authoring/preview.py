"""One step of a playbook as it would be done for an account now, without doing it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from engine.authoring.letter import write_letter
from engine.authoring.owner_trail import owner_trail
from engine.authoring.words import Written, collect
from engine.clock.zones import format_instant
from engine.conditions.catalogue import Kind
from engine.conditions.evaluate import because, trace
from engine.conditions.operators import OPERATORS
from engine.conditions.wording import show
from engine.episodes.recurrence import every_words
from engine.explain import book_at, find_subject
from engine.fold.case import Case
from engine.fold.choices import chosen
from engine.fold.context import context
from engine.fold.effects import NotDoneError, properties_of, values_of
from engine.fold.world import World
from engine.render.document import NotJsonError, read_document
from engine.rulebook import Library
from engine.rulefile.effects import RecordAction, UpdateAction
from engine.rulefile.model import (
    ChooseAction,
    Deed,
    EmailAction,
    MessageAction,
    Playbook,
    Step,
    TaskAction,
    WebhookAction,
)
from engine.rulefile.problem import nearest
from engine.runs.run import Run
from engine.settings import ChatConnector, WebhookConnector
from engine.state import tables
from engine.state.database import reading
from engine.worlds import build_world

_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_RUN_COLUMNS = [_RUN.c[name] for name in Run.__dataclass_fields__]


class NothingToPreviewError(LookupError):
    """The playbook, the step or the subject is not known; the message says which, and what is."""


@dataclass(frozen=True)
class Preview:
    """What a step would do for one subject at one instant."""

    playbook: str
    step: str
    action: str
    """`task`, `email`, `message`, `webhook`, `record` or `update`."""
    account_id: str
    subject_id: str
    at: datetime
    to: str | None
    """Who it would go to; None when there is nobody."""
    why: tuple[str, ...]
    """How that was found, one sentence each."""
    facts: Mapping[str, str]
    """What goes with it by name: headers of an email, the due date of a task."""
    title: str | None
    """The title or subject; None when it cannot be rendered, or there is none."""
    text: str | None
    html: str | None
    problems: tuple[str, ...]


@dataclass
class _Stage:
    """Everything a preview is made from."""

    case: Case
    connection: Connection
    library: Library
    playbook: Playbook
    run: Run
    names: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.names = context(self.case, self.playbook, self.run)

    def render(self, path: str) -> Callable[[], str]:
        """Renders a template of the playbook's version when called."""
        return lambda: self.case.world.render(self.playbook.version, path, self.names)


def preview(
    database: Engine,
    library: Library,
    name: str,
    step_id: str,
    subject: str,
    at: datetime,
    branch: int | None = None,
) -> Preview:
    """The step as the files have it now, for a subject as it was known at `at`. Nothing is written.

    `subject` is the subject's id, or that of an account with one such subject. Links to unsubscribe are
    stand-ins that do nothing, so that nobody is unsubscribed by a click in a preview. Of a step with
    branches the one is shown that would be taken, or `branch`, counted from 1.

    Raises NothingToPreviewError; engine.explain.NothingToExplainError for an unknown subject.
    """
    playbook = _playbook(library, name)
    step = _step(playbook, step_id)
    with reading(database) as connection:
        account_id, subject_id = find_subject(connection, playbook.subject, subject)
        book, _ = book_at(connection, library, playbook, account_id, at)
        if subject_id not in book.subjects[playbook.subject]:
            raise NothingToPreviewError(
                f"{playbook.subject} {subject_id} was not known at {format_instant(at)}"
            )
        world = replace(build_world(connection, library, ()), unsubscribe_url=_stand_in(library))
        case = Case(world, book, at, at, {}, {})
        run = _run(connection, case, playbook, account_id, subject_id)
        stage = _Stage(case, connection, library, playbook, run)
        deed, remark = _deed(stage, step, branch)
        found = _of_deed(stage, step, deed)
    return replace(found, problems=(*found.problems, remark)) if remark else found


def _playbook(library: Library, name: str) -> Playbook:
    known = {each.name: each for each in library.rules.playbooks}
    if name not in known:
        near = nearest(name, sorted(known))
        sound = ", ".join(sorted(known)) or "none"
        hint = f' (did you mean "{near}"?)' if near else f"; sound are: {sound}"
        raise NothingToPreviewError(f'there is no sound playbook "{name}"{hint}')
    return known[name]


def _step(playbook: Playbook, step_id: str) -> Step:
    try:
        return playbook.step(step_id)
    except KeyError:
        known = ", ".join(each.id for each in playbook.steps)
        raise NothingToPreviewError(
            f'playbook "{playbook.name}" has no step "{step_id}"; its steps are: {known}'
        ) from None


def _stand_in(library: Library) -> Callable[[str, str], str]:
    url = f"{library.settings.console.public_url.rstrip('/')}/unsubscribe/preview"
    return lambda _contact_id, _topic: url


def _run(connection: Connection, case: Case, playbook: Playbook, account_id: str, subject_id: str) -> Run:
    """The run under way at that instant, else one that starts at it."""
    query = (
        select(*_RUN_COLUMNS)
        .where(_RUN.c.playbook == playbook.name, _RUN.c.subject_id == subject_id)
        .where(_RUN.c.started_at <= case.now, (_RUN.c.ended_at.is_(None)) | (_RUN.c.ended_at > case.now))
        .order_by(_RUN.c.started_at.desc(), _RUN.c.id)
        .limit(1)
    )
    found = connection.execute(query).mappings().one_or_none()
    if found is not None:
        return Run(**found)
    kind = playbook.subject.value
    reason = _reason(case, playbook, subject_id)
    return Run(
        "preview", account_id, playbook.name, playbook.version, kind, subject_id, "", 1, "open", case.now,
        reason=reason,
    )  # fmt: skip


def _reason(case: Case, playbook: Playbook, subject_id: str) -> str:
    if playbook.when is not None:
        return because(trace(playbook.when, case.view(Kind(playbook.subject), subject_id)))
    if playbook.every is not None:
        return every_words(playbook.every)
    predicate = playbook.on[0].predicate
    return OPERATORS[predicate.operator].reason(predicate, case.view(Kind(playbook.subject), subject_id))


def _deed(stage: _Stage, step: Step, branch: int | None) -> tuple[Deed, str]:
    """What the step would do, and what to say about the choice."""
    if not isinstance(step.action, ChooseAction):
        if branch is not None:
            raise NothingToPreviewError(f'step "{step.id}" has no branches; leave out the branch')
        return step.action, ""
    branches = step.action.branches
    if branch is not None:
        if not 1 <= branch <= len(branches):
            raise NothingToPreviewError(f'step "{step.id}" has the branches 1 to {len(branches)}')
        return branches[branch - 1].action, ""
    found = chosen(step.action, stage.case.view(stage.playbook.subject, stage.run.subject_id))
    if isinstance(found, str):
        return branches[0].action, f"{found}, so the step would be skipped; branch 1 is shown"
    return found.deed, ""


def _of_deed(stage: _Stage, step: Step, deed: Deed) -> Preview:
    match deed:
        case TaskAction():
            return _of_task(stage, step, deed)
        case EmailAction():
            return _of_email(stage, step, deed)
        case MessageAction():
            return _of_message(stage, step, deed)
        case WebhookAction():
            return _of_webhook(stage, step, deed)
        case RecordAction():
            return _of_record(stage, step, deed)
        case UpdateAction():
            return _of_update(stage, step, deed)


def _of_task(stage: _Stage, step: Step, action: TaskAction) -> Preview:
    case, world = stage.case, stage.case.world
    problems: list[str] = []
    title = collect(lambda: world.render_line(action.title, stage.names), problems)
    path = f"templates/tasks/{action.template}.md.j2"
    text = collect(stage.render(path), problems) if action.template else ""
    owner, why = owner_trail(world.team, action.to, case.account)
    due = case.calendar.day_of(case.calendar.deadline(case.now, action.due))
    facts = {"role": action.to, "due": due.isoformat(), "priority": str(stage.playbook.priority)}
    if action.outcomes:
        facts["outcomes"] = ", ".join(action.outcomes)
    if step.escalate is not None:
        later, _ = owner_trail(world.team, step.escalate.to, case.account)
        facts["escalates"] = f"after {step.escalate.after} to {later} ({step.escalate.to})"
    return _made(stage, step, "task", Written(owner, why, facts, title, text, None, problems))


def _of_email(stage: _Stage, step: Step, action: EmailAction) -> Preview:
    renderer = stage.library.renderer(stage.playbook.version)
    written = write_letter(stage.case, stage.connection, renderer, stage.run, step.id, action, stage.names)
    return _made(stage, step, "email", written)


def _of_message(stage: _Stage, step: Step, action: MessageAction) -> Preview:
    problems: list[str] = []
    text = collect(stage.render(f"templates/messages/{action.template}.txt.j2"), problems)
    if text is not None and not text.strip():
        problems.append(f"templates/messages/{action.template}.txt.j2:1: is empty")
    problems += _connector_problems(stage.case.world, action.via)
    why = (f'the channel is written in the playbook; connector "{action.via}" takes it there',)
    return _made(
        stage, step, "message", Written(action.to, why, {"via": action.via}, None, text, None, problems)
    )


def _of_webhook(stage: _Stage, step: Step, action: WebhookAction) -> Preview:
    problems: list[str] = []
    path = f"templates/webhooks/{action.template}.json.j2"
    text = collect(stage.render(path), problems)
    try:
        text = text and read_document(text)
    except NotJsonError as error:
        problems.append(f"{path}: gives no JSON: {error}")
    configured = stage.case.world.settings.connectors
    if not isinstance(configured.get(action.via), WebhookConnector):
        problems.append(f'there is no connector "{action.via}" of kind webhook in config.yaml')
    why = (f'connector "{action.via}" knows the address',)
    written = Written(action.via, why, {"via": action.via}, None, text, None, problems)
    return _made(stage, step, "webhook", written)


def _of_record(stage: _Stage, step: Step, action: RecordAction) -> Preview:
    problems: list[str] = []
    facts: dict[str, str] = {}
    try:
        carried = properties_of(stage.case, stage.playbook, stage.run, action) or {}
        facts = {name: str(value) for name, value in carried.items()}
    except NotDoneError as error:
        problems.append(str(error))
    why = (f"an event of {stage.run.kind} {stage.run.subject_id}",)
    written = Written(stage.run.subject_id, why, facts, action.event, None, None, problems)
    return _made(stage, step, "record", written)


def _of_update(stage: _Stage, step: Step, action: UpdateAction) -> Preview:
    problems: list[str] = []
    facts: dict[str, str] = {}
    view = stage.case.view(stage.playbook.subject, stage.run.subject_id)
    try:
        for field, value in values_of(stage.case, stage.playbook, stage.run, action).items():
            facts[field.path] = f"{show(view.value(field), field)} → {show(value, field)}"
    except NotDoneError as error:
        problems.append(str(error))
    why = (f"fields of {stage.run.kind} {stage.run.subject_id} or its account",)
    return _made(stage, step, "update", Written(stage.run.subject_id, why, facts, None, None, None, problems))


def _connector_problems(world: World, via: str) -> list[str]:
    configured = world.settings.connectors
    if via not in configured:
        return [f'there is no connector "{via}"; add it under connectors: in config.yaml']
    if not isinstance(configured[via], ChatConnector):
        return [f'connector "{via}" is of kind {configured[via].kind}, and takes no messages']
    return []


def _made(stage: _Stage, step: Step, action: str, written: Written) -> Preview:
    return Preview(
        stage.playbook.name,
        step.id,
        action,
        stage.run.account_id,
        stage.run.subject_id,
        stage.case.now,
        written.to,
        tuple(written.why),
        written.facts,
        written.title,
        written.text,
        written.html,
        tuple(written.problems),
    )


def as_plain(found: Preview) -> dict[str, Any]:
    """The preview as plain JSON values."""
    return {
        "playbook": found.playbook,
        "step": found.step,
        "action": found.action,
        "account_id": found.account_id,
        "subject_id": found.subject_id,
        "at": format_instant(found.at),
        "to": found.to,
        "why": list(found.why),
        "facts": dict(found.facts),
        "title": found.title,
        "text": found.text,
        "html": found.html,
        "problems": list(found.problems),
    }
