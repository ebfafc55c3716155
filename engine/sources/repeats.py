"""Ids that occur more than once in a file, and what the mapping declares them to mean."""

from collections import Counter
from collections.abc import Iterable

from engine.sources.csv_source import Record
from engine.sources.mapping import Repeated


class RepeatedRow(ValueError):
    """A row whose id was seen before, in a file where that is a mistake."""


class Repeats:
    """Keeps account of the ids of one file."""

    def __init__(self, repeated: Repeated) -> None:
        self.repeated = repeated
        self._lines: dict[str, int] = {}
        self._said: dict[str, int] = {}
        self._counts: Counter[str] = Counter()

    def foresee(self, rows: Iterable[tuple[str, int]]) -> None:
        """Note the last line of each id beforehand, where the last row counts."""
        self._lines.update(rows)

    def name(self, row_id: str, record: Record) -> str | None:
        """The id under which the row is taken in, or None when another row stands for it.

        Raises RepeatedRow where a second row is a mistake.
        """
        match self.repeated:
            case Repeated.HISTORY:
                return row_id
            case Repeated.LAST:
                return row_id if self._lines[row_id] == record.line else None
            case Repeated.SUFFIX:
                self._counts[row_id] += 1
                return row_id if self._counts[row_id] == 1 else f"{row_id}#{self._counts[row_id]}"
        if row_id not in self._lines:
            return row_id
        if self.repeated is Repeated.FIRST or self._is_same(row_id, record):
            return None
        raise RepeatedRow(f'"{row_id}" is already on line {self._lines[row_id]}')

    def took(self, row_id: str, record: Record) -> None:
        """Note a row that was taken in."""
        if self.repeated in (Repeated.REJECT, Repeated.FIRST, Repeated.SAME):
            self._lines[row_id] = record.line
        if self.repeated is Repeated.SAME:
            self._said[row_id] = hash(record.cells)

    def _is_same(self, row_id: str, record: Record) -> bool:
        return self.repeated is Repeated.SAME and self._said[row_id] == hash(record.cells)
