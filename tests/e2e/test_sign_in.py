"""Signing in, being locked out and changing a password in a real browser; Settings as an admin uses them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine

from engine.api.app import create_app
from engine.settings import Settings, SmtpConnector, SourceSettings
from engine.users.access import Access
from engine.users.links import make_link
from engine.users.passwords import set_password
from engine.users.users import add_user, find_user
from tests.e2e.served import served
from tests.e2e.test_console import browser as browser
from tests.website import make_service
from tests.website_book import NOW, seed

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PASSWORD = "four zebras by the river"
PHONE = {"width": 375, "height": 800}


@dataclass(frozen=True)
class Site:
    """A running console with two people who may sign in."""

    url: str
    database: Engine


@pytest.fixture
def site(sqlite_database: Engine) -> Iterator[Site]:
    """Dana is a CSM, Ada an admin."""
    seed(sqlite_database)
    add_user(sqlite_database, "dana@ours.example", Access.CSM, NOW, person_id="dana")
    add_user(sqlite_database, "ada@ours.example", Access.ADMIN, NOW, name="Ada Torres")
    for person in ("dana", "ada@ours.example"):
        set_password(sqlite_database, person, PASSWORD, NOW)
    settings = Settings(
        connectors={"email": SmtpConnector(kind="smtp", host="127.0.0.1", port=1, security="none")},
        sources={"usage": SourceSettings(feeds=("login",), lag="1d")},
    )
    with served(create_app(make_service(sqlite_database, settings=settings))) as url:
        yield Site(url, sqlite_database)


def keep(page: Page, name: str) -> None:
    """A picture of the page, where a folder for them is named; nothing sticks out of it sideways."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    folder = os.environ.get("TMINUS_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def _page(browser: Browser, **options: Any) -> tuple[Page, list[str]]:
    """A page of a fresh profile, and what its content-security policy or its scripts complain of."""
    page = browser.new_context(**options).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda each: faults.append(each.text) if "Content Security" in each.text else None)
    return page, faults


def _sign_in(page: Page, site: Site, email: str, password: str = PASSWORD) -> None:
    page.goto(f"{site.url}/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_person_signs_in_and_changes_the_password(browser: Browser, site: Site) -> None:
    """From a page that asked for it and back there; then with the new one."""
    page, faults = _page(browser)
    page.goto(f"{site.url}/accounts/acme")
    keep(page, "sign-in")
    page.get_by_label("Email").fill("dana@ours.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/acme")
    page.get_by_role("link", name="Dana Whitfield").first.click()
    page.wait_for_url("**/you")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill("five herons in the fog")
    page.get_by_label("New password again").fill("five herons in the fog")
    page.get_by_role("button", name="Save the password").click()
    expect(page.get_by_role("status")).to_contain_text("The new password is kept.")
    keep(page, "you")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in")
    page.goto(f"{site.url}/queue")
    page.wait_for_url("**/sign-in?next=/queue")
    _sign_in(page, site, "dana@ours.example", "five herons in the fog")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_failures_lock_out(browser: Browser, site: Site, scheme: Any) -> None:
    """The page says for how long, on a phone too, and keeps the address."""
    page, faults = _page(browser, viewport=PHONE, color_scheme=scheme)
    for _ in range(5):
        _sign_in(page, site, "dana@ours.example", "guess")
        expect(page.get_by_role("alert")).to_have_text("The address or the password is not right.")
    _sign_in(page, site, "dana@ours.example")
    expect(page.get_by_role("alert")).to_have_text("Too many failures. Try again in 15 min.")
    expect(page.get_by_label("Email")).to_have_value("dana@ours.example")
    keep(page, f"locked-out-phone-{scheme}")
    assert faults == []


def test_a_link_signs_in_at_once(browser: Browser, site: Site) -> None:
    """As a person opens it; the second time it does not."""
    link = f"{site.url}/sign-in/link?code={make_link(site.database, 'dana', NOW)}"
    page, _ = _page(browser)
    page.goto(link)
    page.wait_for_url("**/queue*")
    again, _ = _page(browser)
    again.goto(link)
    expect(again.get_by_role("alert")).to_contain_text("This link was used before")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("desktop-light", {"color_scheme": "light"}),
        ("desktop-dark", {"color_scheme": "dark"}),
        ("phone-light", {"color_scheme": "light", "viewport": PHONE}),
        ("phone-dark", {"color_scheme": "dark", "viewport": PHONE}),
    ],
)
def test_an_admin_keeps_the_settings(browser: Browser, site: Site, name: str, options: Any) -> None:
    """Lets somebody in, makes a token, tries a connector, looks at the sources."""
    page, faults = _page(browser, **options)
    _sign_in(page, site, "ada@ours.example")
    page.get_by_role("link", name="Settings").first.click()
    page.wait_for_url("**/settings/people")
    page.get_by_text("Let somebody in").click()
    page.get_by_label("Email").fill("new@ours.example")
    page.get_by_label("Name, for somebody new").fill("Nia New")
    page.get_by_label("Access", exact=True).select_option("ops")
    page.get_by_role("button", name="Let them in").click()
    expect(page.get_by_role("status")).to_contain_text("/sign-in/link?code=")
    assert find_user(site.database, "new@ours.example").access is Access.OPS
    keep(page, f"people-{name}")
    page.get_by_role("link", name="Tokens").click()
    page.get_by_text("Make a token").click()
    page.get_by_label("What it is for").fill("Warehouse")
    page.get_by_label("data", exact=True).check()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_contain_text("cannot be shown again")
    keep(page, f"tokens-{name}")
    page.get_by_role("link", name="Connectors").click()
    page.get_by_role("button", name="Send a test to myself").click()
    expect(page.get_by_role("alert")).to_contain_text("email: not taken")
    keep(page, f"connectors-{name}")
    page.get_by_role("link", name="Sources").click()
    expect(page.get_by_role("row", name="usage")).to_contain_text("never")
    keep(page, f"sources-{name}")
    assert faults == []
