"""Finding accounts, and all there is to know about one."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.admit.silences import list_silences
from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.clock.zones import local_date, zone
from engine.console import account_queries
from engine.console.pages import render
from engine.console.queue_pages import task_context
from engine.console.session import SignedIn
from engine.health.composition import composition
from engine.people.sources import stale_account_fields
from engine.permit.consent_record import in_words
from engine.permit.objections import person_keys
from engine.state.database import reading
from engine.state.healths import score_at
from engine.tick import next_decision

PAGE = 50

routes = APIRouter(include_in_schema=False)


@routes.get("/accounts")
def find_accounts(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    q: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Accounts by id, searched by name or id, a page at a time."""
    with reading(service.database) as connection:
        found = account_queries.find(connection, q.strip(), after, PAGE + 1, visitor.scope)
    return render(
        request, "accounts.html", visitor, accounts=found[:PAGE], has_more=len(found) > PAGE, q=q, after=after
    )


@routes.get("/accounts/{account_id:path}")
def show_account(request: Request, service: ServiceHere, visitor: SignedIn, account_id: str) -> Response:
    """One account: who and what it is, what is under way, and what happened."""
    with reading(service.database) as connection:
        found = account_queries.load(connection, account_id)
        kept = score_at(connection, account_id, service.now())
        stale = stale_account_fields(connection, service.catalogue, service.settings, service.now())
    if found is None:
        raise Problem(404, "No such account", f'There is no account "{account_id}"; search under Accounts.')
    try:
        tz = zone(found.account.timezone or service.settings.timezone)
    except ValueError:
        tz = zone("UTC")
    now = service.now()
    silences = list_silences(
        service.database, lasting_at=next_decision(service.database, now), account_id=found.account.id
    )
    return render(
        request,
        "account.html",
        visitor,
        page=found,
        account=found.account,
        health=composition(found.account.health, kept, service.settings.bands()),
        name=found.account.name or found.account.id,
        back=request.url.path,
        here=local_date(now, tz),
        silences=silences,
        stale=stale,
        names={each.id: each.name for each in found.contacts},
        person_keys=person_keys,
        consent_words=in_words,
        **task_context(service, tz, now),
    )
