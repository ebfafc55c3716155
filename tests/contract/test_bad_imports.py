"""Broken mappings and rows: each with the exact message a person sees."""

# ruff: noqa: E501 - a table reads best with one case a line

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from engine.conditions.catalogue import BUILT_IN
from engine.sources.importing import ImportReport, run_import
from engine.sources.parse_mapping import MappingError, parse_mapping
from engine.state.database import reading

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)

HEAD = "source: crm\nfiles:\n  - file: accounts.csv\n    rows: account\n    id: id\n"
"""Five lines; a test goes on with the sixth."""

CHILD = """\
source: crm
files:
  - {file: accounts.csv, rows: account, id: id, says: [{set: {name: name}}]}
  - file: tickets.csv
    rows: ticket
    id: id
    account: account
    says: [{set: {csat: csat}}]
"""

MAPPINGS: dict[str, tuple[str, list[str]]] = {
    "empty": ("", ['1:1: the file is empty; begin with "source: NAME"']),
    "no mapping": (
        "- a\n",
        [
            "1:1: takes a mapping with the keys of a mapping: source, backfill, dates, instants, true, false, "
            "decimal, timezone, files, derived"
        ],
    ),
    "nothing needed given": (
        "backfill: true\n",
        ['1:1: a mapping needs "files"', '1:1: a mapping needs "source"'],
    ),
    "unknown key": (
        "source: crm\nfile: x\nfiles:\n  - {file: a.csv, rows: account, id: id, says: [{set: {name: n}}]}\n",
        ['2:1: unknown key "file" in a mapping (did you mean "files"?)'],
    ),
    "repeated key": (
        "source: crm\nsource: erp\nfiles:\n  - {file: a.csv, rows: account, id: i, says: [{set: {name: n}}]}\n",
        ['2:1: "source" is already given on line 1; keep one of the two'],
    ),
    "no list of files": (
        "source: crm\nfiles: accounts.csv\n",
        ['2:8: files: takes a list; begin each member with "- "'],
    ),
    "unknown rows": (
        "source: crm\nfiles:\n  - {file: a.csv, rows: acount, id: id, says: [{set: {name: n}}]}\n",
        [
            '3:25: rows: "acount" is not one of event, account, contact, subscription, ticket or metric '
            '(did you mean "account"?)'
        ],
    ),
    "nothing said": (
        HEAD,
        ['3:5: a file needs "says" or "events"; without them its rows mean nothing'],
    ),
    "no account": (
        "source: crm\nfiles:\n  - {file: t.csv, rows: ticket, id: id, says: [{set: {csat: c}}]}\n",
        ['3:5: a file of ticket rows needs "account"'],
    ),
    "account of an account": (
        HEAD + "    account: id\n    says: [{set: {name: name}}]\n",
        ["6:5: account: the rows are accounts; their id is enough"],
    ),
    "file outside the folder": (
        "source: crm\nfiles:\n  - {file: ../a.csv, rows: account, id: id, says: [{set: {name: n}}]}\n",
        ['3:12: file: "../a.csv" must lie in the folder that is imported'],
    ),
    "unknown field": (
        HEAD + "    says: [{set: {helth: score}}]\n",
        ['6:19: unknown field "account.helth" (did you mean "account.health"?)'],
    ),
    "list for a value": (
        HEAD + "    says: [{set: {name: [a, b]}}]\n",
        ["6:25: name: takes a column, or a mapping such as {constant: VALUE}"],
    ),
    "two origins": (
        HEAD + "    says: [{set: {name: {column: a, constant: b}}}]\n",
        ['6:37: a value takes only one of "column" or "constant"'],
    ),
    "no origin": (
        HEAD + "    says: [{set: {arr: {scale: 12}}}]\n",
        ["6:24: a value needs one of column, constant, missing, period"],
    ),
    "constant of another type": (
        HEAD + "    says: [{set: {stage: {constant: asleep}}}]\n",
        ['6:37: constant: "asleep" is not one of trial, onboarding, active or churned'],
    ),
    "constant zone": (
        HEAD + "    says: [{set: {timezone: {constant: Mars}}}]\n",
        [
            "6:40: constant: account.timezone: 'Mars' is not a time zone; use an IANA name such as Europe/Berlin"
        ],
    ),
    "scale of a text": (
        HEAD + "    says: [{set: {name: {column: a, scale: 2}}}]\n",
        ["6:37: scale: goes with a number, not with text"],
    ),
    "values of a constant": (
        HEAD + "    says: [{set: {name: {constant: a, values: {a: b}}}}]\n",
        ['6:39: values: goes with a column, not with "constant"'],
    ),
    "period without recurrence": (
        HEAD + "    says: [{at: since, set: {renews_on: {period: end}}}]\n",
        ['6:42: period: goes with an "at" that recurs every year or month'],
    ),
    "until without recurrence": (
        HEAD + "    says: [{at: {column: since, until: end}, set: {name: a}}]\n",
        ['6:33: until: goes with "every"'],
    ),
    "known without backfill": (
        HEAD + "    says: [{at: {column: since, known: end_of_day}, set: {name: a}}]\n",
        ["6:33: known: goes with a backfill; otherwise rows are known when imported"],
    ),
    "backfill without times": (
        "backfill: true\n" + HEAD + "    says: [{set: {name: a}}]\n",
        ['7:12: says needs "at": in a backfill everything has its time'],
    ),
    "date format without a year": (
        "dates: DD-MM\n" + HEAD + "    says: [{set: {name: a}}]\n",
        ['1:8: dates: "DD-MM" needs a year (YYYY or YY), a month (MM) and a day (DD), as in DD-MM-YYYY'],
    ),
    "date format in other letters": (
        "dates: DD-MMM-YYYY\n" + HEAD + "    says: [{set: {name: a}}]\n",
        [
            '1:8: dates: "DD-MMM-YYYY" may hold only YYYY, YY, MM, DD, HH, mm, ss and signs between them, '
            "as in DD-MM-YYYY"
        ],
    ),
    "one word for both": (
        "true: [Y, X]\nfalse: [N, x]\n" + HEAD + "    says: [{set: {name: a}}]\n",
        ['1:1: "x" stands for both true and false'],
    ),
    "unknown zone": (
        "timezone: Berlin\n" + HEAD + "    says: [{set: {name: a}}]\n",
        ["1:11: timezone: 'Berlin' is not a time zone; use an IANA name such as Europe/Berlin"],
    ),
    "unknown delimiter": (
        HEAD + '    delimiter: "#"\n    says: [{set: {name: a}}]\n',
        ['6:16: delimiter: "#" is not one of ,, ;, tab or |'],
    ),
    "event without a name": (
        HEAD + "    events: [{at: since}]\n",
        ['6:14: an event needs "name"'],
    ),
    "derived field of a part": (
        CHILD + "derived: {ticket.csat: {count: ticket}}\n",
        ['9:11: "ticket.csat" cannot be derived; only account fields can'],
    ),
    "derived from text": (
        CHILD + "derived: {account.csat: {average: ticket.subject}}\n",
        ["9:35: average needs numbers, but ticket.subject is text"],
    ),
    "derived into text": (
        CHILD + "derived: {account.plan: {count: ticket}}\n",
        ["9:33: count gives a number, but account.plan is text"],
    ),
    "bands out of order": (
        CHILD
        + "derived: {account.segment: {bands: account.arr, steps: {15000: low_touch, 0: tech_touch}}}\n",
        ["9:75: steps: 0 is not above the step before it; list bands from the lowest"],
    ),
    "derived from an unknown event": (
        CHILD + "derived: {account.last_active_at: {latest: login}}\n",
        ['9:44: unknown field "login"'],
    ),
    "where of another kind": (
        CHILD + "derived: {account.csat: {average: ticket.csat, where: {account.stage: active}}}\n",
        ['9:56: where: "account.stage" is not a field of the ticket'],
    ),
    "every mistake at once": (
        HEAD + "    says: [{set: {helth: a, stage: {constant: x}}}]\n    repeated: twice\n",
        [
            '6:19: unknown field "account.helth" (did you mean "account.health"?)',
            '6:47: constant: "x" is not one of trial, onboarding, active or churned',
            '7:15: repeated: "twice" is not one of reject, same, first, last, history or suffix',
        ],
    ),
}


@pytest.mark.parametrize(("content", "messages"), MAPPINGS.values(), ids=list(MAPPINGS))
def test_bad_mapping_is_refused_with_every_mistake(content: str, messages: list[str]) -> None:
    """Each mistake with its line and column, all of them at once."""
    with pytest.raises(MappingError) as refused:
        parse_mapping("m.yaml", content, BUILT_IN)
    assert str(refused.value).splitlines() == [f"m.yaml:{each}" for each in messages]


MAPPING = """\
source: crm
dates: DD.MM.YYYY
instants: DD.MM.YYYY HH:mm
true: [Yes]
false: [No]
decimal: ","
files:
  - file: accounts.csv
    rows: account
    id: id
    says:
      - at: since
        set:
          name: name
          arr: {column: revenue, strip: €}
          strategic: key
          stage: stage
          renews_on: renewal
  - file: tickets.csv
    rows: ticket
    id: id
    account: account
    says:
      - set: {priority: priority}
"""
HEADER = "id,name,since,revenue,key,stage,renewal"
GOOD = "A1,Acme,01.02.2025,€ 1.200\xa0000,Yes,active,"
TICKETS = "id,account,priority"

ROWS: dict[str, tuple[str | bytes, str]] = {
    "too few cells": ("A2,Bolt", "2: the row has 2 cells, the header has 7"),
    "too many cells": ("A2,Bolt,01.02.2025,1,Yes,active,,x", "2: the row has 8 cells, the header has 7"),
    "no id": (",Bolt,01.02.2025,1,Yes,active,", "2: id: the id is missing"),
    "id too long": ("A" * 201 + ",B,01.02.2025,1,Yes,active,", "2: id: the id has 201 characters; at most 200 are allowed"),
    "control character in an id": ("A\t2,B,01.02.2025,1,Yes,active,", "2: id: the id 'A\\t2' contains a control character"),
    "no time": ("A2,Bolt,,1,Yes,active,", "2: since: the time is empty, so the row says nothing"),
    "no such day": ("A2,Bolt,30.02.2025,1,Yes,active,", "2: since: '30.02.2025' is no day of the calendar (DD.MM.YYYY is expected)"),
    "another date format": ("A2,Bolt,2025-02-01,1,Yes,active,", "2: since: '2025-02-01' is not a time; DD.MM.YYYY HH:mm or DD.MM.YYYY is expected"),
    "date far off": ("A2,Bolt,01.02.0025,1,Yes,active,", "2: since: '01.02.0025' lies outside the years 1900 to 2999"),
    "bad number": ("A2,Bolt,01.02.2025,lots,Yes,active,", "2: revenue: 'lots' is not a number with a decimal comma"),
    "a decimal point": ("A2,Bolt,01.02.2025,1.20,Yes,active,", "2: revenue: '1.20' is not a number with a decimal comma"),
    "number too large": ("A2,Bolt,01.02.2025,1000000000000,Yes,active,", "2: revenue: '1000000000000' is too large; numbers stay below 1,000,000,000,000"),
    "no finite number": ("A2,Bolt,01.02.2025,NaN,Yes,active,", "2: revenue: 'NaN' is not a number with a decimal comma"),
    "bad flag": ("A2,Bolt,01.02.2025,1,Maybe,active,", "2: key: 'Maybe' is neither true nor false; yes or no is expected"),
    "bad choice": ("A2,Bolt,01.02.2025,1,Yes,asleep,", "2: stage: account.stage: 'asleep' is not one of trial, onboarding, active, churned"),
    "bad date": ("A2,Bolt,01.02.2025,1,Yes,active,soon", "2: renewal: 'soon' is not a date; DD.MM.YYYY is expected"),
    "open quote": ('A2,"Bolt,01.02.2025,1,Yes,active,', "2: name: the quote that opens this cell is not closed; a quote within a cell is doubled"),
    "text after a quote": ('A2,"Bolt" Ltd,01.02.2025,1,Yes,active,', "2: name: there is text after the closing quote; a quote within a cell is doubled"),
    "NUL": ("A2,Bo\x00lt,01.02.2025,1,Yes,active,", "2: name: the cell contains a NUL character"),
    "cell too large": ("A2," + "x" * 10_001 + ",01.02.2025,1,Yes,active,", "2: name: the cell has 10,001 characters; at most 10,000 are allowed"),
    "line too long": ("A2," + "x" * 1_000_001 + ",01.02.2025,1,Yes,active,", "2: the line is longer than 1,000,000 bytes"),
    "not UTF-8": (b"A2,Caf\xe9,01.02.2025,1,Yes,active,", "2: byte 7 (0xE9) is not UTF-8"),
}  # fmt: skip


def import_files(database: Engine, folder: Path, accounts: bytes, tickets: str = TICKETS) -> ImportReport:
    """Import two files with the mapping above."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    (source / "accounts.csv").write_bytes(accounts)
    (source / "tickets.csv").write_text(tickets, encoding="utf-8")
    mapping = folder / "m.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    rejects = folder / "rejects.csv"
    return run_import(database, BUILT_IN, mapping, source, now=NOW, rejects=rejects)


def account_names(database: Engine) -> list[str]:
    """The ids stored."""
    with reading(database) as connection:
        return list(connection.scalars(text("SELECT id FROM account ORDER BY id")))


@pytest.mark.parametrize(("row", "message"), ROWS.values(), ids=list(ROWS))
def test_bad_row_is_rejected_and_its_neighbours_are_taken(
    sqlite_database: Engine, tmp_path: Path, row: str | bytes, message: str
) -> None:
    """With file, line, column and reason; the rows after it come in whole."""
    raw = row if isinstance(row, bytes) else row.encode()
    last = b'A3,"Umbrella, ""Ltd""",01.02.2025,3,No,trial,01.02.2027'
    content = b"\xef\xbb\xbf" + b"\r\n".join([HEADER.encode(), raw, GOOD.encode(), last]) + b"\r\n"
    report = import_files(sqlite_database, tmp_path, content)
    assert [str(each) for each in report.bad_rows] == [f"accounts.csv:{message}"]
    assert account_names(sqlite_database) == ["A1", "A3"]
    assert (tmp_path / "rejects.csv").read_text(encoding="utf-8").startswith("file,line,column,reason,row\n")
    with reading(sqlite_database) as connection:
        stored = connection.execute(text("SELECT name, arr FROM account ORDER BY id")).all()
    assert [tuple(each) for each in stored] == [("Acme", 1_200_000 * 10**6), ('Umbrella, "Ltd"', 3 * 10**6)]


CHILD_ROWS: dict[str, tuple[str, str]] = {
    "unknown account": ("T2,A9,low", '2: account: there is no account "A9"'),
    "no account": ("T2,,low", "2: account: the account id is missing"),
    "repeated id": ("T1,A1,low\nT1,A1,high", '3: id: "T1" is already on line 2'),
    "bad choice": ("T2,A1,P1", "2: priority: ticket.priority: 'P1' is not one of low, medium, high, urgent"),
}


@pytest.mark.parametrize(("rows", "message"), CHILD_ROWS.values(), ids=list(CHILD_ROWS))
def test_bad_row_of_a_part_is_rejected(
    sqlite_database: Engine, tmp_path: Path, rows: str, message: str
) -> None:
    """A row about an account that is not there leaves no trace of one."""
    accounts = f"{HEADER}\n{GOOD}\n".encode()
    report = import_files(sqlite_database, tmp_path, accounts, f"{TICKETS}\n{rows}\nT7,A1,urgent\n")
    assert [str(each) for each in report.bad_rows] == [f"tickets.csv:{message}"]
    assert account_names(sqlite_database) == ["A1"]
    with reading(sqlite_database) as connection:
        assert connection.scalar(text("SELECT priority FROM ticket WHERE id = 'T7'")) == "urgent"


FILES: dict[str, tuple[bytes | None, str]] = {
    "no file": (None, '8:5: there is no file "accounts.csv" in {folder} (did you mean "tickets.csv"?)'),
    "empty file": (b"", "8:5: accounts.csv is empty; it needs a line with the names of the columns"),
    "another encoding": (HEADER.encode("utf-16"), "8:5: accounts.csv is UTF-16 text; save it as UTF-8"),
    "no readable header": (b"\xff\x00\n", "8:5: accounts.csv has no readable header: byte 1 (0xFF) is not UTF-8"),
    "missing column": (HEADER.replace("revenue", "revenues").encode(), '15:25: accounts.csv has no column "revenue" (did you mean "revenues"?)'),
    "column twice": ((HEADER + ",name").encode(), '14:17: accounts.csv has 2 columns "name"'),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=list(FILES))
def test_files_that_do_not_fit_the_mapping_are_refused_before_anything_is_stored(
    sqlite_database: Engine, tmp_path: Path, content: bytes | None, message: str
) -> None:
    """A missing column is a mistake of the mapping or the export, not of every row."""
    source = tmp_path / "source"
    source.mkdir()
    if content is not None:
        (source / "accounts.csv").write_bytes(content)
    (source / "tickets.csv").write_text(TICKETS + "\n")
    mapping = tmp_path / "m.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    with pytest.raises(MappingError) as refused:
        run_import(sqlite_database, BUILT_IN, mapping, source, now=NOW, rejects=tmp_path / "rejects.csv")
    assert str(refused.value) == f"{mapping}:{message.format(folder=source)}"
    assert account_names(sqlite_database) == []
