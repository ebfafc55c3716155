"""A playbook's page: its steps in time, its starts by week, its file and its runs by page."""

from datetime import date, timedelta

import httpx
import pytest
from sqlalchemy import Engine

from engine.console import playbook_pages
from engine.people.playbooks import WEEKS, starts_by_week
from engine.state.database import reading
from engine.state.tables import PlaybookVersion, Run
from tests.website_book import NOW, put


def test_the_page_shows_the_file_in_force(browser: httpx.Client, sqlite_database: Engine) -> None:
    """As it was when it went live, and never as markup."""
    files = {"rules/at-risk.yaml": "playbook: at-risk\ntitle: <b>A & B</b>\n"}
    put(sqlite_database, PlaybookVersion(version="v1", playbook="at-risk", files=files, first_seen_at=NOW))
    page = browser.get("/playbooks/at-risk").text
    assert "title: &lt;b&gt;A &amp; B&lt;/b&gt;" in page


def test_the_page_draws_the_steps(reader: httpx.Client) -> None:
    """Each with its dot and its words."""
    page = reader.get("/playbooks/at-risk").text
    assert "Days from the start" in page
    assert "<title>outreach: day 1</title>" in page


def test_runs_are_shown_by_state_and_by_page(reader: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The link to older ones keeps what was chosen."""
    assert "recovered</span>" not in reader.get("/playbooks/at-risk?state=open").text.split('id="runs"')[1]
    monkeypatch.setattr(playbook_pages, "PAGE_OF_RUNS", 1)
    first = reader.get("/playbooks/at-risk").text.split('id="runs"')[1]
    assert "recovered</span>" not in first
    link = first.split('<p class="more"><a href="')[1].split('"')[0].replace("&amp;", "&")
    assert "recovered</span>" in reader.get(link).text
    assert reader.get("/playbooks/at-risk?after=nonsense").status_code == 422


def test_starts_are_counted_by_week(database: Engine) -> None:
    """From Monday to Sunday in UTC; what is older than the first week is not told."""
    monday = NOW.replace(hour=0) - timedelta(days=NOW.weekday())
    instants = [
        monday,
        monday - timedelta(microseconds=1),
        monday - timedelta(weeks=WEEKS - 1),
        monday - timedelta(weeks=WEEKS - 1, microseconds=1),
    ]
    for number, at in enumerate(instants):
        put(
            database,
            Run(
                id=f"r{number}",
                account_id="acme",
                playbook="p",
                version="v",
                kind="account",
                subject_id=f"s{number}",
                started_at=at,
            ),
        )
    with reading(database) as connection:
        found = starts_by_week(connection, "p", NOW)
    assert len(found) == WEEKS
    assert found[-1] == (date(2026, 1, 26), 1)
    assert found[-2] == (date(2026, 1, 19), 1)
    assert [number for _, number in found[:-2]] == [1] + [0] * (WEEKS - 3)
