"""What fields were and when events happened, for conditions that ask about more than the present."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from engine.conditions.catalogue import FieldType, Kind, decode
from engine.conditions.tree import Stream
from engine.state import tables
from engine.state.book import Past
from engine.state.flow import Flow, Reach

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
    columns = (_event.c.account_id, _event.c.occurred_at)
    found: dict[str, list[datetime]] = defaultdict(list)
    for account_id, occurred_at in _happened(
        connection, columns, name, accounts, since, span, only_folded=only_folded, in_runs=in_runs
    ):
        found[account_id].append(occurred_at)
    return found


_NEAREST, _FURTHER, _FURTHEST = timedelta(days=1), 8, timedelta(days=15_000)
"""The least that is read at first; how many times as far back the newest that counts is looked for next; and
beyond the last, everywhere."""


def read_flows(
    connection: Connection,
    reaches: Mapping[Stream, Reach],
    accounts: Collection[str],
    since: datetime,
    behind: timedelta,
    *,
    only_folded: bool,
) -> Iterator[tuple[str, Flow]]:
    """What has happened of streams that have their name in common, as known at `since`: by account.

    As far back as is asked, and `behind` more. Where the newest that counts is asked for, further and further
    until there is one.
    """
    name = next(iter(reaches)).name
    span: timedelta | None = max(max(each.span for each in reaches.values()) + behind, _NEAREST)
    in_runs = any(each.in_runs for each in reaches.values())
    columns = (_event.c.account_id, _event.c.occurred_at, _event.c.properties)
    lacking = list(accounts)
    while lacking:
        flows = {each: [Flow(stream) for stream in reaches] for each in lacking}
        for account_id, occurred_at, properties in _happened(
            connection, columns, name, lacking, since, span, only_folded=only_folded, in_runs=in_runs
        ):
            for flow in flows[account_id]:
                flow.add(occurred_at, properties)
        yield from ((each, flow) for each in flows for flow in flows[each])
        lacking = [each for each in lacking if span is not None and _lacks_newest(flows[each], reaches)]
        span = span * _FURTHER if span is not None and span * _FURTHER < _FURTHEST else None


def _lacks_newest(flows: Iterable[Flow], reaches: Mapping[Stream, Reach]) -> bool:
    return any(reaches[each.stream].is_newest and not each.surely for each in flows)


def _happened(
    connection: Connection,
    columns: Sequence[Any],
    name: str,
    accounts: Collection[str],
    since: datetime,
    span: timedelta | None,
    *,
    only_folded: bool,
    in_runs: bool,
) -> Iterable[Any]:
    """The events of a name in the `span` before `since`, or all; with `in_runs` also those since a start."""
    known = (
        select(*columns)
        .where(_event.c.account_id.in_(list(accounts)), _event.c.name == name, _event.c.applies_at <= since)
        .order_by(_event.c.occurred_at)
    )
    if span is not None:
        counts = _event.c.occurred_at >= since - span
        started = select(func.min(_run.c.started_at)).where(
            _run.c.account_id == _event.c.account_id, _run.c.state == "open"
        )
        in_time = or_(counts, _event.c.occurred_at >= started.scalar_subquery()) if in_runs else counts
        known = known.where(in_time)
    return connection.execute(_folded(known, _event) if only_folded else known)


def _folded(query: Select[Any], table: Any) -> Select[Any]:
    """What the last evaluation of the account has seen already."""
    return query.join(_watch, _watch.c.account_id == table.c.account_id).where(
        table.c.revision <= _watch.c.evaluated_revision
    )
