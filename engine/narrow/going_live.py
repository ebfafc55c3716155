"""Which accounts a changed live set has to be decided for, and from when on for the others."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, true, update

from engine.conditions.catalogue import Kind
from engine.conditions.columns import Bounds, Columns, Expression
from engine.conditions.feed import NO_FEEDS, Feeds
from engine.conditions.narrowing import both, bounds
from engine.narrow.columns import SubjectColumns
from engine.rulefile.model import Missing, Playbook
from engine.state import tables
from engine.state.entries import SOURCE_BOOK

_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]
_EPISODE: Any = tables.Episode.__table__  # type: ignore[attr-defined]
_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_CHANGE: Any = tables.Change.__table__  # type: ignore[attr-defined]
_EVENT: Any = tables.Event.__table__  # type: ignore[attr-defined]

_UNDECIDED = ("pending", "active")


def ask_for_look(
    connection: Connection,
    at: datetime,
    deciding: Sequence[Playbook],
    touched: Collection[str],
    feeds: Feeds = NO_FEEDS,
) -> None:
    """Make due at `at` every account for which playbooks that decide from then on may change anything.

    `deciding` are new or have changed; `touched` names these and those that are gone. An account of which the
    database denies their conditions is thereby decided at `at`: a fold would come to nothing there. It is
    looked at again when time alone could make one of them true, or when something new is known of it.
    """
    _make_due(connection, at, or_(*_unsettled(at), *_involved(touched)))
    for playbook in deciding:
        if playbook.every is not None:
            _make_due(connection, at, true())
        elif playbook.subject is Kind.SOURCE:
            _make_due(connection, at, _WATCH.c.account_id.startswith(SOURCE_BOOK))
        elif playbook.when is not None:
            _narrow(connection, at, playbook, feeds)
    decided = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > at)
    connection.execute(update(_WATCH).where(decided).values(evaluated_to=at))


def look_at_all(connection: Connection, at: datetime) -> None:
    """Make every account due at `at`, because what is so there may matter to anybody."""
    _make_due(connection, at, true())


def _unsettled(at: datetime) -> Iterator[ColumnElement[bool]]:
    """Accounts never evaluated, those with something new, and those of which more is known than applies."""
    yield _WATCH.c.evaluated_to.is_(None)
    yield _WATCH.c.evaluated_revision != _WATCH.c.revision
    for table in (_CHANGE, _EVENT):
        ahead = select(table.c.account_id).where(
            table.c.account_id == _WATCH.c.account_id, table.c.applies_at > at
        )
        yield and_(_WATCH.c.due_at.is_not(None), ahead.exists())


def _involved(touched: Collection[str]) -> Iterator[ColumnElement[bool]]:
    """Accounts in which one of the playbooks has something under way, or owes it."""
    episodes = select(_EPISODE.c.account_id).where(
        _EPISODE.c.playbook.in_(touched), _EPISODE.c.state.in_(_UNDECIDED)
    )
    runs = select(_RUN.c.account_id).where(_RUN.c.playbook.in_(touched), _RUN.c.state == "open")
    yield _WATCH.c.account_id.in_(episodes)
    yield _WATCH.c.account_id.in_(runs)


def _narrow(connection: Connection, at: datetime, playbook: Playbook, feeds: Feeds) -> None:
    columns = SubjectColumns(playbook.subject, at, connection.dialect.name == "sqlite", feeds)
    found = playbook_bounds(playbook, columns)
    of_subjects = select(columns.account.c.id).select_from(columns.source)
    _make_due(connection, at, _WATCH.c.account_id.in_(of_subjects.where(found.high)))
    for turn in found.turns_true:
        instants = (
            select(columns.account.c.id.label("account_id"), _not_before(at, turn).label("due_at"))
            .select_from(columns.source)
            .where(found.ever, turn.is_not(None))
        )
        _bring_forward(connection, instants)


def playbook_bounds(playbook: Playbook, columns: Columns) -> Bounds:
    """The bounds of a playbook's audience and `when`, with its `on_missing` in place of an unknown `when`."""
    assert playbook.when is not None
    found = bounds(playbook.when, columns)
    if playbook.on_missing is not Missing.FREEZE:
        is_met = playbook.on_missing is Missing.TRUE

        def known(answer: Expression) -> Expression:
            return func.coalesce(answer, is_met)

        found = replace(
            found,
            low=known(found.low),
            high=known(found.high),
            always=known(found.always),
            ever=known(found.ever),
        )
    return found if playbook.audience is None else both(bounds(playbook.audience, columns), found)


def _not_before(at: datetime, instant: Expression) -> Expression:
    return case((instant > at, instant), else_=at)


def _make_due(connection: Connection, at: datetime, which: ColumnElement[bool]) -> None:
    later = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > at)
    connection.execute(update(_WATCH).where(later, which).values(due_at=at))


def _bring_forward(connection: Connection, instants: Select[Any]) -> None:
    """Make each account due at the earliest of its instants, unless it is due before."""
    each = instants.subquery()
    first = select(each.c.account_id, func.min(each.c.due_at).label("due_at")).group_by(each.c.account_id)
    found = first.subquery()
    later = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > found.c.due_at)
    connection.execute(
        update(_WATCH).where(_WATCH.c.account_id == found.c.account_id, later).values(due_at=found.c.due_at)
    )
