"""What a step does when its time has come: a task, an email or a message, or a change of the account."""

from collections.abc import Mapping
from datetime import datetime

from engine.conditions.catalogue import Kind, Value
from engine.fold.case import Case
from engine.fold.context import context, find_contact, subject_values
from engine.fold.effects import Effect, NotDoneError, record, update
from engine.identity import digest
from engine.render.document import NotJsonError, read_document
from engine.render.templates import RenderError
from engine.rulefile.effects import RecordAction, UpdateAction
from engine.rulefile.model import (
    Deed,
    EmailAction,
    Escalation,
    MessageAction,
    Playbook,
    TaskAction,
    WebhookAction,
)
from engine.runs.run import HOURS, Message, Run, Task, naming


def perform(
    case: Case,
    playbook: Playbook,
    run: Run,
    step: str,
    action: Deed,
    reason: str,
    escalate: Escalation | None = None,
    occurrence: int = 1,
) -> Task | Message | Effect:
    """Do one action now. `reason` is why, for the person who gets a task. Raises NotDoneError.

    `occurrence` says which time it is that the step acts in this run.
    """
    match action:
        case TaskAction():
            task = _create_task(case, playbook, run, step, action, occurrence)
            task.reason = reason
            if escalate is not None:
                task.escalates_at, task.escalates_to = _escalation_time(case, escalate), escalate.to
            return task
        case EmailAction():
            return _write_email(case, playbook, run, step, action, occurrence)
        case MessageAction():
            return _write_message(case, playbook, run, step, action, occurrence)
        case WebhookAction():
            return _write_webhook(case, playbook, run, step, action, occurrence)
        case RecordAction():
            return record(case, playbook, run, step, action, occurrence)
        case UpdateAction():
            return update(case, playbook, run, step, action)


def _create_task(
    case: Case, playbook: Playbook, run: Run, step: str, action: TaskAction, occurrence: int
) -> Task:
    title, body = _task_words(case, playbook, run, action)
    due_at = case.calendar.deadline(case.now, action.due)
    task = Task(
        id=digest("task", run.id, *naming(step, occurrence)),
        run_id=run.id,
        account_id=run.account_id,
        kind=run.kind,
        subject_id=run.subject_id,
        playbook=run.playbook,
        step=step,
        title=title,
        body=body,
        role=action.to,
        assignee=case.world.team.owner(action.to, case.account),
        priority=playbook.priority,
        due_on=case.calendar.day_of(due_at),
        due_at=due_at,
        created_at=case.now,
        outcomes=list(action.outcomes) or None,
        evidence=run.evidence,
        occurrence=occurrence,
    )
    case.touch(task)
    return task


def _escalation_time(case: Case, escalate: Escalation) -> datetime:
    if escalate.after.unit in ("h", "min"):
        return case.now + escalate.after.elapsed
    day = case.calendar.plus_days(case.calendar.day_of(case.now), escalate.after)
    return case.calendar.morning(day)


def _task_words(case: Case, playbook: Playbook, run: Run, action: TaskAction) -> tuple[str, str]:
    """Title and guidance. A template that fails costs the words, never the task."""
    names = context(case, playbook, run)
    failures = []
    try:
        title = case.world.render_line(action.title, names)
    except RenderError as error:
        title = f"{playbook.title}: {names['account']['name']}"
        failures.append(f"The title could not be rendered: {error}")
    body = ""
    if action.template is not None:
        try:
            body = case.world.render(playbook.version, f"templates/tasks/{action.template}.md.j2", names)
        except RenderError as error:
            failures.append(f"The guidance could not be rendered: {error}")
    return title, "\n\n".join([*failures, body]).strip()


def _recipient(case: Case, run: Run, action: EmailAction) -> str:
    contact_id = find_contact(case, action.to, with_email=True, subject=run.subject_id)
    if contact_id is None:
        wanted = " or ".join(action.to)
        raise NotDoneError(f"no active contact with an email address in the role {wanted}")
    return contact_id


def _write_email(
    case: Case, playbook: Playbook, run: Run, step: str, action: EmailAction, occurrence: int
) -> Message:
    contact_id = _recipient(case, run, action)
    contact = subject_values(case, Kind.CONTACT, contact_id)
    if contact.get("consent") == "withdrawn":
        raise NotDoneError(f"{contact.get('name', contact_id)} has withdrawn consent to email")
    names = context(case, playbook, run)
    names["contact"] = contact
    settings = case.world.settings
    is_optional = not settings.email.is_transactional(action.topic)
    names["unsubscribe_url"] = case.world.unsubscribe_url(contact_id, action.topic) if is_optional else None
    try:
        written = case.world.compose(playbook.version, action.template, names)
    except RenderError as error:
        raise NotDoneError(f"template error: {error}") from error
    zones = (_zone(contact), _zone(case.account))
    country = case.account.get("country")
    leaves_at = settings.email_leaves(case.now, zones, str(country) if country else None, action.topic)
    message = Message(
        id=digest("outbox", run.id, *naming(step, occurrence), contact_id),
        run_id=run.id,
        account_id=run.account_id,
        playbook=run.playbook,
        step=step,
        contact_id=contact_id,
        connector="email",
        recipient=str(contact["email"]),
        topic=action.topic,
        subject=written["subject"],
        payload={
            "html": written["html"],
            "text": written["text"],
            "unsubscribe_url": names["unsubscribe_url"],
            "reply_to": (names["csm"] or {}).get("email"),
        },
        available_at=leaves_at,
        created_at=case.now,
        priority=playbook.priority,
        waits_for=HOURS if leaves_at > case.now else None,
    )
    case.messages.append(message)
    return message


def _zone(values: Mapping[str, Value | None]) -> str | None:
    """The time zone of somebody."""
    found = values.get("timezone")
    return None if found is None else str(found)


def _write_message(
    case: Case, playbook: Playbook, run: Run, step: str, action: MessageAction, occurrence: int
) -> Message:
    path = f"templates/messages/{action.template}.txt.j2"
    try:
        text = case.world.render(playbook.version, path, context(case, playbook, run))
    except RenderError as error:
        raise NotDoneError(f"template error: {error}") from error
    return _post(case, run, step, occurrence, action.via, action.to, {"text": text})


def _write_webhook(
    case: Case, playbook: Playbook, run: Run, step: str, action: WebhookAction, occurrence: int
) -> Message:
    path = f"templates/webhooks/{action.template}.json.j2"
    try:
        text = read_document(case.world.render(playbook.version, path, context(case, playbook, run)))
    except RenderError as error:
        raise NotDoneError(f"template error: {error}") from error
    except NotJsonError as error:
        raise NotDoneError(f"template error: {path}: gives no JSON: {error}") from error
    payload = {"text": text, "webhook": True}
    return _post(case, run, step, occurrence, action.via, action.via, payload)


def _post(
    case: Case, run: Run, step: str, occurrence: int, via: str, to: str, payload: dict[str, object]
) -> Message:
    """Put what goes to no person, but to a channel or an address, on its way at once."""
    message = Message(
        id=digest("outbox", run.id, *naming(step, occurrence), to),
        run_id=run.id,
        account_id=run.account_id,
        playbook=run.playbook,
        step=step,
        contact_id=None,
        connector=via,
        recipient=to,
        topic=None,
        subject="",
        payload=payload,
        available_at=case.now,
        created_at=case.now,
    )
    case.messages.append(message)
    return message
