"""Writing the sample book into a database, as any other source would."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from sqlalchemy import Engine, delete, insert

from engine.conditions.catalogue import Catalogue
from engine.sample.generate import HISTORY_DAYS, customers
from engine.sample.happening import Happening
from engine.sample.history import history
from engine.sample.staff import staff
from engine.state.database import writing
from engine.state.ingest import Entry, EventEntry, ingest
from engine.state.tables import Person

SOURCE = "sample"
SEED = 2026
_AT_ONCE = 500
"""Customers in memory at a time."""


def seed(
    database: Engine,
    catalogue: Catalogue,
    *,
    accounts: int,
    end: datetime,
    seed: int = SEED,
    history_days: int = HISTORY_DAYS,
) -> int:
    """Write our people and the book with its history up to `end`; the number of changes and events written.

    Raises ValueError when the book itself is at fault, which no input can cause.
    """
    _write_staff(database)
    written = 0
    book = (history(*each) for each in customers(accounts, seed, end, history_days=history_days))
    while batch := list(islice(book, _AT_ONCE)):
        written += take_in(database, catalogue, (one for each in batch for one in each))
    return written


def take_in(database: Engine, catalogue: Catalogue, happenings: Iterable[Happening]) -> int:
    """Ingest sample happenings; the number of changes and events written. Raises ValueError for a bad one."""
    entries, events = _parted(happenings)
    report = ingest(database, catalogue, entries, events, source=SOURCE)
    if report.rejected:
        first = report.rejected[0]
        raise ValueError(f"the sample's {first.of} {first.id} was refused: {first.reason}")
    return report.changes + report.events


def _parted(happenings: Iterable[Happening]) -> tuple[list[Entry], list[EventEntry]]:
    entries: list[Entry] = []
    events: list[EventEntry] = []
    for each in happenings:
        if isinstance(each, Entry):
            entries.append(each)
        else:
            events.append(each)
    return entries, events


def _write_staff(database: Engine) -> None:
    people = [each.model_dump() for each in staff()]
    table = Person.__table__  # type: ignore[attr-defined]
    with writing(database) as connection:
        connection.execute(delete(table).where(table.c.id.in_([each["id"] for each in people])))
        connection.execute(insert(table), people)
