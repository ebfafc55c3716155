"""What is written about a subject, as it stood at an instant: without what happened to it later."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from engine.admit.holds import HeldBatch
from engine.episodes.episode import Episode
from engine.runs.run import Run
from engine.state import tables

_EPISODE: Any = tables.Episode.__table__  # type: ignore[attr-defined]
_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_DECISION: Any = tables.Decision.__table__  # type: ignore[attr-defined]
_HOLD: Any = tables.Hold.__table__  # type: ignore[attr-defined]


def episodes_at(
    connection: Connection, playbook: str, subject_id: str, at: datetime, newest: int
) -> list[Episode]:
    """Those open at `at` and the `newest` of all, oldest first."""
    mine = (_EPISODE.c.playbook == playbook, _EPISODE.c.subject_id == subject_id, _EPISODE.c.since <= at)
    is_open = or_(_EPISODE.c.resolved_at.is_(None), _EPISODE.c.resolved_at > at)
    latest = select(_EPISODE.c.id).where(*mine).order_by(_EPISODE.c.since.desc(), _EPISODE.c.id).limit(newest)
    wanted = or_(is_open, _EPISODE.c.id.in_(latest))
    query = _columns(Episode, _EPISODE).where(*mine, wanted).order_by(_EPISODE.c.since, _EPISODE.c.id)
    return [
        _as_of(Episode(*row), at, "opened_at", "resolved_at", "lapsed_at")
        for row in connection.execute(query)
    ]


def runs_at(connection: Connection, account_id: str, at: datetime) -> list[Run]:
    """Every run of the account, whatever its playbook, as it stood at `at`."""
    query = _columns(Run, _RUN).where(_RUN.c.account_id == account_id, _RUN.c.started_at <= at)
    found = [
        _as_of(Run(*row), at, "ended_at")
        for row in connection.execute(query.order_by(_RUN.c.started_at, _RUN.c.id))
    ]
    return [each if each.ended_at else replace(each, state="open", outcome=None) for each in found]


def _columns(cls: type, table: Any) -> Any:
    return select(*(table.c[each.name] for each in fields(cls)))


def _as_of(row: Any, at: datetime, *instants: str) -> Any:
    """The row without what happened to it after `at`."""
    later = {name: None for name in instants if (when := getattr(row, name)) is not None and when > at}
    return replace(row, **later)


def noted_as_existing(
    connection: Connection, playbook: str, subject_id: str, episodes: Sequence[Episode]
) -> frozenset[datetime]:
    """The beginnings of those of these states that held already at go-live."""
    since = [each.since for each in episodes if not each.is_moment]
    query = select(_DECISION.c.at).where(
        _DECISION.c.playbook == playbook,
        _DECISION.c.subject_id == subject_id,
        _DECISION.c.answer == "existing",
        _DECISION.c.at.in_(since),
    )
    return frozenset(connection.scalars(query)) if since else frozenset()


def holds_at(connection: Connection, episodes: Sequence[Episode], at: datetime) -> dict[str, HeldBatch]:
    """The holds on these episodes that nobody had released by `at`."""
    ids = [each.hold_id for each in episodes if each.hold_id is not None]
    query = _columns(HeldBatch, _HOLD).where(
        _HOLD.c.id.in_(ids), _HOLD.c.at <= at, or_(_HOLD.c.released_at.is_(None), _HOLD.c.released_at > at)
    )
    return {row.id: HeldBatch(*row) for row in connection.execute(query)} if ids else {}


def decisions_at(
    connection: Connection, playbook: str, subject_id: str, at: datetime, newest: int
) -> Sequence[Mapping[str, Any]]:
    """The `newest` decisions about a subject until then, oldest first."""
    query = (
        select(_DECISION.c.at, _DECISION.c.answer, _DECISION.c.reason, _DECISION.c.step)
        .where(_DECISION.c.playbook == playbook, _DECISION.c.subject_id == subject_id, _DECISION.c.at <= at)
        .order_by(_DECISION.c.at.desc(), _DECISION.c.id.desc())
        .limit(newest)
    )
    return [row._asdict() for row in connection.execute(query)][::-1]
