"""The ledger: every yes and no that matters, to be searched."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from engine.api.access import ServiceHere
from engine.api.problems import Problem
from engine.console.pages import address, render
from engine.console.session import SignedIn
from engine.people import decisions
from engine.people.decisions import DecisionFilter
from engine.state.cursor import BadCursorError
from engine.state.database import reading

PAGE = 100

routes = APIRouter(include_in_schema=False)


@routes.get("/decisions")
def list_decisions(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    playbook: Annotated[str, Query(max_length=200)] = "",
    account: Annotated[str, Query(max_length=200)] = "",
    answer: Annotated[str, Query(max_length=200)] = "",
    since: Annotated[str, Query(max_length=10)] = "",
    until: Annotated[str, Query(max_length=10)] = "",
    after: Annotated[str, Query(max_length=600)] = "",
) -> Response:
    """Decisions, newest first, narrowed by what the form says. Days are those of UTC, both included."""
    wanted = DecisionFilter(
        account_id=account.strip() or None,
        playbook=playbook.strip() or None,
        answer=answer.strip() or None,
        since=_midnight(since),
        before=_midnight(until, days=1),
        scope=visitor.scope,
    )
    try:
        with reading(service.database) as connection:
            found = decisions.page(connection, wanted, limit=PAGE, cursor=after)
    except BadCursorError as error:
        raise Problem(422, "Address does not fit", f"{error}.") from error
    asked = {"playbook": playbook, "account": account, "answer": answer, "since": since, "until": until}
    return render(
        request,
        "decisions.html",
        visitor,
        decisions=found.items,
        asked=asked,
        names=sorted(each.name for each in service.playbooks()),
        older=address("/decisions", **asked, after=found.cursor) if found.cursor else None,
    )


def _midnight(text: str, *, days: int = 0) -> datetime | None:
    """The beginning of a day, or of one so many days later; None without a day. Raises Problem (422)."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=days)
    except (ValueError, OverflowError) as error:
        raise Problem(422, "Day does not fit", f'"{text}" is not a day such as 2026-01-31.') from error
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
