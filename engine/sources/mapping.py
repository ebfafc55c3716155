"""A mapping as values: how the columns of a folder of CSV files become fields, events and derived fields."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo

from engine.conditions.catalogue import Field, FieldType, Kind, Value


class Repeated(StrEnum):
    """What a second row of the same id means."""

    REJECT = "reject"
    """A mistake: the row is rejected."""
    SAME = "same"
    """Nothing when it says the same, a mistake otherwise."""
    FIRST = "first"
    """The first row counts."""
    LAST = "last"
    """The last row counts."""
    HISTORY = "history"
    """Each row is the state at its own time."""
    SUFFIX = "suffix"
    """Another thing whose id the exporter used twice: it becomes ID#2, ID#3 and so on."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name, with its place in the mapping for messages."""

    name: str
    line: int
    place: int


UTC_ZONE = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Formats:
    """How cells are written. A file or a single column may differ from the mapping."""

    dates: tuple[str, ...] = ("YYYY-MM-DD",)
    instants: tuple[str, ...] = ()
    """Beyond ISO 8601 and the formats of dates, which stand for the first instant of the day."""
    true: frozenset[str] = frozenset(["true"])
    """In small letters."""
    false: frozenset[str] = frozenset(["false"])
    decimal: str = "."
    zone: ZoneInfo = UTC_ZONE
    """Of dates and times that name none."""


@dataclass(frozen=True, slots=True)
class Given:
    """Where a value comes from: a column, a constant, or the period of a recurring time."""

    type: FieldType
    field: Field | None = None
    """None for a property of an event."""
    column: Column | None = None
    constant: Value | None = None
    """Together with no column and no period; None says that the field is missing."""
    period: Literal["start", "end"] | None = None
    part: Literal["year", "month"] | None = None
    """Of a date: 2024, or 2024-07."""
    values: Dictionary[str, str] | None = None
    """Cells that mean something else."""
    scale: Decimal | None = None
    """What numbers are multiplied by."""
    strip: tuple[str, ...] = ()
    """Signs removed from around a number."""


@dataclass(frozen=True, slots=True)
class At:
    """When something was so: the time in a column, or a year's or month's recurrence of it."""

    column: Column
    known: Literal["at_once", "end_of_day"] = "at_once"
    """In a backfill, from when it was known. A day's total is known when the day is over."""
    every: Literal["year", "month"] | None = None
    until: Column | None = None
    """No recurrence from this time on."""


@dataclass(frozen=True, slots=True)
class Test:
    """A row counts only when the cell is one of these texts."""

    column: Column
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Say:
    """What a row says about its subject, or about the account, at one time."""

    about: Kind
    at: At | None
    """None: when it is imported."""
    when: tuple[Test, ...]
    set: tuple[tuple[str, Given], ...]

    @property
    def given(self) -> tuple[tuple[str, Given], ...]:
        """Where its values come from, by name."""
        return self.set


@dataclass(frozen=True, slots=True)
class EventRule:
    """The event a row stands for."""

    name: str
    at: At
    when: tuple[Test, ...] = ()
    subject: Column | None = None
    properties: tuple[tuple[str, Given], ...] = ()

    @property
    def given(self) -> tuple[tuple[str, Given], ...]:
        """Where its values come from, by name."""
        return self.properties


@dataclass(frozen=True, slots=True)
class FileRule:
    """One CSV file."""

    file: str
    line: int
    place: int
    rows: Kind | Literal["event"]
    """What a row is."""
    id: Column
    account: Column | None
    """None where the row is the account itself."""
    through: Kind | None
    """The account column holds the id of one of these, whose account is meant."""
    repeated: Repeated
    says: tuple[Say, ...]
    events: tuple[EventRule, ...]
    formats: Formats
    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def parts(self) -> tuple[Say | EventRule, ...]:
        """Everything a row may say."""
        return (*self.says, *self.events)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column the file must have."""
        found = [self.id, self.account, *(each.subject for each in self.events)]
        for part in self.parts:
            found.extend([*_of_at(part.at), *(test.column for test in part.when)])
            found.extend(given.column for _, given in part.given)
        return tuple(each for each in found if each is not None)


def _of_at(at: At | None) -> tuple[Column | None, ...]:
    return (at.column, at.until) if at else ()


Operation = Literal["sum", "count", "average", "earliest", "latest", "last", "bands"]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A field of the account computed over time from what the files say."""

    field: Field
    operation: Operation
    kind: Kind | None
    """Subjects it is computed over; None when it is computed over events."""
    name: str
    """The field of those subjects, or the property of the event; empty where there is none."""
    event: str = ""
    where: tuple[tuple[str, frozenset[Value]], ...] = ()
    """Only subjects whose field has one of these values."""
    within: timedelta | None = None
    """Only what was said in the stretch of this length up to the instant."""
    steps: tuple[tuple[Value, Value], ...] = ()
    """Of bands, from the lowest: (from this value on, the band)."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A whole mapping file."""

    file: str
    source: str
    is_backfill: bool
    """Whether what is imported was known when it happened."""
    files: tuple[FileRule, ...]
    derived: tuple[Derivation, ...]
