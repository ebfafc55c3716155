"""An import from end to end: check the mapping against the files, read, derive, take in, report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine

from engine.conditions.catalogue import Catalogue, Kind, Value
from engine.sources import mapping as mappings
from engine.sources.csv_source import BadRow, Record, read_records
from engine.sources.derive import derive
from engine.sources.headers import Header, read_headers
from engine.sources.mapping import FileRule, Repeated
from engine.sources.owners import Owners, UnknownOwner
from engine.sources.parse_mapping import load_mapping
from engine.sources.rejects import Rejects
from engine.sources.repeats import RepeatedRow, Repeats
from engine.sources.rows import CellRefused, RowReader, Said
from engine.state.entries import Count, Entry, EventEntry, IngestReport
from engine.state.history import chunked
from engine.state.ingest import ingest
from engine.state.sources import note_sync

ROWS = 10_000
"""Rows read before they are stored, where nothing is derived."""
ACCOUNTS = 250
"""Accounts derived and stored at a time."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did."""

    source: str
    rows: int
    """Rows read, good and bad."""
    kinds: Mapping[Kind, Count]
    """Subjects by kind; an import of many rows counts a subject once for each part of it."""
    changes: int
    """Rows of history written."""
    events: int
    repeated: int
    """Events that were known already."""
    rejected: int
    bad_rows: tuple[BadRow, ...]
    """The first thousand of the rejected."""
    rejects: Path | None
    """Where all rejected rows are; None when there are none."""
    accounts: frozenset[str]
    """Accounts for which something is new."""


def run_import(
    database: Engine,
    catalogue: Catalogue,
    mapping_path: Path,
    folder: Path,
    *,
    now: datetime,
    rejects: Path,
) -> ImportReport:
    """Import a folder of CSV files as a mapping says.

    Raises MappingError, before anything is stored, for a mapping that cannot be used or does not fit the
    files, and OSError where they cannot be read. Bad rows are written to `rejects` and stop nothing. An
    import cut short is completed by running it again.
    """
    mapping = load_mapping(mapping_path, catalogue)
    headers = read_headers(mapping, folder)
    with Rejects(rejects) as bad:
        work = _Import(database, catalogue, mapping, folder, headers, now, bad)
        work.read()
        work.finish()
    return work.report()


@dataclass(frozen=True, slots=True)
class _Row:
    """A row being taken in, for what recurs and for messages."""

    reader: RowReader
    record: Record
    id: str
    account_id: str

    @property
    def file(self) -> str:
        return self.reader.rule.file


@dataclass(slots=True)
class _Part:
    """What is waiting to be stored; `origins` has the row of each entry and event."""

    entries: list[Entry] = field(default_factory=list)
    entry_rows: list[_Row | None] = field(default_factory=list)
    events: list[EventEntry] = field(default_factory=list)
    event_rows: list[_Row | None] = field(default_factory=list)

    def add(self, said: Said, row: _Row | None) -> None:
        """Add what a row says; None for what is derived."""
        self.entries.extend(said.entries)
        self.entry_rows.extend([row] * len(said.entries))
        self.events.extend(said.events)
        self.event_rows.extend([row] * len(said.events))


class _Import:
    """The state of one import."""

    def __init__(
        self,
        database: Engine,
        catalogue: Catalogue,
        mapping: mappings.Mapping,
        folder: Path,
        headers: Mapping[str, Header],
        now: datetime,
        rejects: Rejects,
    ) -> None:
        self.database = database
        self.catalogue = catalogue
        self.mapping = mapping
        self.folder = folder
        self.headers = headers
        self.now = now
        self.rejects = rejects
        self.owners = Owners(database)
        self.rows = 0
        self.newest: datetime | None = None
        self.oldest: datetime | None = None
        self.reports: list[IngestReport] = []
        self.recurring: list[_Row] = []
        self.parts: dict[str, _Part] = {}
        """By account where something is derived; else all under one name."""

    def read(self) -> None:
        """Read every file, those of accounts first."""
        for rule in sorted(self.mapping.files, key=lambda each: each.rows is not Kind.ACCOUNT):
            self._read_file(rule)

    def finish(self) -> None:
        """Add what recurs, derive, and store what is left."""
        horizon = self.now
        if self.mapping.is_backfill and self.newest is not None:
            horizon = min(self.now, self.newest)
        for row in self.recurring:
            self._keep(row, row.reader.read(row.record.cells, row.id, row.account_id, horizon))
        for accounts in chunked(sorted(self.parts), ACCOUNTS):
            part = _Part()
            for account_id in accounts:
                self._merge(part, account_id, self.parts.pop(account_id), horizon)
            self._store(part)
        self._note_source()

    def _merge(self, part: _Part, account_id: str, found: _Part, horizon: datetime) -> None:
        part.entries += found.entries
        part.entry_rows += found.entry_rows
        part.events += found.events
        part.event_rows += found.event_rows
        if self.mapping.derived:
            derived = derive(account_id, self.mapping.derived, found.entries, found.events, horizon)
            part.add(Said(tuple(derived), ()), None)

    def _read_file(self, rule: FileRule) -> None:
        reader = RowReader(
            rule,
            self.headers[rule.file],
            self.catalogue,
            is_backfill=self.mapping.is_backfill,
            now=self.now,
        )
        repeats = Repeats(rule.repeated)
        if rule.repeated is Repeated.LAST:
            repeats.foresee(self._ids(reader))
        for record in self._records(rule):
            self.rows += 1
            if isinstance(record, BadRow):
                self.rejects.add(record)
            else:
                self._read_row(reader, repeats, record)

    def _records(self, rule: FileRule) -> Iterator[Record | BadRow]:
        with (self.folder / rule.file).open("rb") as stream:
            records = read_records(stream, rule.file, delimiter=rule.delimiter, encoding=rule.encoding)
            next(records, None)
            yield from records

    def _ids(self, reader: RowReader) -> Iterator[tuple[str, int]]:
        for record in self._records(reader.rule):
            if isinstance(record, Record):
                try:
                    yield reader.id(record.cells), record.line
                except CellRefused:
                    continue

    def _read_row(self, reader: RowReader, repeats: Repeats, record: Record) -> None:
        rule = reader.rule
        try:
            row_id = reader.id(record.cells)
            name = repeats.name(row_id, record)
            if name is None:
                return
            account_id = self._account(reader, record, name)
            row = _Row(reader, record, name, account_id)
            said = reader.read(record.cells, name, account_id)
        except CellRefused as error:
            self._reject(rule, record, error.column, error.reason)
        except RepeatedRow as error:
            self._reject(rule, record, rule.id.name, str(error))
        except UnknownOwner as error:
            self._reject(rule, record, (rule.account or rule.id).name, str(error))
        else:
            repeats.took(row_id, record)
            self._take(row, said)

    def _account(self, reader: RowReader, record: Record, name: str) -> str:
        """The account of a row. Raises UnknownOwner."""
        kind = reader.rule.rows
        if kind is Kind.ACCOUNT:
            return name
        account_id = self.owners.account(reader.account(record.cells), reader.rule.through)
        if kind != "event":
            self.owners.check_part(kind, name, account_id)
        return account_id

    def _take(self, row: _Row, said: Said) -> None:
        kind = row.reader.rule.rows
        if kind is Kind.ACCOUNT:
            self.owners.add_account(row.id)
        elif kind != "event":
            self.owners.add_part(kind, row.id, row.account_id)
        if row.reader.has_recurring:
            self.recurring.append(row)
        self._keep(row, said)
        times = [each.effective_at for each in said.entries] + [each.occurred_at for each in said.events]
        past = [each for each in times if each <= self.now]
        self.newest = max([*past, *([self.newest] if self.newest else [])], default=None)
        self.oldest = min([*past, *([self.oldest] if self.oldest else [])], default=None)

    def _keep(self, row: _Row, said: Said) -> None:
        """Hold what was read until it is stored: by account, or ten thousand rows at a time."""
        if self.mapping.derived:
            self.parts.setdefault(row.account_id, _Part()).add(said, row)
            return
        part = self.parts.setdefault("", _Part())
        part.add(said, row)
        if len(part.entries) + len(part.events) >= ROWS:
            self._store(self.parts.pop(""))

    def _store(self, part: _Part) -> None:
        report = ingest(self.database, self.catalogue, part.entries, part.events, source=self.mapping.source)
        self.reports.append(report)
        told: set[tuple[str, int]] = set()
        for each in report.rejected:
            row = (part.entry_rows if each.of == "entry" else part.event_rows)[each.index]
            if row and (row.file, row.record.line) not in told:
                told.add((row.file, row.record.line))
                self._reject(row.reader.rule, row.record, row.reader.rule.id.name, each.reason)

    def _reject(self, rule: FileRule, record: Record, column: str, reason: str) -> None:
        self.rejects.add(BadRow(rule.file, record.line, column, reason, record.text))

    def _note_source(self) -> None:
        """Say how fresh the source is."""
        said: dict[str, Value | None] = {
            "watermark": self.newest,
            "rows": Decimal(self.rows),
            "rejected": Decimal(self.rejects.count),
        }
        since = self.oldest if self.mapping.is_backfill else None
        note_sync(self.database, self.catalogue, self.mapping.source, said, self.now, known_since=since)

    def report(self) -> ImportReport:
        """What was done."""
        kinds: dict[Kind, Count] = {}
        for each in self.reports:
            for kind, count in each.kinds.items():
                kinds[kind] = kinds.get(kind, Count()).plus(count)
        return ImportReport(
            source=self.mapping.source,
            rows=self.rows,
            kinds=kinds,
            changes=_total(self.reports, "changes"),
            events=_total(self.reports, "events"),
            repeated=_total(self.reports, "repeated"),
            rejected=self.rejects.count,
            bad_rows=tuple(self.rejects.kept),
            rejects=self.rejects.path if self.rejects.count else None,
            accounts=frozenset(account for each in self.reports for account in each.accounts),
        )


def _total(reports: Sequence[IngestReport], name: str) -> int:
    return sum(getattr(each, name) for each in reports)
