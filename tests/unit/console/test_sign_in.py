"""Signing in with a password or a link, being locked out, and one's own page."""

import re
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.settings import Console, Settings
from engine.users.access import Access
from engine.users.links import make_link
from engine.users.passwords import set_password
from engine.users.users import add_user, disable_user, find_user, set_access
from tests.website import csrf_of, make_service, sign_in, visit
from tests.website_book import NOW

EMAIL = "dana@ours.example"
PASSWORD = "four zebras by the river"


@pytest.fixture
def dana(sqlite_database: Engine, app: FastAPI) -> Engine:
    """A book whose Dana may sign in with a password."""
    add_user(sqlite_database, EMAIL, Access.CSM, NOW, person_id="dana")
    set_password(sqlite_database, "dana", PASSWORD, NOW)
    return sqlite_database


def _give(client: httpx.Client, password: str = PASSWORD, **form: str) -> httpx.Response:
    return client.post("/sign-in", data={"email": EMAIL, "password": password, **form})


def test_a_password_signs_in(app: FastAPI, dana: Engine) -> None:
    """To the page one came from."""
    browser = visit(app)
    answer = _give(browser, next="/accounts/acme")
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts/acme")
    assert "Dana Whitfield" in browser.get("/accounts/acme").text
    assert find_user(dana, EMAIL).signed_in_at == NOW


def test_a_wrong_password_says_no_more_than_that(app: FastAPI, dana: Engine) -> None:
    """The same words whether or not there is somebody; the password is not shown again."""
    wrong, unknown = _give(visit(app), "wrong password"), _give(visit(app), email="x@ours.example")
    assert (wrong.status_code, unknown.status_code) == (403, 403)
    for answer in (wrong, unknown):
        assert "The address or the password is not right." in answer.text
        assert "wrong password" not in answer.text
        assert "set-cookie" not in answer.headers
    assert wrong.text.replace(EMAIL, "") == unknown.text.replace("x@ours.example", "")


@pytest.mark.parametrize("email", [EMAIL, "nobody@ours.example"])
def test_five_failures_lock_out(app: FastAPI, dana: Engine, email: str) -> None:
    """Then not even the right password helps, and nobody learns whether there is such a user."""
    for _ in range(5):
        assert _give(visit(app), "wrong password", email=email).status_code == 403
    answer = _give(visit(app), email=email)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    assert "Try again in 15 min." in answer.text


def test_a_lock_ends(sqlite_database: Engine, dana: Engine) -> None:
    """After a quarter of an hour, for whoever knows the password."""
    clock = [NOW]
    app = create_app(make_service(sqlite_database, now=lambda: clock[0]))
    for _ in range(6):
        _give(visit(app), "wrong password")
    clock[0] += timedelta(minutes=14)
    assert _give(visit(app)).status_code == 429
    clock[0] += timedelta(minutes=1)
    assert _give(visit(app)).status_code == 303


@pytest.mark.parametrize("password", ["x" * 1999, "x" * 50_000, "\x00", "é" * 100, ""])
def test_odd_passwords_are_refused_quickly(app: FastAPI, dana: Engine, password: str) -> None:
    """However long."""
    assert _give(visit(app), password).status_code in (403, 422)


def test_a_session_begins_anew_with_each_sign_in(app: FastAPI, dana: Engine) -> None:
    """A cookie that somebody planted is not taken over, and the one before ends."""
    browser = visit(app)
    browser.cookies.set("tminus_session", "planted")
    _give(browser)
    first = browser.cookies.get("tminus_session", domain="tminus.example")
    assert first != "planted"
    _give(browser)
    stale = visit(app)
    stale.cookies.set("tminus_session", str(first))
    assert stale.get("/queue").status_code == 303
    assert browser.get("/queue").status_code == 200


def test_over_tls_the_cookie_belongs_to_this_host_alone(sqlite_database: Engine, dana: Engine) -> None:
    """By its name and its attributes; browsers hold on to TLS."""
    settings = Settings(console=Console(public_url="https://cs.acme.example"))
    app = create_app(make_service(sqlite_database, settings=settings))
    answer = _give(visit(app))
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-tminus_session=")
    for each in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
        assert each in cookie
    assert "Domain" not in cookie
    assert "max-age=" in answer.headers["strict-transport-security"]
    assert (
        "strict-transport-security"
        not in visit(create_app(make_service(sqlite_database))).get("/sign-in").headers
    )


def test_other_sites_cannot_sign_people_in(app: FastAPI, dana: Engine) -> None:
    """Neither by a form of theirs nor by a link that carries a token."""
    foreign = {"Origin": "https://evil.example"}
    form = {"email": EMAIL, "password": PASSWORD}
    assert visit(app).post("/sign-in", data=form, headers=foreign).status_code == 403
    token = create_token(dana, "theirs", NOW)
    answer = visit(app).get(f"/sign-in?token={token}", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)


def test_a_link_signs_in_at_once_where_a_person_opened_it(app: FastAPI, dana: Engine) -> None:
    """From a terminal or a chat; the second time it does nothing."""
    path = f"/sign-in/link?code={make_link(dana, 'dana', NOW)}"
    browser = visit(app)
    answer = browser.get(path, headers={"Sec-Fetch-Site": "none"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    assert browser.get("/queue").status_code == 200
    again = visit(app).get(path, headers={"Sec-Fetch-Site": "none"})
    assert (again.status_code, "used before" in again.text) == (403, True)


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_link_that_is_looked_at_is_not_used_up(app: FastAPI, dana: Engine, headers: dict[str, str]) -> None:
    """Previews and other sites get a page with a button, and the button signs in."""
    code = make_link(dana, "dana", NOW)
    browser = visit(app)
    for _ in range(2):
        page = browser.get(f"/sign-in/link?code={code}", headers=headers)
        assert (page.status_code, "set-cookie" in page.headers) == (200, False)
    assert browser.post("/sign-in/link", data={"code": code}).status_code == 303
    assert browser.get("/queue").status_code == 200


def test_whoever_has_no_password_is_led_to_choose_one(app: FastAPI, sqlite_database: Engine) -> None:
    """Without being asked for an old one; then it signs in."""
    add_user(sqlite_database, EMAIL, Access.CSM, NOW, person_id="dana")
    browser = visit(app)
    code = make_link(sqlite_database, "dana", NOW)
    assert browser.post("/sign-in/link", data={"code": code}).headers["location"] == "/you"
    page = browser.get("/you").text
    assert "Choose a password" in page
    assert "Current password" not in page
    form = {"csrf": csrf_of(browser), "new": PASSWORD, "again": PASSWORD}
    assert browser.post("/you/password", data=form).status_code == 200
    assert _give(visit(app)).status_code == 303


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            {"current": "wrong", "new": "another long one", "again": "another long one"},
            "current password is not",
        ),
        ({"new": "another long one", "again": "another long one"}, "current password is not"),
        ({"current": PASSWORD, "new": "another long one", "again": "another"}, "differ"),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "at least 12"),
        ({"current": PASSWORD, "new": "x" * 1000, "again": "x" * 1000}, "at most 200"),
    ],
)
def test_a_password_is_not_changed_without_reason(
    app: FastAPI, dana: Engine, form: dict[str, str], words: str
) -> None:
    """The page says why; the old one goes on."""
    browser = sign_in(app, dana, Access.CSM, "dana")
    answer = browser.post("/you/password", data={"csrf": csrf_of(browser), **form})
    assert (answer.status_code, words in answer.text) == (422, True)
    assert _give(visit(app)).status_code == 303


def test_a_new_password_signs_out_everywhere_else(app: FastAPI, dana: Engine) -> None:
    """Here one stays signed in; guesses at the current one lock out as at the sign-in."""
    here, there = (sign_in(app, dana, Access.CSM, "dana") for _ in range(2))
    new = "five herons in the fog"
    form = {"csrf": csrf_of(here), "current": PASSWORD, "new": new, "again": new}
    assert "The new password is kept." in here.post("/you/password", data=form).text
    assert (here.get("/you").status_code, there.get("/you").status_code) == (200, 303)
    assert _give(visit(app)).status_code == 403
    assert _give(visit(app), new).status_code == 303
    for _ in range(5):
        assert here.post("/you/password", data={**form, "current": "guess"}).status_code == 422
    assert "Too many failures" in here.post("/you/password", data=form).text


def test_a_forgotten_password_is_changed_soon_after_a_link(sqlite_database: Engine, dana: Engine) -> None:
    """A quarter of an hour later the old one is asked for again."""
    clock = [NOW]
    app = create_app(make_service(sqlite_database, now=lambda: clock[0]))
    browser = sign_in(app, dana, Access.CSM, "dana", how="link")
    assert "Current password" not in browser.get("/you").text
    clock[0] += timedelta(minutes=15)
    assert "Current password" in browser.get("/you").text


def test_signing_out_elsewhere_leaves_this_browser(app: FastAPI, dana: Engine) -> None:
    """The page lists them all."""
    here, there = (sign_in(app, dana, Access.CSM, "dana") for _ in range(2))
    assert len(re.findall("This browser|Another browser", here.get("/you").text)) == 2
    assert here.post("/you/sign-out-elsewhere", data={"csrf": csrf_of(here)}).status_code == 303
    assert (here.get("/you").status_code, there.get("/you").status_code) == (200, 303)


@pytest.mark.parametrize("change", ["disable", "access"])
def test_a_change_of_what_somebody_may_do_ends_the_session(app: FastAPI, dana: Engine, change: str) -> None:
    """At once, on the next page."""
    browser = sign_in(app, dana, Access.CSM, "dana")
    assert browser.get("/queue").status_code == 200
    if change == "disable":
        disable_user(dana, "dana", NOW)
    else:
        set_access(dana, "dana", Access.VIEWER)
    assert browser.get("/queue").status_code == 303


def test_the_holder_of_a_token_has_no_password(browser: httpx.Client) -> None:
    """The page says so instead of a form."""
    csrf = csrf_of(browser)
    assert "Change the password" not in browser.get("/you").text
    for path in ("/you/password", "/you/sign-out-elsewhere"):
        assert browser.post(path, data={"csrf": csrf}).status_code == 422
