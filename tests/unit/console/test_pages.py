"""The console's pages: who may see them, and what they show."""

import re
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from engine.api.tokens import create_token
from engine.conditions.catalogue import BUILT_IN
from engine.console.session import COOKIE
from engine.settings import SourceSettings
from engine.state import tables
from engine.state.database import writing
from engine.state.feedings import feeding_goes_live
from engine.state.sources import note_sync
from tests.website import visit
from tests.website_book import NOW, put, task

PAGES = [
    "/queue",
    "/queue?assignee=dana",
    "/queue?assignee=team:cs_pool",
    "/queue?section=overdue",
    "/queue?section=snoozed",
    "/queue?section=nonsense&view=nonsense&order=nonsense",
    "/queue?q=priya&order=arr",
    "/queue?q=%25%00%ff",
    "/queue?by=account&playbook=at-risk&segment=high_touch&kind=account",
    "/queue?account=acme&task=t-late",
    "/queue?task=nowhere",
    "/tasks/t-late",
    "/tasks/t-done?back=//evil.example",
    "/tasks/t-hostile",
    "/accounts",
    "/accounts?q=acm",
    "/accounts?q=%25",
    "/accounts?after=globex",
    "/accounts/acme",
    "/accounts/hostile",
    "/accounts/a%2Fb%20c%3Fd",
    "/playbooks",
    "/playbooks/at-risk",
    "/why",
    "/why?playbook=at-risk&account=acme",
    "/why?playbook=at-risk&account=hostile&at=2026-01-28T09:00",
    "/today",
    "/today?whose=omar",
    "/decisions",
    "/decisions?playbook=at-risk&account=acme&answer=fired&since=2026-01-01&until=2026-01-31",
    "/mail",
    "/mail?state=discarded",
    "/mail/o1",
    "/mail/o2",
    "/mail/o1/html",
    "/holds",
    "/mailbox",
]


@pytest.mark.parametrize("path", ["/", *PAGES])
def test_every_page_asks_a_stranger_to_sign_in(reading_room: FastAPI, path: str) -> None:
    """And leads back afterwards."""
    answer = visit(reading_room).get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_and_carries_its_guards(reader: httpx.Client, path: str) -> None:
    """No script from elsewhere, no frame around, no sniffing, no cache."""
    answer = reader.get(path)
    assert answer.status_code == 200, answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["cache-control"] == "no-store"
    if not path.endswith("/html"):
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert not re.search(r"<script(?! src=\"/static/)|<[^>]*\s(on\w+|style)=", answer.text)


@pytest.mark.parametrize(
    "path",
    [
        "/queue",
        "/queue?task=t-hostile",
        "/tasks/t-hostile",
        "/accounts",
        "/accounts/hostile",
        "/why?account=hostile",
        "/mail",
        "/mail/o1",
    ],
)
def test_hostile_names_are_shown_and_never_obeyed(reader: httpx.Client, path: str) -> None:
    """The markup of a name stays text, template braces included."""
    text = reader.get(path).text
    assert "<script>alert(1)" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "{{7*7}}" in text


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/nobody",
        "/tasks/nowhere",
        "/playbooks/nothing",
        "/mail/none",
        "/mail/none/html",
        "/mailbox/none",
        "/nowhere",
    ],
)
def test_missing_things_are_told_on_a_page(reader: httpx.Client, path: str) -> None:
    """With a way back."""
    answer = reader.get(path)
    assert answer.status_code == 404
    assert "Go to the queue" in answer.text


@pytest.mark.parametrize("given", ["", "wrong", "x" * 400, "é", "a\x00b"])
def test_sign_in_refuses_other_tokens(reading_room: FastAPI, given: str) -> None:
    """And says how to get one."""
    answer = visit(reading_room).post("/sign-in", data={"token": given})
    assert answer.status_code == 403
    assert "tminus token NAME" in answer.text
    assert COOKIE not in answer.headers.get("set-cookie", "")


def test_sign_in_by_link_sets_a_guarded_cookie(reading_room: FastAPI, shelf: Engine) -> None:
    """The link the first start prints."""
    token = create_token(shelf, "link", NOW)
    answer = visit(reading_room).get(f"/sign-in?token={token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert token not in cookie


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("/accounts/acme", "/accounts/acme"),
        ("//evil.example", "/queue"),
        ("https://evil.example", "/queue"),
        ("/\\evil.example", "/queue"),
        ("/a\r\nSet-Cookie: x", "/queue"),
        ("", "/queue"),
    ],
)
def test_sign_in_leads_only_to_pages_here(
    reading_room: FastAPI, shelf: Engine, wanted: str, location: str
) -> None:
    """A link cannot send people elsewhere."""
    form = {"token": create_token(shelf, "link", NOW), "next": wanted}
    answer = visit(reading_room).post("/sign-in", data=form)
    assert answer.headers["location"] == location


@pytest.mark.parametrize("cookie", ["", "x", "e30.aaaa.bbbb", "W10.aaaaaa.", "é"])
def test_a_made_up_cookie_signs_nobody_in(reading_room: FastAPI, cookie: str) -> None:
    """Only signed ones count."""
    answer = visit(reading_room).get("/queue", headers={"Cookie": f"{COOKIE}={cookie}".encode()})
    assert answer.status_code == 303


def test_the_queue_groups_by_urgency_in_the_readers_zone(reader: httpx.Client) -> None:
    """Overdue first, snoozed last; done tasks are gone."""
    text = reader.get("/queue?assignee=dana").text
    heads = re.findall(r'<h2 id="group-(\w+)">', text)
    assert heads == ["overdue", "today", "week", "later", "snoozed"]
    assert "Call Priya about the health drop at Acme" in text
    assert "health is 35 (dropped below 40)" in text
    assert "Task t-done" not in text


def test_the_task_of_a_source_leads_to_no_account(browser: httpx.Client, sqlite_database: Engine) -> None:
    """There is no page to lead to; the source is named."""
    put(sqlite_database, task("t-feed", account_id="source:crm", kind="source", subject_id="source:crm"))
    text = browser.get("/queue").text
    assert "Task t-feed" in text
    assert '<span class="account ellipsis">crm</span>' in text
    assert "/accounts/source" not in browser.get("/tasks/t-feed").text
    assert "/accounts/source" not in text


def test_a_messages_html_is_kept_apart(reader: httpx.Client) -> None:
    """Its own page may style itself and nothing else."""
    answer = reader.get("/mail/o1/html")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    assert '<iframe class="message" src="/mail/o1/html" sandbox' in reader.get("/mail/o1").text


def test_playbooks_tell_rule_file_problems(reader: httpx.Client) -> None:
    """A broken file stays visible."""
    for path in ("/playbooks", "/playbooks/at-risk"):
        assert "rules/at-risk.yaml:3:1: unknown key" in reader.get(path).text


def test_an_accounts_page_shows_what_its_health_is_made_of(
    browser: httpx.Client, sqlite_database: Engine
) -> None:
    """A table with heads for rows and columns, and the band in words beside its colour."""
    assert "What health is made of" not in browser.get("/accounts/acme").text
    parts = [
        {"component": "open_tickets", "value": "4", "points": "35", "share": "75", "adds": "26.25"},
        {"component": "sentiment", "value": None, "points": None, "share": "0", "adds": "0"},
    ]
    put(sqlite_database, tables.HealthScoreRow(account_id="acme", at=NOW, score=Decimal(35), parts=parts))
    text = browser.get("/accounts/acme").text
    assert "What health is made of" in text
    assert (
        '<th scope="row">Open tickets</th><td>4</td><td class="num">35</td><td class="num">26.25</td>' in text
    )
    assert '<th scope="row">Sentiment</th><td>missing</td><td class="num">–</td>' in text
    assert re.search(r'class="late">\s*35 · critical', text)


def test_an_accounts_page_says_which_values_are_stale(browser: httpx.Client, sqlite_database: Engine) -> None:
    """With since when, and when their source was last seen; nothing is said while all are good."""
    assert "Stale values" not in browser.get("/accounts/acme").text
    sources = {"crm": SourceSettings(feeds=("account.health",), fresh_for="1d")}
    with writing(sqlite_database) as connection:
        feeding_goes_live(connection, sources, NOW - timedelta(days=30))
    note_sync(sqlite_database, BUILT_IN, "crm", {"watermark": NOW - timedelta(days=3)}, NOW)
    page = browser.get("/accounts/acme").text
    since, seen = (f"{NOW - timedelta(days=each):%Y-%m-%d %H:%M} UTC" for each in (2, 3))
    assert f"health is stale since {since}: the source crm was last seen on {seen}" in page


def test_a_page_of_the_queue_is_light(browser: httpx.Client, sqlite_database: Engine) -> None:
    """With its files it stays below 150 kB, however much there is to do."""
    put(sqlite_database, *(task(f"x{number:03}", priority=number % 100) for number in range(200)))
    page = browser.get("/queue").content
    files = ("app.css", "htmx.min.js", "queue.js", "icon.svg")
    assert len(page) + sum(len(browser.get(f"/static/{name}").content) for name in files) < 150_000
