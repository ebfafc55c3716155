"""What a step does: a task, an email, a message, a change; or the one of them that a branch chooses."""

from collections import Counter
from collections.abc import Callable, Iterable

from engine.clock.durations import Duration
from engine.conditions.catalogue import Kind
from engine.rulefile.asked import Place
from engine.rulefile.model import (
    Branch,
    ChooseAction,
    Deed,
    EmailAction,
    MessageAction,
    TaskAction,
    WebhookAction,
)
from engine.rulefile.notes import RefusedError, Table
from engine.rulefile.parse_conditions import read_condition
from engine.rulefile.parse_effects import read_record, read_update
from engine.rulefile.parse_values import choice, duration, slug, text
from engine.rulefile.problem import quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Node, Scalar, Sequence
from engine.rulefile.stand_ins import stand_ins

DUE_AT_ONCE = Duration(1, "bd")
"""When a task is due whose step does not say."""

TASK_KEYS = ("to", "title", "template", "due", "outcomes")
EMAIL_KEYS = ("to", "template", "topic")
MESSAGE_KEYS = ("via", "to", "template")
WEBHOOK_KEYS = ("via", "template")


def read_task(node: Node, scope: Scope) -> TaskAction | None:
    """`task: {to: csm, title: …, template: …, due: 1bd, outcomes: […]}`."""
    table = scope.notes.table(node, TASK_KEYS, "a task")
    to = table.required("to", scope.role, "a task")
    title = table.required("title", lambda each: _title(each, scope), "a task")
    template = table.maybe("template", lambda each: _template(each, scope, ["tasks/{}.md.j2"]))
    due = table.optional("due", duration, DUE_AT_ONCE)
    outcomes = table.optional("outcomes", lambda each: _distinct(each, scope, "outcomes", slug), ())
    if to is None or title is None:
        return None
    return TaskAction(to, title, template, due, outcomes)


def read_email(node: Node, scope: Scope) -> EmailAction | None:
    """`email: {to: [champion, any], template: …, topic: …}`."""
    table = scope.notes.table(node, EMAIL_KEYS, "an email")
    to = table.required("to", lambda each: _recipients(each, scope), "an email")
    template = table.required(
        "template", lambda each: _template(each, scope, _EMAIL_PATHS, _EMAIL_EXTRAS), "an email"
    )
    topic = table.required("topic", scope.topic, "an email")
    if to is None or template is None or topic is None:
        return None
    return EmailAction(to, template, topic)


def read_message(node: Node, scope: Scope) -> MessageAction | None:
    """`message: {via: slack, to: "#cs-wins", template: …}`."""
    table = scope.notes.table(node, MESSAGE_KEYS, "a message")
    via = table.required("via", slug, "a message")
    to = table.required("to", text, "a message")
    template = table.required(
        "template", lambda each: _template(each, scope, ["messages/{}.txt.j2"]), "a message"
    )
    if via is None or to is None or template is None:
        return None
    return MessageAction(via, to, template)


def read_webhook(node: Node, scope: Scope) -> WebhookAction | None:
    """`webhook: {via: crm, template: at-risk}`."""
    table = scope.notes.table(node, WEBHOOK_KEYS, "a webhook")
    via = table.required("via", slug, "a webhook")
    path = "webhooks/{}.json.j2"
    template = table.required("template", lambda each: _template(each, scope, [path]), "a webhook")
    if template is not None:
        names = stand_ins(scope.catalogue, scope.subject)
        scope.templates.check_json(path.format(template), names)
    return WebhookAction(via, template) if via is not None and template is not None else None


ACTIONS: dict[str, Callable[[Node, Scope], Deed | None]] = {
    "task": read_task,
    "email": read_email,
    "message": read_message,
    "webhook": read_webhook,
    "record": read_record,
    "update": read_update,
}
"""Every action by its key."""

OF_ACCOUNTS = {"email": "no contacts", "record": "no account", "update": "no account"}
"""The actions that a playbook about a source cannot have, and why."""

CHOOSE = "choose"
BRANCH_KEYS = ("if", *ACTIONS)


def read_action(table: Table, scope: Scope, what: str) -> Deed | None:
    """The one action of a branch or of an exit."""
    return _deed(table, scope, table.one_of(ACTIONS, what))


def _deed(table: Table, scope: Scope, key: str | None) -> Deed | None:
    if key in OF_ACCOUNTS and scope.subject is Kind.SOURCE:
        scope.notes.add(table.key(key), f"{key}: a source has {OF_ACCOUNTS[key]}; use a task or a message")
        return None
    return table.maybe(key, lambda node: ACTIONS[key](node, scope)) if key else None


def read_step_action(table: Table, scope: Scope, path: str) -> Deed | ChooseAction | None:
    """The one action of the step at `path`, or its branches."""
    key = table.one_of((*ACTIONS, CHOOSE), "a step")
    if key == CHOOSE:
        return table.maybe(CHOOSE, lambda node: _choose(node, scope, f"{path}.{CHOOSE}"))
    return _deed(table, scope, key)


def _choose(node: Node, scope: Scope, path: str) -> ChooseAction:
    """`choose: [{if: …, email: …}, {task: …}]`."""
    count = iter(range(1_000_000))
    branches: list[Branch] = scope.notes.each(
        lambda item: _branch(item, scope, f"{path}[{next(count)}]"), node, CHOOSE
    )
    return ChooseAction(tuple(branches))


def _branch(node: Node, scope: Scope, path: str) -> Branch | None:
    table = scope.notes.table(node, BRANCH_KEYS, "a branch")
    condition = table.maybe(
        "if", lambda each: read_condition(each, scope, Place(f"{path}.if", "state", True))
    )
    action = read_action(table, scope, "a branch")
    return Branch(condition, action) if action is not None else None


_EMAIL_PATHS = ("emails/{}/subject.txt.j2", "emails/{}/body.html.j2")
_EMAIL_EXTRAS = ("emails/{}/body.txt.j2", "emails/{}/preheader.txt.j2")


def _template(node: Node, scope: Scope, paths: Iterable[str], extras: Iterable[str] = ()) -> str:
    name = slug(node)
    for path in paths:
        scope.templates.require(path.format(name), node)
    for path in extras:
        scope.templates.allow(path.format(name), node)
    return name


def _title(node: Node, scope: Scope) -> str:
    title = text(node)
    scope.templates.check_title(title, node)
    return title


def _recipients(node: Node, scope: Scope) -> tuple[str, ...]:
    if isinstance(node, Sequence):
        return _distinct(node, scope, "to", lambda each: _recipient(each, scope))
    return (_recipient(node, scope),)


def _recipient(node: Node, scope: Scope) -> str:
    roles = scope.catalogue.fields.get(f"{Kind.CONTACT}.role")
    known = [*(roles.choices if roles else ()), "any"]
    if scope.subject in (Kind.CONTACT, None):
        known.append("subject")
    elif isinstance(node, Scalar) and node.text == "subject":
        raise RefusedError(
            node, f'"subject" is a {scope.subject}, not a contact; name a contact role or "any"'
        )
    return choice(known)(node)


def _distinct(node: Node, scope: Scope, key: str, read: Callable[[Node], str]) -> tuple[str, ...]:
    found: list[str] = scope.notes.each(read, node, key)
    repeated = [name for name, count in Counter(found).items() if count > 1]
    if repeated:
        raise RefusedError(node, f"names {quote(repeated[0])} twice; keep one of them")
    return tuple(found)
