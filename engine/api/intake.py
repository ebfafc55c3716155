"""Taking in accounts and events."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from engine.api import queries
from engine.api.access import Bearer, Body, ServiceHere
from engine.api.batches import (
    MOST_ITEMS,
    AccountItem,
    EventItem,
    Fault,
    Rejected,
    items_under,
    read_accounts,
    read_events,
)
from engine.api.schemas import Intake, ProblemDetails, accounts_body, events_body
from engine.api.service import Service
from engine.api.strict_json import parse_body
from engine.conditions.catalogue import Catalogue, Kind
from engine.state.database import reading
from engine.state.ingest import ingest

Item = TypeVar("Item", AccountItem, EventItem)

_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    207: {"model": Intake, "description": "Taken in part; `rejected` has the items that were not, and why."},
    400: {**_PROBLEM, "description": "The body is not usable JSON; nothing was taken."},
    401: {**_PROBLEM, "description": "The token is missing or not accepted."},
    413: {**_PROBLEM, "description": "The body is too large; nothing was taken."},
    422: {**_PROBLEM, "description": "Too many items; nothing was taken."},
}


def router(catalogue: Catalogue) -> APIRouter:
    """The two intakes, documented from the catalogue."""
    routes = APIRouter(prefix="/api/v1", tags=["intake"])
    about = {"response_model": Intake, "responses": _ANSWERS}
    _add(routes, "/accounts", post_accounts, accounts_body(catalogue, MOST_ITEMS), about)
    _add(routes, "/events", post_events, events_body(MOST_ITEMS), about)
    return routes


def _add(
    routes: APIRouter, path: str, endpoint: Callable[..., Any], body: dict[str, Any], about: dict[str, Any]
) -> None:
    routes.add_api_route(path, endpoint, methods=["POST"], openapi_extra={"requestBody": body}, **about)


def post_accounts(service: ServiceHere, bearer: Bearer, body: Body) -> JSONResponse:
    """Create or update accounts with their contacts, subscriptions, tickets and metrics.

    Fields left out stay as they are; null clears one. Each account is taken whole or, with the reasons, not
    at all: 200 when all were taken, 207 when `rejected` names some. Sending the same again changes nothing.
    """
    now = service.now()
    taken, rejected = read_accounts(items_under(parse_body(body), "accounts"), service.catalogue, now)
    taken, foreign = _without(taken, _foreign_parts(service, taken))
    entries = [(item, entry) for item in taken for entry in item.entries]
    if entries:
        wanted = [entry for _, entry in entries]
        report = ingest(service.database, service.catalogue, wanted, source=_source(bearer))
        service.wake()
        refused = {
            entries[each.index][0].index: _unstored("accounts", entries[each.index][0].index, each.reason)
            for each in report.rejected
        }
        taken, unstored = _without(taken, refused)
        rejected += unstored
    return _answer(len(taken), [*rejected, *foreign])


def post_events(service: ServiceHere, bearer: Bearer, body: Body) -> JSONResponse:
    """Record events. An event whose id is known already counts as accepted and changes nothing.

    The account must exist. 200 when all were taken, 207 when `rejected` names some.
    """
    now = service.now()
    taken, rejected = read_events(items_under(parse_body(body), "events"), now)
    taken, homeless = _without(taken, _unknown_accounts(service, taken))
    if taken:
        events = [item.event for item in taken]
        report = ingest(service.database, service.catalogue, (), events, source=_source(bearer))
        service.wake()
        refused = {
            taken[each.index].index: _unstored("events", taken[each.index].index, each.reason)
            for each in report.rejected
        }
        taken, unstored = _without(taken, refused)
        rejected += unstored
    return _answer(len(taken), [*rejected, *homeless])


def _source(bearer: str) -> str:
    return f"api:{bearer}"


def _unstored(key: str, index: int, reason: str) -> Fault:
    """What the store refused at last, such as a part that another post gave to another account meanwhile."""
    return Fault(f"/{key}/{index}", reason, "correct it and send the item again")


def _foreign_parts(service: Service, items: Iterable[AccountItem]) -> dict[int, Fault]:
    """Items with a contact, subscription or ticket that belongs to another account already."""
    parts = [(item.index, entry) for item in items for entry in item.entries]
    found: dict[int, Fault] = {}
    with reading(service.database) as connection:
        for kind in (Kind.CONTACT, Kind.SUBSCRIPTION, Kind.TICKET):
            of_kind = [(index, entry) for index, entry in parts if entry.kind is kind]
            owners = queries.part_owners(connection, kind, {entry.id for _, entry in of_kind})
            for index, entry in of_kind:
                owner = owners.get(entry.id, entry.account_id)
                if owner != entry.account_id:
                    detail = f'{kind.value} "{entry.id}" belongs to account "{owner}"'
                    mend = "send it there, or under an id of its own"
                    found[index] = Fault(f"/accounts/{index}/{kind.value}s", detail, mend)
    return found


def _unknown_accounts(service: Service, items: Iterable[EventItem]) -> dict[int, Fault]:
    wanted = {item.index: item.event.account_id for item in items}
    with reading(service.database) as connection:
        known = queries.known_accounts(connection, set(wanted.values()))
    mend = "post the account first, then the event"
    return {
        index: Fault(f"/events/{index}/account_id", f'there is no account "{account}"', mend)
        for index, account in wanted.items()
        if account not in known
    }


def _without(items: list[Item], faults: dict[int, Fault]) -> tuple[list[Item], list[Rejected]]:
    kept = [item for item in items if item.index not in faults]
    refused = [Rejected(item.index, item.id, (faults[item.index],)) for item in items if item.index in faults]
    return kept, refused


def _answer(accepted: int, rejected: list[Rejected]) -> JSONResponse:
    listed = [asdict(each) for each in sorted(rejected, key=lambda each: each.index)]
    return JSONResponse({"accepted": accepted, "rejected": listed}, 207 if listed else 200)
