"""What the playbook and hold pages count."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from engine.state import tables

_RUN: Table = tables.Run.__table__  # type: ignore[attr-defined]
_RULEBOOK: Table = tables.Rulebook.__table__  # type: ignore[attr-defined]
_HOLD: Table = tables.Hold.__table__  # type: ignore[attr-defined]
_ACCOUNT: Table = tables.Account.__table__  # type: ignore[attr-defined]

RECENT_RUNS = 50
RECENT_HOLDS = 100


@dataclass
class Tally:
    """A playbook's runs: how many were started, are open, and ended how."""

    started: int = 0
    open: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


def tallies(connection: Connection) -> dict[str, Tally]:
    """Every playbook's runs, counted."""
    query = select(_RUN.c.playbook, _RUN.c.state, _RUN.c.outcome, func.count().label("runs")).group_by(
        _RUN.c.playbook, _RUN.c.state, _RUN.c.outcome
    )
    found: dict[str, Tally] = defaultdict(Tally)
    for row in connection.execute(query):
        tally = found[row.playbook]
        tally.started += row.runs
        if row.state == "open":
            tally.open += row.runs
        elif row.outcome:
            tally.outcomes[row.outcome] = tally.outcomes.get(row.outcome, 0) + row.runs
    return found


def live(connection: Connection) -> dict[str, Any]:
    """The live set by playbook: since when, and whether it is paused."""
    query = select(_RULEBOOK.c.playbook, _RULEBOOK.c.live_since, _RULEBOOK.c.paused)
    return {row.playbook: row for row in connection.execute(query)}


def recent_runs(connection: Connection, playbook: str) -> list[Row[Any]]:
    """The playbook's newest runs with the names of their accounts."""
    names = ("id", "account_id", "subject_id", "state", "outcome", "started_at", "ended_at", "reason")
    query = (
        select(*(_RUN.c[name] for name in names), _ACCOUNT.c.name.label("account_name"))
        .outerjoin(_ACCOUNT, _ACCOUNT.c.id == _RUN.c.account_id)
        .where(_RUN.c.playbook == playbook)
        .order_by(_RUN.c.started_at.desc())
        .limit(RECENT_RUNS)
    )
    return list(connection.execute(query))


def holds(connection: Connection) -> list[Row[Any]]:
    """Holds, those still held first, then the newest."""
    names = ("id", "playbook", "at", "size", "reason", "state", "released_at", "released_by")
    query = select(*(_HOLD.c[name] for name in names))
    return list(connection.execute(query.order_by(_HOLD.c.state, _HOLD.c.at.desc()).limit(RECENT_HOLDS)))
