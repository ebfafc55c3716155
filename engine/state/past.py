"""What fields were and when events happened, for conditions that ask about more than the present."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from engine.conditions.catalogue import FieldType, Kind, decode
from engine.state import tables
from engine.state.book import Past

_change = tables.Change.__table__  # type: ignore[attr-defined]
_event = tables.Event.__table__  # type: ignore[attr-defined]
_run = tables.Run.__table__  # type: ignore[attr-defined]
_watch = tables.Watch.__table__  # type: ignore[attr-defined]


def read_courses(
    connection: Connection,
    place: tuple[Kind, str],
    subjects: Collection[str],
    since: datetime,
    *,
    only_folded: bool,
    floor: datetime | None = None,
    read_as: FieldType = FieldType.NUMBER,
) -> dict[str, list[Past]]:
    """What a field was, as known at `since`: from the one just before `floor` on, or from its beginning.

    In effective order, by subject. `only_folded` leaves out what came in after the account's last evaluation.
    """
    if not subjects:
        return {}
    kind, name = place
    times = (_change.c.effective_at, _change.c.applies_at, _change.c.id)
    ended = func.lead(_change.c.effective_at, type_=_change.c.effective_at.type)
    known = select(
        _change.c.subject_id,
        _change.c.new,
        *times,
        ended.over(partition_by=_change.c.subject_id, order_by=times).label("ended"),
    ).where(
        _change.c.kind == kind,
        _change.c.field == name,
        _change.c.subject_id.in_(list(subjects)),
        _change.c.applies_at <= since,
    )
    course = (_folded(known, _change) if only_folded else known).subquery()
    query = select(course).order_by(course.c.effective_at, course.c.applies_at, course.c.id)
    if floor is not None:
        query = query.where(or_(course.c.ended.is_(None), course.c.ended >= floor))
    found: dict[str, list[Past]] = defaultdict(list)
    for row in connection.execute(query):
        value = decode(read_as, row.new)
        found[row.subject_id].append(Past(row.effective_at, row.applies_at, row.id, value))
    return found


def read_event_times(
    connection: Connection,
    name: str,
    accounts: Collection[str],
    since: datetime,
    span: timedelta,
    *,
    only_folded: bool,
    in_runs: bool = False,
) -> dict[str, list[datetime]]:
    """When an event happened in the `span` before `since`, as known then: oldest first, by account.

    With `in_runs` also since the first of the account's open runs started.
    """
    counts = _event.c.occurred_at >= since - span
    if in_runs:
        started = select(func.min(_run.c.started_at)).where(
            _run.c.account_id == _event.c.account_id, _run.c.state == "open"
        )
        counts = or_(counts, _event.c.occurred_at >= started.scalar_subquery())
    known = (
        select(_event.c.account_id, _event.c.occurred_at)
        .where(
            _event.c.account_id.in_(list(accounts)),
            _event.c.name == name,
            counts,
            _event.c.applies_at <= since,
        )
        .order_by(_event.c.occurred_at)
    )
    found: dict[str, list[datetime]] = defaultdict(list)
    for account_id, occurred_at in connection.execute(_folded(known, _event) if only_folded else known):
        found[account_id].append(occurred_at)
    return found


def _folded(query: Select[Any], table: Any) -> Select[Any]:
    """What the last evaluation of the account has seen already."""
    return query.join(_watch, _watch.c.account_id == table.c.account_id).where(
        table.c.revision <= _watch.c.evaluated_revision
    )
