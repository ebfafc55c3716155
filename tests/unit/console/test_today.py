"""The day at a glance, and accounts for a spreadsheet."""

import csv
from io import StringIO

import httpx
import pytest
from sqlalchemy import Engine

from engine.console import today_pages
from engine.console.csv_export import BYTE_ORDER_MARK, csv_lines
from tests.website_book import HOSTILE, account, put


def test_today_shows_what_presses(reader: httpx.Client) -> None:
    """Tasks, accounts that are not well, renewals, and the portfolio in numbers."""
    page = reader.get("/today?whose=dana").text
    assert "Wednesday, 28 January" in page
    for words in (
        "Call Priya about the health drop",
        "Yesterday",
        "Send the recovery plan",
        "T-90",
        "124,000",
    ):
        assert words in page
    assert "Health review and forecast" not in page, "it is due after this week"


@pytest.mark.parametrize("whose", ["", "nobody", HOSTILE, "team"])
def test_today_of_nobody_known_is_that_of_somebody(reader: httpx.Client, whose: str) -> None:
    """What is not offered is not shown."""
    answer = reader.get("/today", params={"whose": whose})
    assert answer.status_code == 200
    assert '<option value="dana" selected>' in answer.text


def test_accounts_come_as_a_table(
    browser: httpx.Client, sqlite_database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, with every field; what a spreadsheet would carry out is only text."""
    monkeypatch.setattr(today_pages, "_AT_ONCE", 2)
    put(sqlite_database, *account("formula", "=HYPERLINK(1)", plan='a "quote", and\nmore'))
    answer = browser.get("/accounts.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = {row["id"]: row for row in csv.DictReader(StringIO(answer.text.removeprefix(BYTE_ORDER_MARK)))}
    assert set(rows) == {"acme", "globex", "hostile", "a/b c?d", "formula"}
    assert (rows["acme"]["arr"], rows["acme"]["strategic"], rows["hostile"]["name"]) == (
        "124000",
        "",
        HOSTILE,
    )
    assert (rows["formula"]["name"], rows["formula"]["plan"]) == ("'=HYPERLINK(1)", 'a "quote", and\nmore')


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("-12.5", "-12.5"),
        ("-1+2", "'-1+2"),
        ("+1", "'+1"),
        ("@sum", "'@sum"),
        ("\t=1", "'\t=1"),
        ("a=1", "a=1"),
        (None, ""),
    ],
)
def test_csv_lines_leave_numbers_and_disarm_formulas(value: str | None, cell: str) -> None:
    """Nothing is carried out where the table is opened."""
    text = "".join(csv_lines(["x", "y"], [[value, "end"]]))
    assert list(csv.reader(StringIO(text.removeprefix(BYTE_ORDER_MARK))))[1] == [cell, "end"]
