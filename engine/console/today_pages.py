"""What somebody looks after, at a glance, at the beginning of the day."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection, Row
from starlette.responses import Response, StreamingResponse

from engine.api.access import ServiceHere
from engine.api.service import Service
from engine.clock.zones import first_instant, local_date, zone
from engine.conditions.catalogue import Kind
from engine.console.csv_export import csv_lines
from engine.console.groups import next_monday
from engine.console.pages import render
from engine.console.session import SignedIn, Visitor
from engine.people import accounts, portfolio, queue
from engine.people.accounts import AccountFilter
from engine.people.queue import QueueTask, TaskFilter
from engine.state.database import reading

MOST_TASKS = 8
MOST_WORRIES = 12
TEAM = "team"
"""The choice of all that one's team looks after."""
_AT_ONCE = 500

routes = APIRouter(include_in_schema=False)


@routes.get("/today")
def show_today(
    request: Request,
    service: ServiceHere,
    visitor: SignedIn,
    whose: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Tasks that press, accounts that are not well, renewals to come, and the portfolio in numbers."""
    now = service.now()
    with reading(service.database) as connection:
        people = queue.people(connection)
        chosen = _chosen(visitor, whose, people)
        looked_after = _csms(visitor, chosen)
        bands = service.settings.bands()
        tz = _zone(service, people[chosen].timezone if chosen in people else None)
        today = local_date(now, tz)
        late, soon = _pressing(connection, chosen, now, tz)
        context: dict[str, Any] = {
            "portfolio": portfolio.portfolio(connection, looked_after, bands),
            "worries": portfolio.worries(connection, looked_after, bands, limit=MOST_WORRIES),
            "renewals": portfolio.renewals(connection, looked_after, today),
        }
    return render(
        request,
        "today.html",
        visitor,
        chosen=chosen,
        choices=_choices(visitor, people),
        here=today,
        late=late,
        soon=soon,
        renewing=sum((each.arr or Decimal(0) for each in context["renewals"]), Decimal(0)),
        **context,
    )


@routes.get("/accounts.csv")
def export_accounts(service: ServiceHere, visitor: SignedIn) -> Response:
    """Every account that the visitor may see, with every field, as a table for a spreadsheet."""
    names = ["id", *service.catalogue.of_kind(Kind.ACCOUNT)]
    rows = _rows(service, visitor, names)
    headers = {"content-disposition": 'attachment; filename="accounts.csv"'}
    return StreamingResponse(csv_lines(names, rows), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(service: Service, visitor: Visitor, names: Iterable[str]) -> Iterator[list[str | None]]:
    wanted = AccountFilter(scope=visitor.scope)
    cursor: str | None = None
    while True:
        with reading(service.database) as connection:
            found = accounts.page(connection, wanted, limit=_AT_ONCE, cursor=cursor)
        for row in found.items:
            plain = accounts.subject_json(row, Kind.ACCOUNT, service.catalogue)
            yield [None if plain[name] is None else str(plain[name]) for name in names]
        cursor = found.cursor
        if cursor is None:
            return


def _chosen(visitor: Visitor, whose: str, people: Mapping[str, Row[Any]]) -> str:
    """Whose day is shown: what was chosen, else one's own, else that of the first CSM, or of anybody."""
    allowed = [each for each, _ in _choices(visitor, people)]
    if whose in allowed:
        return whose
    csms = [each for each in allowed if each in people and people[each].role == "csm"]
    return visitor.person_id if visitor.person_id in allowed else next(iter([*csms, *allowed]), "")


def _choices(visitor: Visitor, people: Mapping[str, Row[Any]]) -> list[tuple[str, str]]:
    """Whose day may be shown, by id and name; one's team first."""
    team = visitor.scope.team
    named = [(each, person.name) for each, person in people.items() if team is None or each in team]
    return named if team is None else [(TEAM, "My team"), *named]


def _csms(visitor: Visitor, chosen: str) -> frozenset[str]:
    """The people whose accounts are meant."""
    return (visitor.scope.team or frozenset()) if chosen == TEAM else frozenset({chosen})


def _pressing(
    connection: Connection, chosen: str, now: datetime, tz: ZoneInfo
) -> tuple[tuple[QueueTask, ...], tuple[QueueTask, ...]]:
    """The person's tasks that are overdue, and those due by the end of the week."""
    if chosen == TEAM:
        return (), ()
    end = first_instant(next_monday(local_date(now, tz)), tz)
    late = TaskFilter(chosen, due_before=now, awake_at=now)
    soon = TaskFilter(chosen, due_from=now, due_before=end, awake_at=now)
    found = [queue.page(connection, wanted, limit=MOST_TASKS).tasks for wanted in (late, soon)]
    return found[0], found[1]


def _zone(service: Service, name: str | None) -> ZoneInfo:
    try:
        return zone(name or service.settings.timezone)
    except ValueError:
        return zone("UTC")
