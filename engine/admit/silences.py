"""Silences in the database: making, ending, listing and reading them."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, or_, select, update

from engine.admit.silence import Silence
from engine.clock.zones import format_instant
from engine.identity import digest
from engine.state import tables
from engine.state.database import reading, writing
from engine.state.upsert import upsert

_SILENCE: Any = tables.Silence.__table__  # type: ignore[attr-defined]
_WATCH: Any = tables.Watch.__table__  # type: ignore[attr-defined]
_ACCOUNT: Any = tables.Account.__table__  # type: ignore[attr-defined]


class SilenceError(ValueError):
    """The silence cannot be made or ended; the message says why and what to do."""


def add_silence(
    database: Engine,
    account_id: str,
    *,
    playbook: str | None,
    at: datetime,
    until: datetime,
    by: str,
    why: str,
) -> Silence:
    """Silence an account from `at` on. Raises SilenceError when there is no such account or no time left."""
    silence = new_silence(account_id, playbook=playbook, at=at, until=until, by=by, why=why)
    with writing(database) as connection:
        known = select(_ACCOUNT.c.id).where(_ACCOUNT.c.id == account_id)
        if connection.scalar(known) is None:
            raise SilenceError(f'there is no account "{account_id}"; give the id it was imported with')
        upsert(connection, _SILENCE, [_row(silence)], keep=True)
        _ask_for(connection, account_id, at)
    return silence


def new_silence(
    account_id: str, *, playbook: str | None, at: datetime, until: datetime, by: str, why: str
) -> Silence:
    """A silence that is not stored yet. Raises SilenceError when there is no time left."""
    if until <= at:
        raise SilenceError(
            f"{format_instant(until)} is not after {format_instant(at)}; give an end that is still to come"
        )
    identity = digest(
        "silence", account_id, playbook or "", format_instant(at), format_instant(until), by, why
    )
    return Silence(identity, account_id, playbook, at, until, by, why)


def end_silence(database: Engine, identity: str, *, by: str, at: datetime) -> Silence:
    """End a silence at `at`. Raises SilenceError when there is none of that id or it is over by then."""
    with writing(database) as connection:
        found = _read(connection, _SILENCE.c.id == identity)
        if not found:
            raise SilenceError(f"there is no silence {identity}; see tminus silences list")
        silence = found[0]
        if silence.end <= at:
            raise SilenceError(f"silence {identity} was over at {format_instant(silence.end)}")
        connection.execute(update(_SILENCE).where(_SILENCE.c.id == identity).values(ended_at=at, ended_by=by))
        _ask_for(connection, silence.account_id, at)
    return replace(silence, ended_at=at, ended_by=by)


def list_silences(
    database: Engine, *, lasting_at: datetime | None, account_id: str | None = None
) -> list[Silence]:
    """The silences in the order of their beginnings.

    Only those not over at `lasting_at`, and only those of the account, where these are given.
    """
    wanted = [] if lasting_at is None else [_SILENCE.c.until > lasting_at]
    wanted += [] if account_id is None else [_SILENCE.c.account_id == account_id]
    with reading(database) as connection:
        found = _read(connection, *wanted)
    return [each for each in found if lasting_at is None or each.end > lasting_at]


def read_silences(connection: Connection, account_ids: Sequence[str]) -> list[Silence]:
    """Every silence of these accounts."""
    return _read(connection, _SILENCE.c.account_id.in_(account_ids))


def is_silenced(account_id: Any, playbook: Any, now: Any) -> Any:
    """In SQL, whether a silence of the account covers the playbook at `now`, an instant or a parameter."""
    return (
        select(_SILENCE.c.id)
        .where(
            _SILENCE.c.account_id == account_id,
            or_(_SILENCE.c.playbook.is_(None), _SILENCE.c.playbook == playbook),
            _SILENCE.c.since <= now,
            _SILENCE.c.until > now,
            or_(_SILENCE.c.ended_at.is_(None), _SILENCE.c.ended_at > now),
        )
        .exists()
    )


def _row(silence: Silence) -> dict[str, Any]:
    return {each.name: getattr(silence, each.name) for each in fields(Silence)}


def _read(connection: Connection, *where: Any) -> list[Silence]:
    columns = [_SILENCE.c[each.name] for each in fields(Silence)]
    query = select(*columns).where(*where).order_by(_SILENCE.c.since, _SILENCE.c.id)
    return [Silence(*row) for row in connection.execute(query)]


def _ask_for(connection: Connection, account_id: str, at: datetime) -> None:
    """Have the next tick look at the account, and one under way notice that something moved."""
    mine = _WATCH.c.account_id == account_id
    connection.execute(update(_WATCH).where(mine).values(revision=_WATCH.c.revision + 1))
    is_later = or_(_WATCH.c.due_at.is_(None), _WATCH.c.due_at > at)
    connection.execute(update(_WATCH).where(mine, is_later).values(due_at=at))
