"""The rejects file: every row that was not taken in, with its place and the reason, as CSV."""

import csv
from pathlib import Path
from types import TracebackType
from typing import TextIO

from engine.sources.csv_source import BadRow

KEPT = 1_000
"""Rows kept for the report; the file has all."""


class Rejects:
    """Collects bad rows. The file is created with the first of them; without any, an old one goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.kept: list[BadRow] = []
        self._file: TextIO | None = None

    def __enter__(self) -> "Rejects":
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: BadRow) -> None:
        """Write one bad row down."""
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append(row)
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            csv.writer(self._file).writerow(["file", "line", "column", "reason", "row"])
        csv.writer(self._file).writerow(
            [row.file, row.line, row.column, row.reason, row.text.replace("\x00", "\\x00")]
        )
