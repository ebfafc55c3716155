"""What sources say of themselves: when they last synced, and up to when they have said everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from engine.conditions.catalogue import Catalogue, Kind, Value
from engine.state import tables
from engine.state.accept import accepted_id, accepted_instant, accepted_values, fields_of
from engine.state.database import reading, writing
from engine.state.entries import Entry, source_book
from engine.state.store import store
from engine.state.subjects import Intake

_SOURCE: Any = tables.Source.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source as it stands."""

    name: str
    last_sync_at: datetime | None = None
    watermark: datetime | None = None
    rows: int | None = None
    rejected: int | None = None


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
    return select(*(_SOURCE.c[name] for name in ("id", "last_sync_at", "watermark", "rows", "rejected")))


def _state(row: Any) -> SourceState:
    counts = (None if each is None else int(each) for each in (row.rows, row.rejected))
    return SourceState(row.id, row.last_sync_at, row.watermark, *counts)


def list_sources(database: Engine) -> Sequence[SourceState]:
    """Every source that has ever synced, by name."""
    with reading(database) as connection:
        return [_state(row) for row in connection.execute(_columns().order_by(_SOURCE.c.id))]
