"""What sources say of themselves."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select

from engine.conditions.catalogue import BUILT_IN, Kind
from engine.state import tables
from engine.state.accept import Refused
from engine.state.database import reading
from engine.state.entries import Entry, EventEntry
from engine.state.ingest import ingest
from engine.state.sources import SourceState, list_sources, note_sync

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_note_sync_keeps_what_a_source_says(database: Engine) -> None:
    """Its state, and a history of it under a name of its own."""
    values = {"watermark": NOW - HOUR, "rows": Decimal(900), "rejected": Decimal(3)}
    expected = SourceState("usage", NOW, NOW - HOUR, 900, 3)
    assert note_sync(database, BUILT_IN, "usage", values, NOW) == expected
    assert list_sources(database) == [expected]
    change: Any = tables.Change.__table__  # type: ignore[attr-defined]
    with reading(database) as connection:
        found = connection.execute(select(change.c.account_id, change.c.field).order_by(change.c.field)).all()
    assert [each.account_id for each in found] == ["source:usage"] * 6
    assert [each.field for each in found] == [
        "exists",
        "last_sync_at",
        "name",
        "rejected",
        "rows",
        "watermark",
    ]


def test_note_sync_never_takes_a_watermark_back(database: Engine) -> None:
    """An older file that is imported again is no reason to doubt what was seen already."""
    note_sync(database, BUILT_IN, "usage", {"watermark": NOW}, NOW)
    older = note_sync(database, BUILT_IN, "usage", {"watermark": NOW - HOUR}, NOW + HOUR)
    silent = note_sync(database, BUILT_IN, "usage", {}, NOW + 2 * HOUR)
    assert (older.watermark, silent.watermark, silent.last_sync_at) == (NOW, NOW, NOW + 2 * HOUR)


def test_note_sync_of_a_backfill_counts_from_its_beginning(database: Engine) -> None:
    """What was imported as known when it happened is seen from then on."""
    since = NOW - 300 * HOUR
    note_sync(database, BUILT_IN, "usage", {"watermark": NOW - HOUR}, NOW, known_since=since)
    change: Any = tables.Change.__table__  # type: ignore[attr-defined]
    query = select(change.c.applies_at, change.c.new).where(change.c.field == "watermark")
    with reading(database) as connection:
        assert connection.execute(query).all() == [(since, "2026-03-02T11:00:00Z")]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("", {}, "the name of the source is missing"),
        ("x" * 195, {}, "at most 200 are allowed"),
        ("two\nlines", {}, "contains a control character"),
        ("usage", {"rows": Decimal("inf")}, "source.rows"),
        ("usage", {"speed": Decimal(1)}, 'unknown field "source.speed"'),
        ("usage", {"watermark": NOW.replace(tzinfo=None)}, "has no time zone"),
    ],
)
def test_note_sync_refuses_what_cannot_be_kept(
    name: str, values: dict[str, Any], message: str, sqlite_database: Engine
) -> None:
    """And writes nothing of it."""
    with pytest.raises(Refused, match=message):
        note_sync(sqlite_database, BUILT_IN, name, values, NOW)
    assert list_sources(sqlite_database) == []


def test_accounts_cannot_take_the_place_of_a_source(sqlite_database: Engine) -> None:
    """Neither an account nor an event may stand under the id that is kept for a source."""
    note_sync(sqlite_database, BUILT_IN, "usage", {"watermark": NOW}, NOW)
    report = ingest(
        sqlite_database,
        BUILT_IN,
        [
            Entry(Kind.ACCOUNT, "source:usage", "source:usage", {}, NOW, NOW),
            Entry(Kind.CONTACT, "kim", "source:usage", {}, NOW, NOW),
        ],
        [EventEntry("e1", "source:usage", "login", NOW, NOW)],
        source="test",
    )
    reason = 'the account id "source:usage" begins with "source:", which stands for sources'
    assert [each.reason for each in report.rejected] == [reason] * 3
