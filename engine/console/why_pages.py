"""Why a playbook does or does not run for an account, now or at any past instant."""

import re
from datetime import datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.service import Service
from engine.clock.zones import at_local, parse_instant, zone
from engine.console import account_queries
from engine.console.pages import render
from engine.console.session import SignedIn, Visitor
from engine.console.wording import instant
from engine.explain import NothingToExplainError
from engine.explanation.document import Explanation
from engine.state.database import reading

SHOWN = 20
"""Subjects of one account on the page."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z", re.ASCII)

routes = APIRouter(include_in_schema=False)


@routes.get("/why")
def explain(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    playbook: Annotated[str, Query(max_length=200)] = "",
    account: Annotated[str, Query(max_length=200)] = "",
    subject: Annotated[str, Query(max_length=200)] = "",
    at: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The form; and once a playbook and an account are chosen, the answer with its reasons."""
    account = account.strip()
    tz, name = _account(service, account)
    found: list[Explanation] = []
    fault = ""
    if playbook and (account or subject):
        try:
            then = _local(at, tz) if at else service.now()
            found = _seen(service, visitor, playbook, account, subject, then)
        except NothingToExplainError as error:
            fault = f"{str(error)[:1].upper()}{str(error)[1:]}."
        except ValueError:
            fault = f"“{at}” is not a time of the calendar; write it as 2026-01-31T09:00."
    return render(
        request,
        "why.html",
        visitor,
        status=404 if fault else 200,
        playbooks=sorted(service.playbooks(), key=lambda each: each.title),
        chosen=playbook,
        account=account,
        subject=subject,
        at=at,
        name=name,
        found=found[:SHOWN],
        left_out=max(0, len(found) - SHOWN),
        fault=fault,
        tz=tz,
        localised=lambda text: localised(text, tz),
    )


def _seen(
    service: Service, visitor: Visitor, playbook: str, account: str, subject: str, then: datetime
) -> list[Explanation]:
    """Explanations of accounts that the visitor may see. Raises NothingToExplainError."""
    found = service.explanations(playbook, account or None, subject or None, then)
    if visitor.scope.is_everything:
        return found
    with reading(service.database) as connection:
        ids = {each.account_id for each in found}
        seen = {each for each in ids if visitor.scope.may_see(connection, each)}
    if found and not seen:
        raise NothingToExplainError("it belongs to an account of another team")
    return [each for each in found if each.account_id in seen]


def localised(text: str, tz: tzinfo) -> str:
    """The text with its instants in a time zone."""
    return _INSTANT.sub(lambda found: instant(parse_instant(found[0]), tz), text)


def _account(service: Service, account_id: str) -> tuple[ZoneInfo, str]:
    """The account's time zone, else the installation's, and what it is called."""
    with reading(service.database) as connection:
        found = account_queries.named(connection, account_id) if account_id else None
    try:
        tz = zone((found.timezone if found else None) or service.settings.timezone)
    except ValueError:
        tz = zone("UTC")
    return tz, (found.name or found.id) if found else ""


def _local(text: str, tz: ZoneInfo) -> datetime:
    """The instant of a local time as a browser's field gives it. Raises ValueError."""
    given = datetime.fromisoformat(text)
    if given.tzinfo is not None:
        return parse_instant(text)
    return at_local(given.date(), given.time(), tz)
