"""The ledger's page: what it finds, and how it goes on."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine

from engine.console import decision_pages
from engine.state.tables import Decision
from tests.website_book import HOSTILE, NOW, put


@pytest.fixture
def ledger(sqlite_database: Engine, browser: httpx.Client) -> httpx.Client:
    """A browser over a ledger of three more decisions, one a day."""
    for days, answer in ((1, "skipped"), (2, "fired"), (3, "skipped")):
        put(
            sqlite_database,
            Decision(
                account_id="hostile",
                playbook="welcome",
                kind="account",
                subject_id="hostile",
                step="hello",
                at=NOW - timedelta(days=days),
                answer=answer,
                reason=f"{days} days ago {HOSTILE}",
                evidence=[{"path": "when", "words": "plan is pro", "actual": HOSTILE, "verdict": True}],
            ),
        )
    return browser


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ({}, ["1 days ago", "2 days ago", "3 days ago"]),
        ({"playbook": "welcome", "answer": "fired"}, ["2 days ago"]),
        ({"account": " hostile ", "since": "2026-01-26"}, ["1 days ago", "2 days ago"]),
        ({"until": "2026-01-26"}, ["2 days ago", "3 days ago"]),
        ({"account": "globex"}, []),
    ],
)
def test_decisions_are_found_by_what_is_asked(
    ledger: httpx.Client, asked: dict[str, str], shown: list[str]
) -> None:
    """Days are included at both ends; what a customer is called is shown and never obeyed."""
    page = ledger.get("/decisions", params=asked).text
    assert [each for each in ("1 days ago", "2 days ago", "3 days ago") if each in page] == shown
    assert "<script>alert" not in page
    assert ("No decision fits." in page) is not shown


def test_decisions_go_on_where_the_page_ended(ledger: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything that was asked."""
    monkeypatch.setattr(decision_pages, "PAGE", 1)
    page = ledger.get("/decisions", params={"playbook": "welcome"}).text
    assert "1 days ago" in page
    link = page.split('<p class="more"><a href="')[1].split('"')[0].replace("&amp;", "&")
    assert "2 days ago" in ledger.get(link).text


@pytest.mark.parametrize("asked", [{"since": "soon"}, {"until": "9999-12-31"}, {"after": "nonsense"}])
def test_decisions_refuse_what_does_not_fit(ledger: httpx.Client, asked: dict[str, str]) -> None:
    """With a page that says what to do."""
    assert ledger.get("/decisions", params=asked).status_code == 422
