"""Roles that cannot find anybody, and connectors that are not there."""

from collections.abc import Iterable, Iterator, Mapping

from engine.authoring.warning import Warned
from engine.conditions.catalogue import Catalogue
from engine.rulefile.model import (
    ChooseAction,
    Deed,
    EmailAction,
    MessageAction,
    Playbook,
    TaskAction,
    WebhookAction,
)
from engine.rulefile.problem import nearest, quote
from engine.settings import ChatConnector, Role, Settings, SmtpConnector, WebhookConnector


def people_warnings(playbook: Playbook, settings: Settings, catalogue: Catalogue) -> Iterator[Warned]:
    """Every role and connector of the playbook that the settings leave without anybody or anything."""
    for path, action in actions_of(playbook):
        if isinstance(action, TaskAction):
            yield from _role(f"{path}.task.to", action.to, settings, catalogue)
        elif isinstance(action, MessageAction):
            yield from _message_connector(f"{path}.message.via", action.via, settings)
        elif isinstance(action, WebhookAction):
            yield from _webhook_connector(f"{path}.webhook.via", action.via, settings)
        elif isinstance(action, EmailAction) and not _has_mail(settings):
            message = 'email: there is no connector "email" of kind smtp in config.yaml, so it cannot leave'
            yield Warned(f"{path}.email", message)
    for step in playbook.steps:
        if step.escalate is not None:
            yield from _role(f"steps.{step.id}.escalate.to", step.escalate.to, settings, catalogue)


def _has_mail(settings: Settings) -> bool:
    return isinstance(settings.connectors.get("email"), SmtpConnector)


def actions_of(playbook: Playbook) -> Iterator[tuple[str, Deed]]:
    """Every action with the path of what holds it."""
    for step in playbook.steps:
        if isinstance(step.action, ChooseAction):
            for index, branch in enumerate(step.action.branches):
                yield f"steps.{step.id}.choose[{index}]", branch.action
        else:
            yield f"steps.{step.id}", step.action
    for index, each in enumerate(playbook.exits):
        for position, action in enumerate(each.then):
            yield f"exit[{index}].then[{position}]", action


def _role(path: str, role: str, settings: Settings, catalogue: Catalogue) -> Iterator[Warned]:
    """What is wrong with the chain of roles that begins at `role`."""
    circle = _circle(role, settings.roles, "fallback") or _circle(role, settings.roles, "manager_of")
    if circle:
        yield Warned(path, f"to: roles lead in a circle in config.yaml: {' -> '.join(circle)}")
        return
    for name in _chain(role, settings.roles):
        spec = settings.roles[name]
        paths = [each for each in catalogue.fields if each.startswith("account.")]
        named = (
            ("fallback", spec.fallback, "role", list(settings.roles)),
            ("manager_of", spec.manager_of, "role", list(settings.roles)),
            ("field", spec.field, "field of an account", paths),
        )
        for key, given, kind, known in named:
            if given is not None and given not in known:
                hint = _hint(given, known)
                yield Warned(path, f"to: {key} of role {name} is {quote(given)}, which is no {kind}{hint}")


def _hint(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f" (did you mean {quote(near)}?)" if near else ""


def _chain(role: str, roles: Mapping[str, Role]) -> list[str]:
    """Every role that finding the owner of `role` can ask."""
    found: list[str] = []
    pending = [role]
    while pending:
        name = pending.pop()
        if name in roles and name not in found:
            found.append(name)
            pending += [each for each in (roles[name].fallback, roles[name].manager_of) if each]
    return found


def _circle(role: str, roles: Mapping[str, Role], key: str) -> list[str] | None:
    """The circle into which following `key` from `role`, or from a role it asks, leads."""
    for start in _chain(role, roles):
        trail: list[str] = []
        name: str | None = start
        while name is not None and name not in trail:
            trail.append(name)
            name = getattr(roles[name], key) if name in roles else None
        if name is not None:
            return [*trail[trail.index(name) :], name]
    return None


def _message_connector(path: str, via: str, settings: Settings) -> Iterator[Warned]:
    known = [name for name, each in settings.connectors.items() if isinstance(each, ChatConnector)]
    if via not in settings.connectors:
        yield Warned(path, f"via: there is no connector {quote(via)} in config.yaml{_hint(via, known)}")
    elif via not in known:
        kind = settings.connectors[via].kind
        yield Warned(path, f"via: connector {quote(via)} is of kind {kind}, and takes no messages")


def _webhook_connector(path: str, via: str, settings: Settings) -> Iterator[Warned]:
    known = [name for name, each in settings.connectors.items() if isinstance(each, WebhookConnector)]
    if via not in settings.connectors:
        yield Warned(path, f"via: there is no connector {quote(via)} in config.yaml{_hint(via, known)}")
    elif via not in known:
        kind = settings.connectors[via].kind
        yield Warned(path, f"via: connector {quote(via)} is of kind {kind}; webhooks need one of that kind")
