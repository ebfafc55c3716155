"""What sources say of themselves: when they last synced, and up to when they have said everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from engine.conditions.catalogue import Catalogue, Kind, Value
from engine.settings import SourceSettings
from engine.state import tables
from engine.state.accept import accepted_id, accepted_instant, accepted_values, fields_of
from engine.state.database import reading, writing
from engine.state.entries import Entry, source_book
from engine.state.store import store
from engine.state.subjects import Intake

_SOURCE: Any = tables.Source.__table__  # type: ignore[attr-defined]
DECLARED = "settings"
"""Who says so, in the history of what the settings name."""
_COLUMNS = ("id", "last_sync_at", "watermark", "rows", "rejected", "declared_at")


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source as it stands."""

    name: str
    last_sync_at: datetime | None = None
    watermark: datetime | None = None
    rows: int | None = None
    rejected: int | None = None
    declared_at: datetime | None = None
    """Since when the settings say that something rests on it."""


def note_sync(
    database: Engine,
    catalogue: Catalogue,
    name: str,
    values: Mapping[str, Value | None],
    at: datetime,
    *,
    known_since: datetime | None = None,
) -> SourceState:
    """Record that a source has synced at `at`, with what it says of itself. Its watermark never goes back.

    `known_since` is for a backfill: what it brings was known when it happened, so that from then on it
    counts as seen up to the watermark. Raises Refused for a name or a value that cannot be kept.
    """
    accepted_id(source_book(accepted_id(name, "name of the source")))
    fields = {kind: fields_of(catalogue, kind) for kind in Kind}
    accepted_instant(at, "the time of the sync")
    stated = accepted_values(catalogue, Kind.SOURCE, fields[Kind.SOURCE], values)
    with writing(database) as connection:
        known = _read(connection, name)
        stated |= {"name": name, "last_sync_at": at, "watermark": _later(known, stated.get("watermark"))}
        entries = [_entry(name, stated, at)]
        if known_since is not None and known_since < at:
            entries.insert(0, _entry(name, {"watermark": stated["watermark"]}, known_since))
        intake = Intake(entries=list(enumerate(entries)))
        store(connection, fields, [(source_book(name), intake)], name)
        return _read(connection, name) or SourceState(name)


def declare_sources(
    connection: Connection, catalogue: Catalogue, sources: Mapping[str, SourceSettings], at: datetime
) -> None:
    """Make known at `at` which sources the settings name, so that one that never comes is missed."""
    known = {row.id: row.declared_at for row in connection.execute(_columns())}
    batch = [(each.account_id, Intake(entries=[(0, each)])) for each in declarations(sources, known, at)]
    if batch:
        fields = {kind: fields_of(catalogue, kind) for kind in Kind}
        store(connection, fields, batch, DECLARED)


def declarations(
    sources: Mapping[str, SourceSettings], known: Mapping[str, datetime | None], at: datetime
) -> list[Entry]:
    """What the settings newly say at `at`; `known` has since when each source was declared. By name.

    One that tells everything as it happens needs no watermark, so that none can be missing.
    """
    wanted = {name for name, each in sources.items() if not each.live}
    new: dict[str, datetime | None] = {name: at for name in wanted if known.get(name) is None}
    gone = {name: None for name, since in known.items() if since is not None and name not in wanted}
    return [
        _entry(name, {"name": name, "declared_at": declared_at}, at)
        for name, declared_at in sorted((new | gone).items())
    ]


def _entry(name: str, values: Mapping[str, Value | None], at: datetime) -> Entry:
    return Entry(Kind.SOURCE, name, source_book(name), values, at, at)


def _later(known: SourceState | None, stated: Value | None) -> datetime | None:
    found = [each for each in (known and known.watermark, stated) if isinstance(each, datetime)]
    return max(found, default=None)


def _read(connection: Connection, name: str) -> SourceState | None:
    """The source, locked until the transaction ends where it is there already."""
    row = connection.execute(_columns().where(_SOURCE.c.id == name).with_for_update()).one_or_none()
    return None if row is None else _state(row)


def _columns() -> Any:
    return select(*(_SOURCE.c[name] for name in _COLUMNS))


def _state(row: Any) -> SourceState:
    rows, rejected = (None if each is None else int(each) for each in (row.rows, row.rejected))
    return SourceState(row.id, row.last_sync_at, row.watermark, rows, rejected, row.declared_at)


def list_sources(database: Engine) -> Sequence[SourceState]:
    """Every source that has ever synced, by name."""
    with reading(database) as connection:
        return [_state(row) for row in connection.execute(_columns().order_by(_SOURCE.c.id))]
