"""Why a playbook runs or does not, and who is left alone, in the console."""

import re
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import Engine

from engine.admit.silences import add_silence, list_silences
from engine.console.why_pages import localised
from tests.website import Watcher
from tests.website_book import NOW

WHY = "/why?playbook=at-risk&account="


def _text(page: str) -> str:
    """What a reader without colours reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition("<main")[2]).split())


def test_why_shows_the_tree_and_the_reasoning(reader: httpx.Client) -> None:
    """Verdicts as words, actual beside wanted, instants in the account's zone."""
    text = _text(reader.get(f"{WHY}acme").text)
    assert "It runs, since 26 Jan 2026, 11:00: health is 35 (dropped below 40)." in text
    assert "true health drops below 40 (recovers at 50) found 35, wanted drops below 40" in text
    assert "in the way Open run since 26 Jan 2026, 11:00" in text
    assert "clear Silence nobody has silenced the account" in text
    assert "At (local time, Europe/Berlin)" in text


def test_why_reads_a_time_in_the_accounts_zone(reader: httpx.Client) -> None:
    """11:59 in Berlin is before the fall at 10:00 UTC of that day, and noon after it."""
    before, after = (_text(reader.get(f"{WHY}acme&at=2026-01-26T{each}").text) for each in ("10:59", "11:00"))
    assert "It does not run: health is 45 (has not dropped below 40)." in before
    assert "It runs, since" in after


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "playbook=at-risk&account=acmee",
            "There is no account &#34;acmee&#34; (did you mean &#34;acme&#34;",
        ),
        ("playbook=at-rissk&account=acme", "(did you mean &#34;at-risk&#34;?)"),
        ("playbook=at-risk&account=acme&at=soon", "“soon” is not a time of the calendar"),
        ("playbook=at-risk&account=acme&at=9999-12-31T23:59%2B99:00", "is not a time of the calendar"),
        ("playbook=at-risk&account=acme&at=2020-01-01T00:00", "Account acme had no account at"),
        ("playbook=%3Cscript%3E&account=acme", "&lt;script&gt;"),
    ],
)
def test_why_says_what_cannot_be_explained(reader: httpx.Client, query: str, words: str) -> None:
    """On the same page, with the form to mend it."""
    answer = reader.get(f"/why?{query}")
    assert answer.status_code == 404
    assert words in answer.text
    assert '<form class="ask"' in answer.text


def test_why_is_asked_from_the_account_and_the_playbook(reader: httpx.Client) -> None:
    """Each page has the other name to be chosen."""
    account, playbook = (reader.get(path).text for path in ("/accounts/acme", "/playbooks/at-risk"))
    assert 'action="/why"' in account
    assert 'name="account" value="acme"' in account
    assert 'name="playbook" value="at-risk"' in playbook


def test_localised_leaves_everything_but_instants(reader: httpx.Client) -> None:
    """Dates and other text stay as they are."""
    text = "since 2026-01-26T10:00:00Z, due 2026-01-27, at 2026-01-26T10:00:00.000001Z"
    assert localised(text, ZoneInfo("Europe/Berlin")) == (
        "since 26 Jan 2026, 11:00, due 2026-01-27, at 26 Jan 2026, 11:00"
    )
    assert localised("2026-01-26T10:00:00Z", UTC) == "26 Jan 2026, 10:00 UTC"


def _silence(database: Engine, playbook: str | None, *, days: int = 1) -> str:
    until = NOW + timedelta(days=days)
    since = NOW - timedelta(days=2)
    made = add_silence(
        database, "acme", playbook=playbook, at=since, until=until, by="max", why="<b>merger</b>"
    )
    return made.id


def test_an_account_shows_who_left_it_alone(browser: httpx.Client, sqlite_database: Engine) -> None:
    """Silences that last, by whom and why; those that are over are not shown."""
    _silence(sqlite_database, None)
    _silence(sqlite_database, "at-risk", days=-1)
    text = browser.get("/accounts/acme").text
    assert "Every playbook" in text
    assert "max: &lt;b&gt;merger&lt;/b&gt;" in text
    assert text.count('action="/silences/end"') == 1
    assert "Left alone" not in browser.get("/accounts/globex").text


def test_a_silence_is_ended_from_the_account(
    browser: httpx.Client, sqlite_database: Engine, watcher: Watcher
) -> None:
    """In the visitor's name, and the account is looked at again."""
    identity = _silence(sqlite_database, "at-risk")
    page = browser.get("/accounts/acme").text
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert csrf
    form = {"csrf": csrf[1], "silence_id": identity}
    answer = browser.post("/silences/end", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts/acme")
    (found,) = list_silences(sqlite_database, lasting_at=None)
    assert (found.ended_at, found.ended_by) == (NOW, "first start")
    assert watcher.wakes == 1
    assert browser.post("/silences/end", data=form).status_code == 404
