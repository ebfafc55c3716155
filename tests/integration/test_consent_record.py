"""Suppressed addresses and what is on record about consent, over the API and in the console."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.conditions.catalogue import BUILT_IN, Kind
from engine.permit.objections import EVERYTHING
from engine.permit.preferences import opt_in, opt_out
from engine.permit.suppression import suppress
from engine.state.database import writing
from engine.state.ingest import Entry, ingest
from tests.website import make_service, visit
from tests.website_book import NOW, seed

LIST = "/api/v1/suppressions"
DAY = timedelta(days=1)


@pytest.fixture
def api(database: Engine) -> httpx.Client:
    """A caller with a token, over a seeded book."""
    seed(database)
    return visit(create_app(make_service(database)), create_token(database, "ops", NOW))


@pytest.fixture
def console(sqlite_database: Engine) -> httpx.Client:
    """A browser signed in."""
    seed(sqlite_database)
    client = visit(create_app(make_service(sqlite_database)))
    client.post("/sign-in", data={"token": create_token(sqlite_database, "dana", NOW)})
    return client


def csrf(page: str) -> str:
    """What the page's forms carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def test_suppressions_api_adds_shows_and_removes(api: httpx.Client) -> None:
    """However the address is written, with who, when and why; a second time changes nothing."""
    made = api.post(LIST, json={"email": "Ann@Bücher.example", "why": " asked by phone "})
    key = "ann@xn--bcher-kva.example"
    wanted = {"email": key, "reason": "manual", "since": "2026-01-28T10:00:00Z", "by": "ops"}
    assert (made.status_code, made.json()) == (201, {**wanted, "why": "asked by phone"})
    again = api.post(LIST, json={"email": key, "why": "other"})
    assert (again.status_code, again.json()["why"]) == (200, "asked by phone")
    assert api.get(f"{LIST}/ANN@bücher.example").json() == made.json()
    gone = api.delete(f"{LIST}/{key}", params={"why": "a new mailbox"})
    assert (gone.status_code, gone.json()) == (200, made.json())
    assert api.delete(f"{LIST}/{key}", params={"why": "a new mailbox"}).status_code == 404
    assert api.get(f"{LIST}/{key}").status_code == 404
    changes = api.get(f"/api/v1/consent/{key}").json()["changes"]
    assert [(each["change"], each["how"], each["by"], each["why"]) for each in changes] == [
        ("suppressed", "api", "ops", "asked by phone"),
        ("released", "api", "ops", "a new mailbox"),
    ]


def test_suppressions_api_lists_by_page(database: Engine, api: httpx.Client) -> None:
    """Newest first without gap or repeat, narrowed by reason and by how they begin."""
    with writing(database) as connection:
        for number in range(5):
            suppress(connection, f"p{number}@x.example", "bounced", NOW - number // 2 * DAY, why="550 gone")
        suppress(connection, "q@x.example", "complained", NOW)
    found: list[str] = []
    cursor = None
    while True:
        given = {"limit": 2, "reason": "bounced"} | ({"cursor": cursor} if cursor else {})
        answer = api.get(LIST, params=given).json()
        found += [each["email"] for each in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert found == [f"p{number}@x.example" for number in range(5)]
    assert [each["email"] for each in api.get(LIST, params={"starting": "Q@"}).json()["items"]] == [
        "q@x.example"
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"{LIST}?cursor=x", None, 422),
        ("GET", f"{LIST}?reason=dislike", None, 422),
        ("GET", f"{LIST}/none@x.example", None, 404),
        ("POST", LIST, {}, 422),
        ("POST", LIST, {"email": "nonsense"}, 422),
        ("POST", LIST, {"email": "a@x.example\r\nBcc: b@x.example"}, 422),
        ("POST", LIST, {"email": f"{'a' * 400}@x.example"}, 422),
        ("POST", LIST, {"email": "a@x.example", "why": "x" * 1001}, 422),
        ("POST", LIST, {"email": "a@x.example", "reason": "bounced"}, 422),
        ("DELETE", f"{LIST}/a@x.example", None, 422),
        ("DELETE", f"{LIST}/a@x.example?why=%20", None, 422),
        ("DELETE", f"{LIST}/a@x.example?why=x", None, 404),
        ("GET", "/api/v1/consent/nobody@x.example", None, 404),
    ],
)
def test_suppressions_api_refuses(api: httpx.Client, method: str, path: str, body: Any, status: int) -> None:
    """With problem details."""
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_consent_is_told_with_every_change(database: Engine, api: httpx.Client) -> None:
    """What a source gave, what the person chose, and what a bounce did, in the order in which they came."""
    given = Entry(Kind.CONTACT, "c1", "acme", {"consent": "granted"}, NOW - 5 * DAY, NOW - 5 * DAY)
    assert not ingest(database, BUILT_IN, [given], source="crm").rejected
    opt_out(database, "c1", "tips", NOW - 4 * DAY, "one_click")
    opt_out(database, "c1", EVERYTHING, NOW - 3 * DAY, "link")
    opt_in(database, "c1", EVERYTHING, NOW - 2 * DAY, "preference_page")
    with writing(database) as connection:
        suppress(connection, "priya@acme.example", "bounced", NOW - DAY, why="550 5.1.1 no such user")
    found = api.get("/api/v1/consent/Priya@Acme.example").json()
    assert found["opted_out"] == ["tips"]
    assert found["suppressed"]["why"] == "550 5.1.1 no such user"
    assert [(each["id"], each["consent"]) for each in found["contacts"]] == [("c1", "granted")]
    told = [(each["change"], each["topic"], each["how"], each["by"]) for each in found["changes"]]
    assert told == [
        ("granted", None, "source", "crm"),
        ("opted_out", "tips", "one_click", None),
        ("opted_out", "everything", "link", None),
        ("opted_in", "everything", "preference_page", None),
        ("suppressed", None, "bounce", None),
    ]


def test_account_page_shows_consent(sqlite_database: Engine, console: httpx.Client) -> None:
    """Beside the contact what holds, and below how it came about."""
    assert "<h2>Consent</h2>" not in console.get("/accounts/acme").text
    opt_out(sqlite_database, "c1", "big_tips", NOW - DAY, "one_click")
    with writing(sqlite_database) as connection:
        suppress(connection, "priya@acme.example", "manual", NOW, "dana", via="console", why="<b>asked</b>")
    text = console.get("/accounts/acme").text
    assert '<span class="state late">suppressed</span>' in text
    assert '<span class="state">no big tips</span>' in text
    assert "opted out of big_tips by the one-click link of a mail program" in text
    assert "suppressed in the console, dana: &lt;b&gt;asked&lt;/b&gt;" in text


def test_console_suppresses_and_allows_again(console: httpx.Client) -> None:
    """By forms that say why; each leads to the address alone, so that what became of it is seen."""
    page = "/mail/suppressions"
    form = {"csrf": csrf(console.get(page).text), "email": "Ann+x@x.example", "why": "asked by phone"}
    added = console.post(page, data=form)
    assert (added.status_code, added.headers["location"]) == (303, f"{page}?starting=ann%2Bx%40x.example")
    shown = console.get(added.headers["location"]).text
    assert "ann+x@x.example" in shown
    assert "asked by phone" in shown
    assert console.post(f"{page}/remove", data={**form, "why": ""}).status_code == 422
    gone = console.post(f"{page}/remove", data={**form, "why": "a new mailbox"})
    assert gone.status_code == 303
    assert "No such address is suppressed" in console.get(gone.headers["location"]).text
    assert console.post(f"{page}/remove", data={**form, "why": "again"}).status_code == 404
    assert console.post(page, data={**form, "csrf": "x"}).status_code == 403
    assert console.post(page, data={**form, "email": "nonsense"}).status_code == 422


@pytest.mark.parametrize("query", ["reason=dislike", "after=x"])
def test_console_refuses_an_address_that_was_made_up(console: httpx.Client, query: str) -> None:
    """On a page, with a way back."""
    assert console.get(f"/mail/suppressions?{query}").status_code == 422
