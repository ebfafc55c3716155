"""Asks the arbiter which of the claimed emails go now, under locks that other claims respect."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Table,
    bindparam,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)

from engine.admit.silences import is_silenced
from engine.identity import digest
from engine.permit.arbiter import Kind, Left, Wait, Who, Wish, arbitrate, is_open
from engine.permit.policy import Policy
from engine.state.tables import HAS_LEFT, IS_READY_FOR, Outbox, Rulebook

_outbox: Table = Outbox.__table__  # type: ignore[attr-defined]
_rulebook: Table = Rulebook.__table__  # type: ignore[attr-defined]
_KEYS: Mapping[Kind, Any] = {"person": _outbox.c.address, "account": _outbox.c.account_id}
_at = _outbox.c.available_at.type


def waiting(
    connection: Connection, rows: Sequence[Row[Any]], policy: Policy, connector: str, now: datetime
) -> Mapping[str, Wait]:
    """Which of the claimed `rows` have to wait, by id.

    Until the transaction ends, no other claim can decide about the same people and accounts.
    """
    wishes = [
        _wish(row, policy)
        for row in rows
        if row.address is not None and row.topic not in policy.transactional
    ]
    everybody = sorted({who for each in wishes for who in each.who})
    if not everybody:
        return {}
    _lock(connection, everybody)
    left = _left(connection, everybody, policy, now)
    open_to = {who for each in wishes if is_open(each, left, policy.bounds, now) for who in each.who}
    rivals = _rivals(connection, sorted(open_to), policy, connector, now) if open_to else ()
    return arbitrate([*wishes, *rivals], left, policy.bounds, now)


def _wish(row: Row[Any], policy: Policy, *, is_here: bool = True) -> Wish:
    names: dict[Kind, str] = {"person": row.address, "account": row.account_id}
    who = tuple((kind, names[kind]) for kind in policy.longest)
    return Wish(row.id, who, row.priority, row.created_at, is_here)


def _lock(connection: Connection, everybody: Iterable[Who]) -> None:
    """In one order for everybody. SQLite holds its one write lock already."""
    if connection.dialect.name == "postgresql":
        keys = sorted(int(digest("cap", kind, name), 16) - 2**63 for kind, name in everybody)
        connection.execute(_LOCK, {"keys": keys})


_LOCK = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


def _left(connection: Connection, everybody: Sequence[Who], policy: Policy, now: datetime) -> Left:
    values = _names(everybody) | {"exempt": list(policy.transactional)}
    values |= {f"{kind}_since": now - window for kind, window in policy.longest.items()}
    found: dict[Who, list[tuple[datetime, str]]] = {}
    for row in connection.execute(_who_left(tuple(policy.longest)), values):
        found.setdefault((row.kind, row.name), []).append((row.left_at, row.id))
    return found


def _rivals(
    connection: Connection, open_to: Sequence[Who], policy: Policy, connector: str, now: datetime
) -> list[Wish]:
    """Other emails that are ready for the same people and accounts: as many as could go before all."""
    values = _names(open_to) | {"exempt": list(policy.transactional), "now": now, "connector": connector}
    values |= {f"{kind}_most": policy.most(kind) for kind in policy.longest}
    rows = connection.execute(_who_is_ready(tuple(policy.longest)), values).all()
    return [_wish(row, policy, is_here=False) for row in {row.id: row for row in rows}.values()]


def _names(everybody: Iterable[Who]) -> dict[str, Any]:
    found: dict[str, Any] = {"person": [], "account": []}
    for kind, name in everybody:
        found[kind].append(name)
    return found


def _counts() -> Any:
    """Whether an email is one that is counted."""
    exempt: Any = bindparam("exempt", expanding=True)
    return or_(_outbox.c.topic.is_(None), _outbox.c.topic.not_in(exempt))


@lru_cache
def _who_left(kinds: tuple[Kind, ...]) -> Any:
    """When emails of the named people and accounts left, as far back as is asked."""
    return union_all(
        *(
            select(
                literal(kind).label("kind"), _KEYS[kind].label("name"), _outbox.c.left_at, _outbox.c.id
            ).where(
                text(f"outbox.{HAS_LEFT}"),
                _KEYS[kind].in_(bindparam(kind, expanding=True)),
                _outbox.c.left_at > bindparam(f"{kind}_since", type_=_at),
                _outbox.c.address.is_not(None),
                _counts(),
            )
            for kind in kinds
        )
    )


@lru_cache
def _who_is_ready(kinds: tuple[Kind, ...]) -> Any:
    """The first in order of the emails that could be claimed now for the named people and accounts."""
    return union_all(*(_first_ready(kind) for kind in kinds))


def _first_ready(kind: Kind) -> Any:
    now = bindparam("now", type_=_at)
    order = (_outbox.c.priority.desc(), _outbox.c.created_at, _outbox.c.id)
    place = func.row_number().over(partition_by=_KEYS[kind], order_by=order).label("place")
    wanted = ("id", "address", "account_id", "priority", "created_at")
    ranked = (
        select(*(_outbox.c[name] for name in wanted), place)
        .where(
            text(f"outbox.{IS_READY_FOR}"),
            _KEYS[kind].in_(bindparam(kind, expanding=True)),
            _outbox.c.address.is_not(None),
            _outbox.c.connector == bindparam("connector"),
            _outbox.c.available_at <= now,
            _outbox.c.playbook.not_in(select(_rulebook.c.playbook).where(_rulebook.c.paused.is_(True))),
            ~is_silenced(_outbox.c.account_id, _outbox.c.playbook, now),
            _counts(),
        )
        .subquery()
    )
    most = bindparam(f"{kind}_most", type_=Integer)
    return select(*(ranked.c[name] for name in wanted)).where(ranked.c.place <= most)
