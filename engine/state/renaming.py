"""A playbook that goes by another name: what was written under the old one is from now on under the new."""

from typing import Any

from sqlalchemy import Connection, select, update

from engine.state import tables

_RUN: Any = tables.Run.__table__  # type: ignore[attr-defined]
_EPISODE: Any = tables.Episode.__table__  # type: ignore[attr-defined]
_NAMED: tuple[Any, ...] = (
    _EPISODE,
    _RUN,
    tables.Task.__table__,  # type: ignore[attr-defined]
    tables.Outbox.__table__,  # type: ignore[attr-defined]
    tables.Decision.__table__,  # type: ignore[attr-defined]
    tables.Hold.__table__,  # type: ignore[attr-defined]
    tables.Silence.__table__,  # type: ignore[attr-defined]
    tables.Pause.__table__,  # type: ignore[attr-defined]
    tables.PlaybookVersion.__table__,  # type: ignore[attr-defined]
)
"""Every table whose rows name a playbook. Ids are digests of what things were called at first, and stay."""


def has_past(connection: Connection, playbook: str) -> bool:
    """Whether anything was ever decided under that name."""
    return any(
        connection.execute(select(table.c.id).where(table.c.playbook == playbook).limit(1)).first()
        is not None
        for table in (_EPISODE, _RUN)
    )


def carry_over(connection: Connection, old: str, new: str) -> None:
    """Put the past of `old` under `new`, which must have none of its own."""
    for table in _NAMED:
        connection.execute(update(table).where(table.c.playbook == old).values(playbook=new))
