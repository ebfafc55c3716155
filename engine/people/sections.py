"""Reading queues of any size: sections of open tasks in any order, at a cost that the book does not raise.

A section that few tasks could belong to is read whole and sorted. Of a larger one, the index of the order is
walked until a page is full, for at most WALKED places; where that is not enough the page says so, and its
cursor goes on from there. `bench/console.py` shows the plans.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    func,
    or_,
    select,
    true,
    tuple_,
    union_all,
)

from engine.clock.zones import format_instant, parse_instant
from engine.people.search import LOOKED_AT, found_tasks
from engine.state.cursor import BadCursorError, read_cursor, write_cursor
from engine.state.tables import QueuePlace

COUNTED = 1_000
"""A section is counted no further; a smaller one is read whole."""
WALKED = 50_000
"""Places of an order's index that are looked at for one page."""

Order: TypeAlias = Literal["importance", "due", "arr", "health", "account"]

_PLACE: Table = QueuePlace.__table__  # type: ignore[attr-defined]
_KEYS: dict[Order, ColumnElement[Any]] = {
    "importance": _PLACE.c.by_importance,
    "due": _PLACE.c.due_at,
    "arr": _PLACE.c.by_arr,
    "health": _PLACE.c.by_health,
    "account": _PLACE.c.by_account,
}
_FILTERED = ("assignee", "playbook", "kind", "segment", "account_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which open tasks, and in which order; what is None does not narrow."""

    assignees: tuple[str, ...] | None = None
    account_id: str | None = None
    playbook: str | None = None
    segment: str | None = None
    kind: str | None = None
    text: str = ""
    """Words that the title or the account's name must have."""
    order: Order = "importance"
    sees: Callable[[ColumnElement[str], ColumnElement[str]], ColumnElement[bool]] | None = None
    """The condition that the reader may see a task, of its account's id and its assignee; None sees all."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One section: the tasks that become overdue in [start, end); where `is_resting`, the snoozed ones."""

    key: str
    title: str
    start: datetime | None = None
    end: datetime | None = None
    is_resting: bool = False


@dataclass(frozen=True, slots=True)
class SectionPage:
    """One page of a section."""

    task_ids: tuple[str, ...]
    total: int
    """No more than COUNTED."""
    is_more: bool
    """Whether there are more than `total`."""
    cursor: str | None
    """Where the next page begins; None at the end."""
    is_partial: bool = False
    """Whether reading stopped before the page was full; the cursor goes on."""


def read_section(
    connection: Connection, wanted: Wanted, stretch: Stretch, now: datetime, *, limit: int, after: str = ""
) -> SectionPage:
    """One page of a section. Raises BadCursorError."""
    beyond = _read_place(after, wanted.order) if after else None
    base = _base(connection, wanted, stretch, now)
    whole = _whole(connection, wanted, stretch, now, base, limit, beyond)
    return whole or _walked(connection, wanted, stretch, now, limit, beyond)


def _base(
    connection: Connection, wanted: Wanted, stretch: Stretch, now: datetime
) -> list[ColumnElement[bool]]:
    """The part of what is wanted that one index answers: who has it, or whose it is, and when it is due."""
    if wanted.text:
        return [found_tasks(connection, wanted.text), *_within(_PLACE.c, stretch, now)]
    if stretch.is_resting and not (wanted.account_id or wanted.assignees):
        return [_PLACE.c.rests_until > now]
    found: list[ColumnElement[bool]] = []
    if wanted.account_id is not None:
        found.append(_PLACE.c.account_id == wanted.account_id)
    elif wanted.assignees is not None:
        found.append(_PLACE.c.assignee.in_(wanted.assignees))
    elif wanted.playbook is not None:
        found.append(_PLACE.c.playbook == wanted.playbook)
    return [*found, *_within(_PLACE.c, stretch, now)]


def _within(columns: Any, stretch: Stretch, now: datetime) -> list[ColumnElement[bool]]:
    if stretch.is_resting:
        return [columns.rests_until > now]
    found: list[ColumnElement[bool]] = []
    if stretch.start is not None:
        found.append(columns.due_at >= stretch.start)
    if stretch.end is not None:
        found.append(columns.due_at < stretch.end)
    return found


def _rest(columns: Any, wanted: Wanted, stretch: Stretch, now: datetime) -> list[ColumnElement[bool]]:
    """Everything else that is wanted of a place."""
    exact = {
        "account_id": wanted.account_id,
        "playbook": wanted.playbook,
        "segment": wanted.segment,
        "kind": wanted.kind,
    }
    found = [columns[name] == value for name, value in exact.items() if value is not None]
    if wanted.assignees is not None:
        found.append(columns.assignee.in_(wanted.assignees))
    if wanted.sees is not None:
        found.append(wanted.sees(columns.account_id, columns.assignee))
    if not stretch.is_resting:
        found.append(or_(columns.rests_until.is_(None), columns.rests_until <= now))
    return found


def _whole(
    connection: Connection,
    wanted: Wanted,
    stretch: Stretch,
    now: datetime,
    base: list[ColumnElement[bool]],
    limit: int,
    beyond: tuple[Any, ...] | None,
) -> SectionPage | None:
    """The page of a section of which there is little enough to read it all; None where there is too much.

    What a search has found is little enough: it looks at so many tasks at most.
    """
    bound = LOOKED_AT if wanted.text else COUNTED
    some = _narrow(wanted).where(*base).limit(bound + 1).cte("some")
    fitting = select(some).where(*_rest(some.c, wanted, stretch, now)).cte("fitting")
    place = (fitting.c.key, fitting.c.due_at, fitting.c.task_id)
    page = select(*place).order_by(*place).limit(limit + 1)
    if beyond is not None:
        page = page.where(tuple_(*place) > tuple_(*beyond))
    shown = page.subquery("shown")
    looked = select(func.count()).select_from(some).scalar_subquery().label("looked")
    total = select(func.count()).select_from(fitting).scalar_subquery().label("total")
    counts = select(looked, total).subquery("counts")
    joined = counts.outerjoin(shown, true())
    rows = connection.execute(
        select(counts, shown).select_from(joined).order_by(shown.c.key, shown.c.due_at, shown.c.task_id)
    ).all()
    if rows[0].looked > bound:
        return None
    found = [row for row in rows if row.task_id is not None]
    number = rows[0].total
    return _page(found[:limit], min(number, COUNTED), number > COUNTED, len(found) > limit)


def _narrow(wanted: Wanted) -> Select[Any]:
    """The columns by which places are sorted and filtered."""
    columns = [_PLACE.c[name] for name in ("due_at", "task_id", "rests_until", *_FILTERED)]
    return select(_KEYS[wanted.order].label("key"), *columns)


def _walked(
    connection: Connection,
    wanted: Wanted,
    stretch: Stretch,
    now: datetime,
    limit: int,
    beyond: tuple[Any, ...] | None,
) -> SectionPage:
    """The page of a large section, by walking the index of its order."""
    streams = _streams(wanted, stretch, now, beyond)
    walked = max(limit + 1, WALKED // len(streams))
    parts = [_filtered(each.limit(walked), wanted, stretch, now, limit + 1) for each in streams]
    found = connection.execute(parts[0] if len(parts) == 1 else union_all(*parts)).all()
    rows = sorted(found, key=tuple)
    # One of several streams may have been broken off before a place that another has given.
    end = _end_of_walk(connection, streams, walked) if len(rows) <= limit or len(streams) > 1 else None
    kept = rows if end is None else [row for row in rows if tuple(row) <= tuple(end)]
    if end is not None and len(kept) <= limit:
        return _page(kept, COUNTED, True, True, end)
    return _page(kept[:limit], COUNTED, True, len(kept) > limit)


def _streams(
    wanted: Wanted, stretch: Stretch, now: datetime, beyond: tuple[Any, ...] | None
) -> list[Select[Any]]:
    """Places in their order, each as one index has them: one stream, or one for each assignee."""
    key = _KEYS[wanted.order]
    query = _narrow(wanted).order_by(key, _PLACE.c.due_at, _PLACE.c.task_id)
    if beyond is not None:
        query = query.where(tuple_(key, _PLACE.c.due_at, _PLACE.c.task_id) > tuple_(*beyond))
    if wanted.order == "due":
        query = query.where(*_within(_PLACE.c, stretch, now))
    if wanted.assignees and wanted.order in ("importance", "due"):
        return [query.where(_PLACE.c.assignee == each) for each in wanted.assignees]
    return [query]


def _filtered(walk: Select[Any], wanted: Wanted, stretch: Stretch, now: datetime, limit: int) -> Select[Any]:
    """Of a walk, the first places that are wanted. They come in its order: it ends with the last of them."""
    some = walk.subquery()
    conditions = [*_within(some.c, stretch, now), *_rest(some.c, wanted, stretch, now)]
    picked = (
        select(some.c.key, some.c.due_at, some.c.task_id).where(and_(*conditions)).limit(limit).subquery()
    )
    return select(picked.c.key, picked.c.due_at, picked.c.task_id)


def _end_of_walk(connection: Connection, streams: Sequence[Select[Any]], walked: int) -> Any | None:
    """The first place at which a walk was broken off; None where every one came to its end."""
    ends = []
    for each in streams:
        some = each.limit(1).offset(walked - 1).subquery()
        row = connection.execute(select(some.c.key, some.c.due_at, some.c.task_id)).one_or_none()
        if row is not None:
            ends.append(row)
    return min(ends, key=tuple, default=None)


def _page(
    rows: Sequence[Any], total: int, is_more: bool, has_next: bool, end: Any | None = None
) -> SectionPage:
    last = end or (rows[-1] if rows else None)
    cursor = _write_place(last) if has_next and last is not None else None
    return SectionPage(tuple(row.task_id for row in rows), total, is_more, cursor, end is not None)


def _write_place(row: Any) -> str:
    key = format_instant(row.key) if isinstance(row.key, datetime) else row.key
    return write_cursor([key, format_instant(row.due_at), row.task_id])


def _read_place(cursor: str, order: Order) -> tuple[Any, ...]:
    try:
        key, due_at, task_id = read_cursor(cursor)
        kind = str if order in ("due", "account") else int
        if type(key) is not kind or not isinstance(task_id, str) or "\x00" in f"{key}{task_id}":
            raise BadCursorError
        if isinstance(key, int) and abs(key) >= 2**63:
            raise BadCursorError
        place = parse_instant(key) if order == "due" and isinstance(key, str) else key
        return place, parse_instant(due_at), task_id
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadCursorError from error
