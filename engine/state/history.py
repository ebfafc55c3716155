"""Reading the past: values as they were known at an instant, and one field's course."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select

from engine.conditions.catalogue import Catalogue, Field, Kind, Value, decode
from engine.state.accept import fields_of
from engine.state.tables import Change

CHUNK = 500
"""Ids per query: SQLite allows a limited number of parameters."""

_change = Change.__table__  # type: ignore[attr-defined]


def values_at(
    connection: Connection, catalogue: Catalogue, kind: Kind, ids: Iterable[str], instant: datetime
) -> dict[str, dict[str, Value | None]]:
    """Every subject that existed at `instant`, as it was known then: its fields by bare name.

    Read from history alone, without the current rows. A field without history is absent.
    """
    fields = fields_of(catalogue, kind)
    texts: dict[str, dict[str, str | None]] = {}
    for chunk in chunked(ids):
        query = (
            select(_change.c.subject_id, _change.c.field, _change.c.new)
            .where(_change.c.kind == kind.value, _change.c.subject_id.in_(chunk))
            .where(_change.c.applies_at <= instant, _change.c.superseded.is_(False))
            .order_by(_change.c.applies_at, _change.c.effective_at, _change.c.id)
        )
        for subject_id, name, text in connection.execute(query):
            texts.setdefault(subject_id, {})[name] = text
    return {
        subject_id: {name: decode(fields[name].type, text) for name, text in known.items() if name in fields}
        for subject_id, known in texts.items()
        if known.get("exists") == "true"
    }


def field_history(
    connection: Connection, kind: Kind, ids: Collection[str], field: Field, until: datetime
) -> dict[str, list[tuple[datetime, datetime, Value | None]]]:
    """The field's values as (effective_at, applies_at, value), oldest effective first.

    Holds what was known by `until`, late values included; a subject without history is absent.
    """
    courses: dict[str, list[tuple[datetime, datetime, Value | None]]] = {}
    for chunk in chunked(ids):
        query = (
            select(_change.c.subject_id, _change.c.effective_at, _change.c.applies_at, _change.c.new)
            .where(_change.c.kind == kind.value, _change.c.subject_id.in_(chunk))
            .where(_change.c.field == field.name, _change.c.applies_at <= until)
            .order_by(_change.c.effective_at, _change.c.applies_at, _change.c.id)
        )
        for subject_id, effective_at, applies_at, text in connection.execute(query):
            value = decode(field.type, text)
            courses.setdefault(subject_id, []).append((effective_at, applies_at, value))
    return courses


def chunked(ids: Iterable[str], size: int = CHUNK) -> Iterator[list[str]]:
    """The ids in lists of at most `size`."""
    remaining = iter(ids)
    while chunk := list(islice(remaining, size)):
        yield chunk
