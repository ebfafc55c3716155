"""From a record of a file to what it says: entries and events, with their times."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from engine.clock.zones import first_instant
from engine.conditions.catalogue import Catalogue, Kind, Value, encode
from engine.sources.cells import end_of_day, read_date, read_instant, reader
from engine.sources.mapping import At, Column, EventRule, FileRule, Given, Say, Test
from engine.state.accept import Refused, accepted_id, accepted_values
from engine.state.entries import Entry, EventEntry

MOST_PERIODS = 1_200
"""Recurrences of one row; a century of months."""

_Cells = Sequence[str]


class CellRefused(ValueError):
    """A cell that cannot be read: its column, and why."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Period:
    """One recurrence: from its first day to the first day of the next."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was so and when it was known; with `period`, one recurrence of several."""

    effective_at: datetime
    recorded_at: datetime
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What one record says."""

    entries: tuple[Entry, ...]
    events: tuple[EventEntry, ...]


class RowReader:
    """Reads the records of one file whose header is known."""

    def __init__(
        self,
        rule: FileRule,
        header: Sequence[str],
        catalogue: Catalogue,
        *,
        is_backfill: bool,
        now: datetime,
    ) -> None:
        self.rule = rule
        self._index = {name: place for place, name in enumerate(header)}
        self._catalogue = catalogue
        self._is_backfill = is_backfill
        self._now = now
        self._values = {id(given): self._reader(given) for part in rule.parts for _, given in part.given}

    @property
    def has_recurring(self) -> bool:
        """Whether something in the file recurs every month or year."""
        return any(part.at and part.at.every for part in self.rule.parts)

    def id(self, cells: _Cells) -> str:
        """The row's id. Raises CellRefused."""
        return self._name(cells, self.rule.id, "id")

    def account(self, cells: _Cells) -> str:
        """What the account column holds, or the row's id where it is the account. Raises CellRefused."""
        return self._name(cells, self.rule.account, "account id") if self.rule.account else self.id(cells)

    def read(self, cells: _Cells, row_id: str, account_id: str, horizon: datetime | None = None) -> Said:
        """What the record says: without a horizon all that does not recur, else what recurs up to there.

        Raises CellRefused for the first cell that cannot be read, wherever it is needed.
        """
        recurring = horizon is not None
        entries: list[Entry] = []
        events: list[EventEntry] = []
        for say in self.rule.says:
            if self._passes(cells, say.when):
                for moment in self._moments(cells, say.at, horizon):
                    entry = self._entry(cells, say, moment, row_id, account_id)
                    entries.extend([entry] if (moment.period is not None) is recurring else [])
        for rule in self.rule.events:
            if self._passes(cells, rule.when):
                for moment in self._moments(cells, rule.at, horizon):
                    event = self._event(cells, rule, moment, row_id, account_id)
                    events.extend([event] if (moment.period is not None) is recurring else [])
        if not recurring and not entries and not events:
            self._check_emptiness(cells)
        return Said(tuple(entries), tuple(events))

    def _entry(self, cells: _Cells, say: Say, moment: Moment, row_id: str, account_id: str) -> Entry:
        values = {name: self._values[id(given)](cells, moment.period) for name, given in say.set}
        subject = account_id if say.about is Kind.ACCOUNT else row_id
        return Entry(say.about, subject, account_id, values, moment.effective_at, moment.recorded_at)

    def _event(
        self, cells: _Cells, rule: EventRule, moment: Moment, row_id: str, account_id: str
    ) -> EventEntry:
        name = row_id if len(self.rule.events) == 1 else f"{row_id}:{rule.name}"
        if moment.period:
            name = f"{name}:{moment.period.start}"
        subject = self._text(cells, rule.subject) if rule.subject else None
        values = {key: self._values[id(given)](cells, moment.period) for key, given in rule.properties}
        properties: dict[str, Any] = {
            key: _plain(value) for key, value in values.items() if value is not None
        }
        return EventEntry(
            name,
            account_id,
            rule.name,
            moment.effective_at,
            moment.recorded_at,
            subject or None,
            properties or None,
        )

    def _moments(self, cells: _Cells, at: At | None, horizon: datetime | None) -> Iterator[Moment]:
        """The times of which something is said; none when the cell is empty."""
        if at is None:
            yield Moment(self._now, self._now)
            return
        start = self._instant(cells, at.column)
        if start is None:
            return
        if at.every is None:
            yield Moment(start, self._known(start, at.known))
            return
        until = self._instant(cells, at.until) if at.until else None
        first = start.astimezone(self.rule.formats.zone).date()
        for place in range(MOST_PERIODS):
            period = Period(_later(first, at.every, place), _later(first, at.every, place + 1))
            begins = first_instant(period.start, self.rule.formats.zone) if place else start
            known = self._known(begins, at.known if place else "at_once")
            # Without a horizon the first period is read all the same, so that its cells are checked.
            if horizon is None and place:
                return
            if horizon is not None and (known > horizon or (until is not None and begins >= until)):
                return
            yield Moment(begins, known, period)

    def _known(self, effective_at: datetime, known: Literal["at_once", "end_of_day"]) -> datetime:
        if not self._is_backfill:
            return self._now
        return effective_at if known == "at_once" else end_of_day(effective_at, self.rule.formats)

    def _instant(self, cells: _Cells, column: Column) -> datetime | None:
        text = self._text(cells, column)
        try:
            return read_instant(text, self.rule.formats) if text else None
        except (ValueError, OverflowError) as error:
            raise CellRefused(column.name, str(error)) from error

    def _text(self, cells: _Cells, column: Column) -> str:
        return cells[self._index[column.name]].strip()

    def _name(self, cells: _Cells, column: Column, what: str) -> str:
        try:
            return accepted_id(self._text(cells, column), what)
        except Refused as error:
            raise CellRefused(column.name, str(error)) from error

    def _passes(self, cells: _Cells, tests: Sequence[Test]) -> bool:
        return all(self._text(cells, each.column) in each.texts for each in tests)

    def _check_emptiness(self, cells: _Cells) -> None:
        """A row that says nothing because its times are empty is a mistake, not a silent loss."""
        for part in self.rule.parts:
            if part.at is None or part.at.every or not self._passes(cells, part.when):
                continue
            if not self._text(cells, part.at.column):
                raise CellRefused(part.at.column.name, "the time is empty, so the row says nothing")

    def _reader(self, given: Given) -> Callable[[_Cells, Period | None], Value | None]:
        """How this value is found in a record and the period at hand."""
        convert = _conversion(given, self.rule)

        def read(cells: _Cells, period: Period | None) -> Value | None:
            if given.column is None:
                return _of_period(given, period) if given.period else given.constant
            text = self._text(cells, given.column)
            if given.values is not None:
                text = given.values.get(text, text)
            try:
                return self._accepted(given, convert(text)) if text else None
            except (ValueError, OverflowError) as error:
                raise CellRefused(given.column.name, str(error)) from error

        return read

    def _accepted(self, given: Given, value: Value) -> Value | None:
        if given.field is None:
            return value
        field = given.field
        return accepted_values(self._catalogue, field.kind, {field.name: field}, {field.name: value})[
            field.name
        ]


def _conversion(given: Given, rule: FileRule) -> Callable[[str], Value]:
    if given.part:
        return lambda text: _part(given, read_date(text, rule.formats))
    read = reader(given.type, rule.formats, given.strip)
    if given.scale is None:
        return read
    scale = given.scale

    def scaled(text: str) -> Value:
        value = read(text)
        assert isinstance(value, Decimal)
        return value * scale

    return scaled


def _of_period(given: Given, period: Period | None) -> Value:
    assert period is not None
    day = period.start if given.period == "start" else period.end
    return _part(given, day) if given.part else day


def _part(given: Given, day: date) -> Value:
    text = f"{day:%Y}" if given.part == "year" else f"{day:%Y-%m}"
    return Decimal(day.year if given.part == "year" else day.month) if given.type.is_numeric else text


def _later(day: date, every: Literal["year", "month"], times: int) -> date:
    """The same day some years or months on, or the month's last where it has no such day."""
    months = day.month - 1 + times * (12 if every == "year" else 1)
    year, month = day.year + months // 12, months % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return min(date(year, month, 1) + timedelta(days=day.day - 1), following - timedelta(days=1))


def _plain(value: Value) -> Any:
    """A value as JSON holds it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, bool) else encode(value)
