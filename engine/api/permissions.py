"""What each address asks of whoever calls it: one table. An address that is not in it is not served."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import TypeAlias

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from engine.users.access import Permission

READ, TASKS, DATA, OPS, ADMIN = Permission


class Open(Enum):
    """Addresses that ask for no permission."""

    ANYBODY = "anybody"
    """Whoever calls; what is there checks for itself, or has nothing to hide."""
    SIGNED_IN = "signed in"
    """Everybody who is signed in, for what concerns only themselves."""


Need: TypeAlias = Permission | Open

ROUTES: Mapping[str, Need] = {
    "GET /healthz": Open.ANYBODY,
    "GET /readyz": Open.ANYBODY,
    # The API
    "GET /api/v1/accounts": READ,
    "GET /api/v1/accounts/{account_id:path}": READ,
    "GET /api/v1/playbooks": READ,
    "GET /api/v1/playbooks/{name}": READ,
    "GET /api/v1/runs": READ,
    "GET /api/v1/runs/{run_id}": READ,
    "GET /api/v1/decisions": READ,
    "GET /api/v1/holds": READ,
    "POST /api/v1/holds/{hold_id}/release": OPS,
    "POST /api/v1/accounts": DATA,
    "POST /api/v1/events": DATA,
    "GET /api/v1/sources": READ,
    "POST /api/v1/sources/{name}": DATA,
    "GET /api/v1/tasks": READ,
    "POST /api/v1/tasks/{task_id}/complete": TASKS,
    "POST /api/v1/tasks/{task_id}/snooze": TASKS,
    "GET /api/v1/tasks/{task_id}": READ,
    "GET /api/v1/tasks/{task_id}/log": READ,
    "POST /api/v1/tasks/{task_id}/skip": TASKS,
    "POST /api/v1/tasks/{task_id}/reassign": TASKS,
    "POST /api/v1/tasks/{task_id}/comment": TASKS,
    "POST /api/v1/tasks/bulk": TASKS,
    "POST /api/v1/tasks/undo": TASKS,
    "GET /api/v1/playbooks/{name}/explanations": READ,
    "GET /api/v1/silences": READ,
    "POST /api/v1/silences": OPS,
    "DELETE /api/v1/silences/{silence_id}": OPS,
    "GET /api/v1/outbox": READ,
    "GET /api/v1/outbox/{entry_id}": READ,
    "POST /api/v1/outbox/retry": OPS,
    "POST /api/v1/outbox/{entry_id}/retry": OPS,
    "POST /api/v1/outbox/{entry_id}/cancel": OPS,
    "GET /api/v1/suppressions": READ,
    "GET /api/v1/suppressions/{email:path}": READ,
    "POST /api/v1/suppressions": OPS,
    "DELETE /api/v1/suppressions/{email:path}": OPS,
    "GET /api/v1/consent/{email:path}": READ,
    "POST /api/v1/mail-events": Open.ANYBODY,  # signed by the mail provider
    # Signing in
    "GET /sign-in": Open.ANYBODY,
    "POST /sign-in": Open.ANYBODY,
    "GET /sign-in/link": Open.ANYBODY,
    "POST /sign-in/link": Open.ANYBODY,
    "GET /sign-in/openid": Open.ANYBODY,
    "GET /sign-in/openid/callback": Open.ANYBODY,
    "POST /sign-out": Open.SIGNED_IN,
    "GET /you": Open.SIGNED_IN,
    "POST /you/password": Open.SIGNED_IN,
    "POST /you/sign-out-elsewhere": Open.SIGNED_IN,
    # The console
    "GET /": READ,
    "GET /queue": READ,
    "GET /queue/marks": READ,
    "GET /tasks/{task_id}": READ,
    "POST /tasks/bulk": TASKS,
    "POST /tasks/undo": TASKS,
    "POST /tasks/{task_id}/{deed}": TASKS,
    "GET /today": READ,
    "GET /accounts.csv": READ,
    "GET /accounts": READ,
    "GET /accounts/{account_id:path}": READ,
    "GET /playbooks": READ,
    "GET /playbooks/{name}": READ,
    "GET /why": READ,
    "GET /decisions": READ,
    "GET /mail": READ,
    "GET /mail/{entry_id}": READ,
    "GET /mail/{entry_id}/html": READ,
    "POST /mail/retry": OPS,
    "POST /mail/{entry_id}/retry": OPS,
    "POST /mail/{entry_id}/cancel": OPS,
    "GET /mail/suppressions": READ,
    "POST /mail/suppressions": OPS,
    "POST /mail/suppressions/remove": OPS,
    "GET /holds": READ,
    "POST /holds/release": OPS,
    "POST /silences/end": OPS,
    # Settings
    "GET /settings": READ,
    "GET /settings/sources": READ,
    "GET /settings/people": ADMIN,
    "POST /settings/people": ADMIN,
    "POST /settings/people/{person_id}/access": ADMIN,
    "POST /settings/people/{person_id}/link": ADMIN,
    "POST /settings/people/{person_id}/disable": ADMIN,
    "POST /settings/people/{person_id}/enable": ADMIN,
    "GET /settings/tokens": ADMIN,
    "POST /settings/tokens": ADMIN,
    "POST /settings/tokens/{token_id}/revoke": ADMIN,
    "GET /settings/connectors": ADMIN,
    "POST /settings/connectors/{name}/test": ADMIN,
    # What the link in an email opens; the link is the key
    "GET /unsubscribe/{token}": Open.ANYBODY,
    "POST /unsubscribe/{token}": Open.ANYBODY,
    "GET /preferences/{token}": Open.ANYBODY,
    "POST /preferences/{token}": Open.ANYBODY,
    # The local mailbox of a trial
    "GET /mailbox": READ,
    "GET /mailbox/{message_id}": READ,
    "GET /mailbox/{message_id}/html": READ,
    "POST /mailbox/{message_id}/answer": OPS,
    "POST /mailbox/slack": Open.ANYBODY,  # from this machine only
}


class UnguardedRouteError(Exception):
    """An address is served of which nobody has said who may call it."""

    def __init__(self, addresses: Iterable[str]) -> None:
        super().__init__(f"engine/api/permissions.py does not say who may call {', '.join(addresses)}")


def addresses(routes: Iterable[BaseRoute]) -> list[str]:
    """Every method with its path, as the table has them."""
    found = [each for each in routes if isinstance(each, APIRoute)]
    return [f"{method} {each.path}" for each in found for method in sorted(each.methods or ())]


def check_routes(routes: Iterable[BaseRoute]) -> None:
    """Raises UnguardedRouteError for what is not in the table."""
    missing = [each for each in addresses(routes) if each not in ROUTES]
    if missing:
        raise UnguardedRouteError(missing)


def need_of(route: APIRoute, method: str) -> Need:
    """What the route asks for."""
    return ROUTES[f"{method} {route.path}"]
