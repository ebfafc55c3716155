"""Settings: people, tokens, connectors and sources."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.api.tokens import list_tokens, token_digest, used_token
from engine.mailbox.receiver import MailboxReceiver
from engine.mailbox.store import list_messages
from engine.settings import Settings, SlackConnector, SmtpConnector, SourceSettings
from engine.state import tables
from engine.users.access import Access, Permission
from engine.users.users import UserError, find_user
from tests.website import csrf_of, make_service, sign_in, visit
from tests.website_book import HOSTILE, NOW, put

PAGES = ["/settings/people", "/settings/tokens", "/settings/connectors", "/settings/sources"]


@pytest.fixture
def admin(app: FastAPI, sqlite_database: Engine) -> httpx.Client:
    """The browser of an admin."""
    return sign_in(app, sqlite_database, Access.ADMIN)


def _post(browser: httpx.Client, path: str, **form: str | list[str]) -> httpx.Response:
    return browser.post(path, data={"csrf": csrf_of(browser), **form})


@pytest.mark.parametrize("path", PAGES)
def test_settings_pages_open_and_show_their_tabs(admin: httpx.Client, path: str) -> None:
    """An admin's; the home leads to the first."""
    page = admin.get(path)
    assert page.status_code == 200
    assert re.search(rf'href="{path}" aria-current="page"', page.text)
    assert admin.get("/settings").headers["location"] == "/settings/people"


def test_others_see_only_the_sources(app: FastAPI, sqlite_database: Engine) -> None:
    """No tab leads to what is refused."""
    viewer = sign_in(app, sqlite_database, Access.VIEWER)
    assert viewer.get("/settings").headers["location"] == "/settings/sources"
    text = viewer.get("/settings/sources").text
    assert "/settings/tokens" not in text
    assert "/settings/people" not in text


def test_an_admin_lets_somebody_in_by_a_link(
    app: FastAPI, admin: httpx.Client, sqlite_database: Engine
) -> None:
    """Shown once, and good once."""
    page = _post(admin, "/settings/people", email="new@ours.example", name="Nia New", access="ops").text
    code = re.search(r"sign-in/link\?code=([\w-]+)", page)
    assert code
    assert code[1] not in admin.get("/settings/people").text
    assert "Nia New" in admin.get("/settings/people").text
    browser = visit(app)
    assert browser.post("/sign-in/link", data={"code": code[1]}).headers["location"] == "/you"
    assert find_user(sqlite_database, "new@ours.example").access is Access.OPS
    again = _post(admin, "/settings/people/new@ours.example/link").text
    assert "sign-in/link?code=" in again


def test_an_admin_changes_what_people_may_do(
    app: FastAPI, admin: httpx.Client, sqlite_database: Engine
) -> None:
    """They are signed out at once."""
    theirs = sign_in(app, sqlite_database, Access.CSM, "dana")
    assert _post(admin, "/settings/people/dana/access", access="viewer").status_code == 303
    assert theirs.get("/queue").status_code == 303
    assert _post(admin, "/settings/people/dana/disable").status_code == 303
    assert find_user(sqlite_database, "dana").is_disabled
    assert _post(admin, "/settings/people/dana/enable").status_code == 303
    assert not find_user(sqlite_database, "dana").is_disabled


@pytest.mark.parametrize(
    ("path", "form", "status", "words"),
    [
        ("", {"email": "no address"}, 422, "not an email address"),
        ("", {"email": "admin@ours.example"}, 422, "can sign in already"),
        ("", {"email": "x@ours.example", "access": "king"}, 422, "do not fit"),
        ("/admin@ours.example/disable", {}, 422, "only admin"),
        ("/admin@ours.example/access", {"access": "csm"}, 422, "only admin"),
        ("/nobody/disable", {}, 422, "nobody signs in as"),
        ("/nobody/link", {}, 404, "Nobody signs in as"),
    ],
)
def test_settings_say_why_nobody_was_changed(
    admin: httpx.Client, path: str, form: dict[str, str], status: int, words: str
) -> None:
    """On the page itself where it can be mended there."""
    answer = _post(admin, "/settings/people" + path, **form)
    assert (answer.status_code, words.lower() in answer.text.lower()) == (status, True)


def test_names_of_people_are_never_obeyed(admin: httpx.Client, sqlite_database: Engine) -> None:
    """Whoever typed them."""
    _post(admin, "/settings/people", email="evil@ours.example", name=HOSTILE[:100])
    _post(admin, "/settings/tokens", name=HOSTILE[:100], scope="read", days="30")
    for path in PAGES[:2]:
        text = admin.get(path).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_an_admin_makes_and_revokes_a_token(admin: httpx.Client, sqlite_database: Engine) -> None:
    """It is shown once, for what was ticked, and for so long."""
    page = _post(admin, "/settings/tokens", name="Warehouse", scope=["read", "data"], days="30")
    shown = re.search(r"<code>([\w-]{43})</code>", page.text)
    assert shown
    known = used_token(sqlite_database, token_digest(shown[1]), NOW)
    assert known is not None
    assert known.scopes == {Permission.READ, Permission.DATA}
    assert (known.expires_at, known.created_by) == (NOW + timedelta(days=30), "admin@ours.example")
    listed = admin.get("/settings/tokens").text
    assert "Warehouse" in listed
    assert shown[1] not in listed
    assert _post(admin, f"/settings/tokens/{known.id}/revoke").status_code == 303
    assert list_tokens(sqlite_database) == []
    assert _post(admin, f"/settings/tokens/{known.id}/revoke").status_code == 404


@pytest.mark.parametrize(
    "form", [{"name": "x"}, {"scope": "read"}, {"name": " ", "scope": "read"}, {"name": "x", "scope": "all"}]
)
def test_a_token_needs_a_name_and_a_scope(
    admin: httpx.Client, sqlite_database: Engine, form: dict[str, str]
) -> None:
    """Nothing is made otherwise."""
    assert _post(admin, "/settings/tokens", **form).status_code == 422
    assert list_tokens(sqlite_database) == []


def test_a_connector_is_tried_and_its_answer_shown(sqlite_database: Engine, tmp_path: Path) -> None:
    """An email goes to the admin alone, and really arrives; a server that is not there is told."""
    receiver = MailboxReceiver(tmp_path / "mail", "127.0.0.1", 0, 10, lambda: NOW)
    port = receiver.start()
    connectors = {
        "email": SmtpConnector(kind="smtp", host="127.0.0.1", port=port, security="none"),
        "dead": SmtpConnector(kind="smtp", host="127.0.0.1", port=1, security="none"),
        "slack": SlackConnector(kind="slack", url="http://127.0.0.1:1/hook"),
    }
    app = create_app(make_service(sqlite_database, settings=Settings(connectors=connectors)))
    admin = sign_in(app, sqlite_database, Access.ADMIN)
    try:
        assert (
            "email: taken, 250"
            in _post(admin, "/settings/connectors/email/test", channel="x@evil.example").text
        )
        assert "dead: not taken" in _post(admin, "/settings/connectors/dead/test").text
        refused = _post(admin, "/settings/connectors/slack/test", channel="#cs").text
        assert "slack: not taken" in refused
    finally:
        receiver.stop()
    (message,) = list_messages(tmp_path / "mail", 9)
    assert message.subject == "Test of the connector email"
    assert "admin@ours.example" in str(message)
    assert _post(admin, "/settings/connectors/nothing/test").status_code == 404


def test_a_test_email_needs_a_person_to_go_to(browser: httpx.Client, sqlite_database: Engine) -> None:
    """The holder of a token has no address."""
    spec = SmtpConnector(kind="smtp", host="127.0.0.1", port=1, security="none")
    app = create_app(make_service(sqlite_database, settings=Settings(connectors={"email": spec})))
    token = visit(app)
    token.cookies = browser.cookies
    answer = _post(token, "/settings/connectors/email/test")
    assert (answer.status_code, "your own address" in answer.text) == (422, True)


def test_sources_show_how_they_keep_to_their_lag(sqlite_database: Engine) -> None:
    """In time, late, never, live, or seen where no lag is declared."""
    for name, hours in (("usage", 5), ("billing", 30), ("crm", 400)):
        seen = NOW - timedelta(hours=hours)
        put(
            sqlite_database,
            tables.Source(id=name, account_id=f"source:{name}", name=name, watermark=seen, last_sync_at=seen),
        )
    spec = {
        "usage": SourceSettings(feeds=("login",), lag="1d"),
        "billing": SourceSettings(feeds=("invoice_paid",), lag="1d"),
        "survey": SourceSettings(feeds=("nps_answered",), lag="1d"),
        "app": SourceSettings(feeds=("clicked",), live=True),
    }
    app = create_app(make_service(sqlite_database, settings=Settings(sources=spec)))
    text = sign_in(app, sqlite_database, Access.VIEWER).get("/settings/sources").text
    rows = re.findall(r"<bdi>(\w+)</bdi></th>\s*<td><span[^>]*>([\w ]+)</span>", text)
    assert dict(rows) == {
        "usage": "in time",
        "billing": "late",
        "survey": "never",
        "app": "live",
        "crm": "seen",
    }


def test_find_user_names_nobody_by_chance(sqlite_database: Engine) -> None:
    """An empty name is nobody's."""
    with pytest.raises(UserError):
        find_user(sqlite_database, "")
