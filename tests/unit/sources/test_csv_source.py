"""CSV as people export it: quotes, byte order marks, and broken lines that take nothing along."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.sources.csv_source import MOST_LINES, BadRow, Record, read_records


def read(content: bytes, **options: str) -> list[Record | BadRow]:
    """Everything read from these bytes."""
    return list(read_records(io.BytesIO(content), "a.csv", **options))


def cells(content: bytes, **options: str) -> list[tuple[str, ...]]:
    """The cells of the records; a BadRow is a mistake of the test."""
    found = read(content, **options)
    assert all(isinstance(each, Record) for each in found), found
    return [each.cells for each in found if isinstance(each, Record)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n", [("a", "b"), ("1", "2")]),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", [("a", "b"), ("1", "2")]),
        (b"a,b\n\n1,2", [("a", "b"), ("1", "2")]),
        (b'a,b\n"1,5",2', [("a", "b"), ("1,5", "2")]),
        (b'a,b\n"say ""hi""",', [("a", "b"), ('say "hi"', "")]),
        (b'a,b\n"two\nlines",2', [("a", "b"), ("two\nlines", "2")]),
        (b'a,b\n5" pipe,2', [("a", "b"), ('5" pipe', "2")]),
        (b"a,b\n 1 , 2 \n", [("a", "b"), ("1", "2")]),
        (b'a,b\n" 1 ",2', [("a", "b"), (" 1 ", "2")]),
        (b"", []),
        (b"\n\r\n", []),
    ],
)
def test_read_records_reads_cells(content: bytes, expected: list[tuple[str, ...]]) -> None:
    """The usual forms, and the unusual ones that are still clear."""
    assert cells(content) == expected


def test_read_records_takes_other_delimiters_and_encodings() -> None:
    """As spreadsheets elsewhere write them."""
    assert cells("a;b\nä;1,5".encode("cp1252"), delimiter=";", encoding="cp1252")[1] == ("ä", "1,5")


def test_read_records_knows_lines() -> None:
    """A record is named after the line it begins on."""
    found = read(b'a,b\n"x\ny",1\n\n2,3\n')
    assert [each.line for each in found] == [1, 2, 5]


def test_an_open_quote_costs_its_own_line_only() -> None:
    """The lines after it are read as if nothing had happened, also where a later quote seems to close it."""
    found = read(b'a,b\n1,"open\n2,x\n3,"fine"\n4,y\n')
    assert [each.line for each in found] == [1, 2, 3, 4, 5]
    assert [each.line for each in found if isinstance(each, BadRow)] == [2]


def test_a_quote_open_to_the_end_is_given_up_after_some_lines() -> None:
    """However long the file is."""
    lines = [b"a,b", b'1,"open', *(b"%d,x" % each for each in range(3 * MOST_LINES))]
    found = read(b"\n".join(lines))
    assert len(found) == len(lines)
    assert sum(isinstance(each, BadRow) for each in found) == 1


def test_a_line_too_long_is_passed_over() -> None:
    """The next line begins where it begins."""
    found = read(b"a\n" + b"x" * 3_000_000 + b"\n2\n")
    assert isinstance(found[1], BadRow)
    assert isinstance(found[2], Record)
    assert (found[2].line, found[2].cells) == (3, ("2",))


texts = st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=6))
def test_read_records_reads_what_a_csv_writer_writes(table: list[tuple[str, str, str]]) -> None:
    """Every quoted cell comes back as it was."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(table)
    assert cells(out.getvalue().encode()) == table


@given(st.binary(max_size=200))
def test_read_records_survives_any_bytes(content: bytes) -> None:
    """Nothing raises, and every line is accounted for at most once."""
    lines = [each.line for each in read(b"a,b\n" + content)]
    assert lines == sorted(set(lines))
