"""Tables for spreadsheets, written row by row."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
BYTE_ORDER_MARK = "\ufeff"
"""By which spreadsheets see that the text is UTF-8."""


def csv_lines(names: Sequence[str], rows: Iterable[Sequence[str | None]]) -> Iterator[str]:
    """The table as text, one line a row after that of the names. A missing value is an empty cell.

    Text that a spreadsheet would carry out as a formula gets an apostrophe before it; a number does not.
    """
    written = StringIO()
    writer = csv.writer(written)
    yield BYTE_ORDER_MARK
    for row in chain([names], rows):
        writer.writerow([_cell(each) for each in row])
        yield written.getvalue()
        written.seek(0)
        written.truncate()


def _cell(value: str | None) -> str:
    if value is None:
        return ""
    return f"'{value}" if value.startswith(_FORMULA) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdecimal() and text.isascii()
