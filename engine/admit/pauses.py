"""Pauses in the database: pausing and resuming playbooks, and waking what waited for that."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, or_, select, update

from engine.admit.pause import Pause
from engine.clock.zones import format_instant
from engine.identity import digest
from engine.state import tables
from engine.state.database import reading, writing
from engine.state.upsert import upsert

_PAUSE: Any = tables.Pause.__table__  # type: ignore[attr-defined]
_RULEBOOK: Any = tables.Rulebook.__table__  # type: ignore[attr-defined]
_EPISODE: Any = tables.Episode.__table__  # type: ignore[attr-defined]
_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]


class PauseError(ValueError):
    """The playbook cannot be paused or resumed; the message says why and what to do."""


def pause_playbook(database: Engine, playbook: str, *, at: datetime, by: str, why: str) -> Pause:
    """Pause a playbook from `at` on. Raises PauseError when it is not in force, or paused already."""
    with writing(database) as connection:
        live = select(_RULEBOOK.c.playbook).where(_RULEBOOK.c.playbook == playbook)
        if connection.scalar(live) is None:
            raise PauseError(f'"{playbook}" is not in force, so there is nothing to pause')
        lasting = _lasting(connection, playbook)
        if lasting is not None:
            raise PauseError(f'"{playbook}" is {lasting.words} already')
        pause = new_pause(playbook, at=at, by=by, why=why)
        upsert(connection, _PAUSE, [{each.name: getattr(pause, each.name) for each in fields(Pause)}])
        _mark(connection, playbook, paused=True)
    return pause


def new_pause(playbook: str, *, at: datetime, by: str, why: str) -> Pause:
    """A pause that is not stored yet."""
    return Pause(digest("pause", playbook, format_instant(at)), playbook, at, by, why)


def resume_playbook(database: Engine, playbook: str, *, at: datetime, by: str) -> Pause:
    """End the pause of a playbook at `at`; the next tick starts and sends what it still owes.

    Raises PauseError when it is not paused.
    """
    with writing(database) as connection:
        lasting = _lasting(connection, playbook)
        if lasting is None:
            raise PauseError(f'"{playbook}" is not paused')
        ended = replace(lasting, ended_at=max(at, lasting.since), ended_by=by)
        change = update(_PAUSE).where(_PAUSE.c.id == ended.id)
        connection.execute(change.values(ended_at=ended.ended_at, ended_by=by))
        _mark(connection, playbook, paused=False)
        _wake(connection, [ended])
    return ended


def list_pauses(database: Engine, *, only_lasting: bool) -> list[Pause]:
    """The pauses in the order of their beginnings."""
    with reading(database) as connection:
        found = read_pauses(connection)
    return [each for each in found if not only_lasting or each.ended_at is None]


def read_pauses(connection: Connection) -> list[Pause]:
    """Every pause there ever was, in the order of their beginnings."""
    columns = [_PAUSE.c[each.name] for each in fields(Pause)]
    rows = connection.execute(select(*columns).order_by(_PAUSE.c.since, _PAUSE.c.id))
    return [Pause(*row) for row in rows]


def is_paused(connection: Connection, playbook: str) -> bool:
    """Whether a pause of the playbook lasts."""
    return _lasting(connection, playbook) is not None


def wake_resumed(database: Engine, after: datetime | None, at: datetime) -> None:
    """Ask again for a look at what waited for pauses that ended after `after`, up to `at`.

    A tick that was under way when somebody resumed a playbook may have written down a wait since.
    """
    with reading(database) as connection:
        found = [
            each
            for each in read_pauses(connection)
            if each.ended_at is not None and each.ended_at <= at and (after is None or each.ended_at > after)
        ]
    if found:
        with writing(database) as connection:
            _wake(connection, found)


def _lasting(connection: Connection, playbook: str) -> Pause | None:
    found = (each for each in read_pauses(connection) if each.playbook == playbook and each.ended_at is None)
    return next(found, None)


def _mark(connection: Connection, playbook: str, *, paused: bool) -> None:
    """Note with the live set what delivery asks of every entry."""
    row = update(_RULEBOOK).where(_RULEBOOK.c.playbook == playbook)
    connection.execute(row.values(paused=paused))


def _wake(connection: Connection, ended: Collection[Pause]) -> None:
    """Have accounts looked at that owe a start of the playbook, or have a run whose steps may wait."""
    for pause in ended:
        owing = select(_EPISODE.c.account_id).where(
            _EPISODE.c.playbook == pause.playbook,
            _EPISODE.c.state.in_(("pending", "active")),
            _EPISODE.c.owed.is_not(None),
        )
        running = select(_RUN.c.account_id).where(_RUN.c.playbook == pause.playbook, _RUN.c.state == "open")
        waiting = or_(_WATCH.c.account_id.in_(owing), _WATCH.c.account_id.in_(running))
        connection.execute(update(_WATCH).where(waiting).values(revision=_WATCH.c.revision + 1))
        later = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > pause.ended_at)
        connection.execute(update(_WATCH).where(waiting, later).values(due_at=pause.ended_at))


def known_playbooks(connection: Connection) -> Sequence[str]:
    """The names in force, for whoever mistypes one."""
    return list(connection.scalars(select(_RULEBOOK.c.playbook).order_by(_RULEBOOK.c.playbook)))
