"""What a step does: a task, an email or a message."""

from collections import Counter
from collections.abc import Callable, Iterable

from engine.clock.durations import Duration
from engine.conditions.catalogue import Kind
from engine.rulefile.model import Action, EmailAction, MessageAction, TaskAction
from engine.rulefile.notes import RefusedError, Table
from engine.rulefile.parse_values import choice, duration, slug, text
from engine.rulefile.problem import quote
from engine.rulefile.scope import Scope
from engine.rulefile.source import Node, Scalar, Sequence

DUE_AT_ONCE = Duration(1, "bd")
"""When a task is due whose step does not say."""

TASK_KEYS = ("to", "title", "template", "due", "outcomes")
EMAIL_KEYS = ("to", "template", "topic")
MESSAGE_KEYS = ("via", "to", "template")


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
    template = table.required("template", lambda each: _template(each, scope, _EMAIL_PATHS), "an email")
    topic = table.required("topic", slug, "an email")
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


ACTIONS: dict[str, Callable[[Node, Scope], Action | None]] = {
    "task": read_task,
    "email": read_email,
    "message": read_message,
}
"""Every action by its key."""


def read_action(table: Table, scope: Scope, what: str) -> Action | None:
    """The one action of a step or of an exit."""
    key = table.one_of(ACTIONS, what)
    return table.maybe(key, lambda node: ACTIONS[key](node, scope)) if key else None


_EMAIL_PATHS = ("emails/{}/subject.txt.j2", "emails/{}/body.html.j2", "emails/{}/body.txt.j2")


def _template(node: Node, scope: Scope, paths: Iterable[str]) -> str:
    name = slug(node)
    for path in paths:
        scope.templates.require(path.format(name), node)
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
