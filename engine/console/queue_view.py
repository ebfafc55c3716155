"""What an address of the queue asks for, and what the page then shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from engine.api.service import Service
from engine.clock.zones import zone
from engine.console.groups import stretches
from engine.console.session import Visitor
from engine.people import queue
from engine.people.assigning import shared_queues
from engine.people.queue import QueueTask
from engine.people.search import is_too_common
from engine.people.sections import Order, SectionPage, Stretch, Wanted, read_section
from engine.people.task_sheet import essentials, weight
from engine.state.importance import Importance
from engine.users.scope import team_of

FIRST_SHOWN = 15
"""Tasks shown of each section."""
PAGE = 50
"""Tasks on a page of one section."""
LONGEST = 1000
"""Characters of one part of an address."""
VIEWS = {"mine": "Mine", "team": "My team’s", "all": "Everyone’s"}
ORDERS: dict[Order, str] = {
    "importance": "Importance",
    "due": "Due date",
    "arr": "ARR",
    "health": "Health",
    "account": "Account",
}
FOUND = Stretch("found", "Found")
SNOOZED = Stretch("snoozed", "Snoozed", is_resting=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for; what is empty does not narrow."""

    view: str = ""
    """mine, team or all; empty for one's own, or for everyone's where there is no such person."""
    assignee: str = ""
    account: str = ""
    playbook: str = ""
    segment: str = ""
    kind: str = ""
    q: str = ""
    order: str = ""
    by: str = ""
    """`account` puts the tasks of each account together."""
    section: str = ""
    """Shows this section alone, page by page."""
    after: str = ""
    task: str = ""
    """The task that is open beside the list."""

    def address(self, **changed: str) -> str:
        """The address of the queue that asks for this, but for what is changed."""
        given = {each.name: changed.get(each.name, getattr(self, each.name)) for each in fields(self)}
        kept = urlencode({name: value for name, value in given.items() if value})
        return f"/queue?{kept}" if kept else "/queue"

    @property
    def ordering(self) -> Order:
        """The order asked for; accounts are put together by their names."""
        if self.by == "account":
            return "account"
        return next((each for each in get_args(Order) if each == self.order), "importance")


def asked_of(query: Mapping[str, str]) -> Asked:
    """What the parameters of an address ask for. What is not known, or too long, asks for nothing."""
    known = {each.name for each in fields(Asked)}
    found = {name: value.replace("\x00", "") for name, value in query.items() if name in known}
    return Asked(**{name: value for name, value in found.items() if len(value) <= LONGEST})


def asked_back(address: str) -> Asked:
    """What an address of the queue, as a form gives it back, asks for."""
    return asked_of(dict(parse_qsl(urlsplit(address).query)))


@dataclass(frozen=True, slots=True)
class Line:
    """A task as the list shows it."""

    task: QueueTask
    account: Any
    importance: Importance


@dataclass(frozen=True, slots=True)
class Section:
    """One section as shown."""

    key: str
    title: str
    lines: tuple[Line, ...]
    total: int
    is_more: bool
    cursor: str | None
    is_partial: bool

    @property
    def count(self) -> str:
        """How many tasks it has, as people are told."""
        return f"{self.total:,}{'+' if self.is_more else ''}"


@dataclass(frozen=True, slots=True)
class QueuePage:
    """The whole list, with what can be chosen."""

    asked: Asked
    view: str
    sections: tuple[Section, ...]
    tz: ZoneInfo
    now: datetime
    owners: Sequence[tuple[str, str]]
    segments: Sequence[str]
    is_too_common: bool

    @property
    def total(self) -> str:
        """How many open tasks there are in all sections, as people are told."""
        number = sum(each.total for each in self.sections)
        return f"{number:,}{'+' if any(each.is_more for each in self.sections) else ''}"

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the view narrows the list."""
        asked = self.asked
        return any((asked.assignee, asked.account, asked.playbook, asked.segment, asked.kind, asked.q))


def read_queue(service: Service, connection: Connection, visitor: Visitor, asked: Asked) -> QueuePage:
    """The list that an address asks for, as its reader may see it. Raises BadCursorError."""
    now = service.now()
    people = queue.people(connection)
    view = _view(visitor, asked)
    tz = reader_zone(service, people, asked.assignee or visitor.person_id or "")
    wanted = _wanted(service, visitor, asked, view, people)
    read = [(each, _read(connection, wanted, each, now, asked)) for each in _stretches(asked, now, tz)]
    lines = _lines(connection, [task_id for _, page in read for task_id in page.task_ids])
    sections = tuple(
        _section(stretch, page, lines) for stretch, page in read if page.task_ids or asked.section
    )
    shared = sorted(shared_queues(service.settings))
    owners = [(each.id, each.name) for each in people.values()]
    owners += [(each, queue.display_name(each, None)) for each in shared]
    if asked.assignee and asked.assignee not in dict(owners):
        owners.append((asked.assignee, queue.display_name(asked.assignee, None)))
    segments = service.catalogue.get("account.segment").choices
    common = bool(asked.q) and is_too_common(connection, asked.q)
    return QueuePage(asked, view, sections, tz, now, owners, segments, common)


def reader_zone(service: Service, people: Mapping[str, Row[Any]], person: str) -> ZoneInfo:
    """The person's time zone, or the installation's."""
    known = people.get(person)
    try:
        return zone(known.timezone if known and known.timezone else service.settings.timezone)
    except ValueError:
        return zone("UTC")


def _view(visitor: Visitor, asked: Asked) -> str:
    """The view that is shown: a token is nobody, so it has none of its own."""
    if visitor.person_id is None or asked.account:
        return "all"
    return asked.view if asked.view in VIEWS else "mine"


def _wanted(
    service: Service, visitor: Visitor, asked: Asked, view: str, people: Mapping[str, Row[Any]]
) -> Wanted:
    owned: tuple[str, ...] | None = None
    if asked.assignee:
        owned = (asked.assignee,)
    elif view == "mine" and visitor.person_id:
        owned = (visitor.person_id,)
    elif view == "team" and visitor.person_id:
        team = team_of(visitor.person_id, {each.id: each.manager for each in people.values()})
        owned = tuple(sorted({*team, *shared_queues(service.settings)}))
    scope = visitor.scope
    return Wanted(
        owned,
        asked.account or None,
        asked.playbook or None,
        asked.segment or None,
        asked.kind or None,
        asked.q,
        asked.ordering,
        None if scope.is_everything else scope.sees_task,
    )


def _stretches(asked: Asked, now: datetime, tz: ZoneInfo) -> list[Stretch]:
    if asked.q:
        return [FOUND, SNOOZED]
    every = [*stretches(now, tz), SNOOZED]
    chosen = [each for each in every if each.key == asked.section]
    return chosen or every


def _read(
    connection: Connection, wanted: Wanted, stretch: Stretch, now: datetime, asked: Asked
) -> SectionPage:
    is_alone = bool(asked.q) or asked.section == stretch.key
    limit, after = (PAGE, asked.after) if is_alone else (FIRST_SHOWN, "")
    return read_section(connection, wanted, stretch, now, limit=limit, after=after)


def _lines(connection: Connection, task_ids: Sequence[str]) -> dict[str, Line]:
    """What the list shows of these tasks, by their ids."""
    tasks = queue.named(connection, task_ids)
    accounts = essentials(connection, [each.account_id for each in tasks])
    return {each.id: _line(each, accounts.get(each.account_id)) for each in tasks}


def _line(task: QueueTask, account: Any) -> Line:
    return Line(task, account, weight(task, account))


def _section(stretch: Stretch, page: SectionPage, lines: Mapping[str, Line]) -> Section:
    shown = tuple(lines[task_id] for task_id in page.task_ids if task_id in lines)
    return Section(stretch.key, stretch.title, shown, page.total, page.is_more, page.cursor, page.is_partial)
