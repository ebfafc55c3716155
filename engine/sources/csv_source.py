"""Reading CSV as it comes: one record at a time, and a broken one never takes its neighbours along.

A quoted cell that does not end within a few hundred lines is taken for a slip of the line it begins on;
reading goes on at the next line.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LONGEST_LINE = 1_000_000
"""Bytes of one line."""
LONGEST_CELL = 10_000
"""Characters of one cell; no field holds more."""
MOST_LINES = 200
"""Lines one quoted cell may run over."""

ENCODINGS = ("utf-8", "latin-1", "cp1252")

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its cells, the line it begins on, and its text as it stands in the file."""

    line: int
    cells: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not taken in, and why. `column` is empty where the whole row is at fault."""

    file: str
    line: int
    column: str
    reason: str
    text: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: {self.column}" if self.column else f"{self.file}:{self.line}"
        return f"{where}: {self.reason}"


class _Broken(ValueError):
    """Why a record cannot be read; `is_open` when a quote still waits for its end."""

    def __init__(self, reason: str, cell: int = 0, is_open: bool = False) -> None:
        self.reason = reason
        self.cell = cell
        self.is_open = is_open
        super().__init__(reason)


def read_records(
    stream: BinaryIO, file: str, *, delimiter: str = ",", encoding: str = "utf-8"
) -> Iterator[Record | BadRow]:
    """The records of a CSV file, the header first, with a BadRow in place of each that cannot be read.

    Cells are stripped of surrounding blanks unless quoted. Empty lines are passed over.
    """
    lines = _Lines(stream, encoding)
    width: int | None = None
    header: tuple[str, ...] = ()
    while (first := lines.next()) is not None:
        number, raw = first
        if not raw.strip(b" \r\n"):
            continue
        taken = _record(lines, number, raw, delimiter, width)
        if isinstance(taken, _Broken):
            column = header[taken.cell - 1] if 0 < taken.cell <= len(header) else ""
            yield BadRow(file, number, column, taken.reason, lines.shown(raw))
            continue
        if width is None:
            width, header = len(taken.cells), taken.cells
        yield taken


class _Lines:
    """The physical lines of a stream, with their numbers; lines taken too far can be put back."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._encoding = encoding
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._count = 0

    def next(self) -> tuple[int, bytes] | None:
        """The next line, or None at the end. One that is too long is cut; what is left is passed over."""
        if self._waiting:
            return self._waiting.popleft()
        raw = self._stream.readline(LONGEST_LINE + 1)
        if not raw:
            return None
        self._count += 1
        rest = raw
        while rest and not rest.endswith(b"\n"):
            rest = self._stream.readline(LONGEST_LINE)
        if self._count == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        return self._count, raw

    def put_back(self, lines: list[tuple[int, bytes]]) -> None:
        """Lines to be read again."""
        self._waiting.extendleft(reversed(lines))

    def text(self, raw: bytes) -> str:
        """The line as text without its end. Raises _Broken."""
        if len(raw) > LONGEST_LINE:
            raise _Broken(f"the line is longer than {LONGEST_LINE:,} bytes")
        try:
            text = raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            raise _Broken(f"byte {error.start + 1} (0x{byte:02X}) is not {self._encoding.upper()}") from error
        return text

    def shown(self, raw: bytes) -> str:
        """The line for the rejects file, whatever is in it."""
        text = raw[:LONGEST_CELL].decode(self._encoding, errors="backslashreplace")
        return text.rstrip("\r\n").replace("\x00", "\\x00")


def _record(lines: _Lines, number: int, raw: bytes, delimiter: str, width: int | None) -> Record | _Broken:
    """The record that begins with this line. After a failure only this line has been used up."""
    more: list[tuple[int, bytes]] = []
    opened: _Broken | None = None
    try:
        text = lines.text(raw)
        while True:
            try:
                cells = _cells(text.rstrip("\r\n"), delimiter)
                break
            except _Broken as broken:
                opened = opened or broken
                goes_on = broken.is_open and len(more) < MOST_LINES and len(text) < LONGEST_LINE
                following = lines.next() if goes_on else None
                if following is None:
                    raise
                more.append(following)
                text += lines.text(following[1])
        _check(cells, width)
    except _Broken as broken:
        lines.put_back(more)
        return opened if opened and more else broken
    return Record(number, cells, text.rstrip("\r\n"))


def _cells(text: str, delimiter: str) -> tuple[str, ...]:
    if '"' not in text:
        return tuple(each.strip(" ") for each in text.split(delimiter))
    cells: list[str] = []
    place = 0
    while True:
        cell, place = _cell(text, place, delimiter, len(cells) + 1)
        cells.append(cell)
        if place > len(text):
            return tuple(cells)


def _cell(text: str, place: int, delimiter: str, number: int) -> tuple[str, int]:
    """The cell at `place`, and where the next one begins: beyond the end after the last."""
    if not text.startswith('"', place):
        end = text.find(delimiter, place)
        end = len(text) if end < 0 else end
        return text[place:end].strip(" "), end + 1
    found = _QUOTED.match(text, place)
    if found is None:
        raise _Broken(
            "the quote that opens this cell is not closed; a quote within a cell is doubled", number, True
        )
    end = found.end()
    if end < len(text) and not text.startswith(delimiter, end):
        raise _Broken("there is text after the closing quote; a quote within a cell is doubled", number)
    return found[1].replace('""', '"'), end + 1


def _check(cells: tuple[str, ...], width: int | None) -> None:
    if width is not None and len(cells) != width:
        raise _Broken(f"the row has {len(cells)} cells, the header has {width}")
    for number, cell in enumerate(cells, start=1):
        if len(cell) > LONGEST_CELL:
            raise _Broken(
                f"the cell has {len(cell):,} characters; at most {LONGEST_CELL:,} are allowed", number
            )
        if "\x00" in cell:
            raise _Broken("the cell contains a NUL character", number)
