"""A person's morning in a real browser: sign in, work the queue, look at an account."""

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from engine.api.app import create_app
from engine.api.tokens import create_token
from engine.console.session import COOKIE
from engine.settings import Settings
from engine.state import tables
from engine.state.database import reading
from engine.state.tables import Task
from engine.users.sessions import begin_session, lasting_of
from tests.website import Watcher, make_service
from tests.website_book import NOW, put, seed, task

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ARGUMENTS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_STARTS_WITHIN = 20.0
"""Seconds."""


@dataclass(frozen=True)
class Site:
    """A running console over a seeded book."""

    url: str
    token: str
    database: Engine
    watcher: Watcher


@pytest.fixture
def site(sqlite_database: Engine) -> Iterator[Site]:
    """The console, served on a free port."""
    seed(sqlite_database)
    watcher = Watcher()
    token = create_token(sqlite_database, "first start", NOW)
    app = create_app(make_service(sqlite_database, watcher))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        _wait(lambda: server.started)
        yield Site(f"http://127.0.0.1:{listening.getsockname()[1]}", token, sqlite_database, watcher)
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of this machine."""
    if _CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield started
        started.close()


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while not is_so():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def _open(browser: Browser, site: Site, **options: Any) -> tuple[Page, list[str]]:
    """A page of a fresh browser profile, signed in by hand, and what went wrong on it."""
    page = browser.new_context(**options).new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(f"dialog: {dialog.message}"))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{site.url}/sign-in?token={site.token}")
    page.goto(f"{site.url}/queue")
    return page, faults


def _row(site: Site, task_id: str) -> Any:
    with reading(site.database) as connection:
        return connection.execute(select(Task.__table__).where(Task.id == task_id)).one()  # type: ignore[attr-defined,arg-type]


def _as_dana(browser: Browser, site: Site, **options: Any) -> tuple[Page, list[str]]:
    """A page of a fresh browser profile on which Dana is signed in, and what went wrong on it."""
    dana = tables.User(person_id="dana", email="dana@us.example", access="csm", created_at=NOW)
    with contextlib.suppress(IntegrityError):
        put(site.database, dana)
    lasting = lasting_of(Settings().sign_in)
    cookie = begin_session(site.database, NOW, lasting, "password", person_id="dana")
    page = browser.new_context(**options).new_page()
    page.context.add_cookies([{"name": COOKIE, "value": cookie, "url": site.url}])
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{site.url}/queue")
    return page, faults


def test_a_csms_morning_by_keyboard(browser: Browser, site: Site) -> None:
    """Read why, complete with an outcome and a note, snooze, skip two at once, undo: no hand on the mouse."""
    page, faults = _as_dana(browser, site, viewport={"width": 1280, "height": 860})
    page.locator(".group-overdue").wait_for()
    assert page.locator(".views [aria-current]").inner_text() == "Mine"
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    sheet = page.locator("#detail .sheet[data-id=t-late]")
    sheet.wait_for()
    for words in (
        "health is 35 (dropped below 40)",
        "Priya Raman",
        "124,000",
        "read the tickets",
        "outreach",
    ):
        assert words in sheet.inner_text()
    page.get_by_label("Note", exact=True).first.fill("She will call back on Friday.")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.locator("#toast p").wait_for()
    assert (
        "Completed “Call Priya about the health drop at Acme” · reached."
        in page.locator("#toast").inner_text()
    )
    row = _row(site, "t-late")
    assert (row.state, row.outcome, row.note) == ("done", "reached", "She will call back on Friday.")
    assert (row.closed_by, row.counts_at) == ("dana", NOW + timedelta(seconds=10))

    page.locator("#detail .sheet[data-id=t-today]").wait_for()  # the next one has opened by itself
    page.keyboard.press("s")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".group-snoozed #t-t-today").wait_for()
    assert _row(site, "t-today").snoozed_until.isoformat() == "2026-02-02T07:00:00+00:00"

    page.keyboard.press("u")
    page.locator(".group-today #t-t-today").wait_for()
    assert _row(site, "t-today").snoozed_until is None
    assert faults == []


def test_many_tasks_are_skipped_and_brought_back(browser: Browser, site: Site) -> None:
    """Selected by x, skipped with one reason, undone with u; the focus stays in the list."""
    page, faults = _as_dana(browser, site, viewport={"width": 1280, "height": 860})
    page.locator("#t-t-late").wait_for()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    assert page.locator("#bulk .selected").inner_text() == "2 selected"
    page.locator("#bulk").get_by_label("Reason or note").fill("Duplicate.")
    page.locator("#bulk").get_by_role("button", name="Skip").click()
    page.locator("#toast p").wait_for()
    assert (_row(site, "t-late").state, _row(site, "t-today").state) == ("skipped", "skipped")
    page.wait_for_function("document.activeElement.closest('#queue .row')")
    page.keyboard.press("u")
    page.locator("#t-t-late").wait_for()
    assert (_row(site, "t-late").state, _row(site, "t-today").state) == ("open", "open")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    assert faults == []


def test_the_queue_works_without_scripts(browser: Browser, site: Site) -> None:
    """Links are links, and forms are forms."""
    page, _ = _open(browser, site, java_script_enabled=False)
    page.goto(f"{site.url}/queue?assignee=dana")
    page.locator("#t-t-late > a").click()
    page.get_by_role("button", name="No response").click()
    page.wait_for_url("**/queue?assignee=dana*")
    assert page.locator("#t-t-late").count() == 0
    assert _row(site, "t-late").outcome == "no_response"


def test_what_others_do_is_told(browser: Browser, site: Site) -> None:
    """In the list without reloading, and to the second of two who act on one task."""
    page, _ = _as_dana(browser, site)
    other, _ = _as_dana(browser, site)
    page.locator("#t-t-late > a").click()
    page.locator("#detail .sheet").wait_for()
    other.locator("#t-t-late > a").click()
    other.locator("#detail").get_by_role("button", name="Reached").click()
    other.locator("#toast p").wait_for()
    page.evaluate("window.tminusLook()")
    page.locator("#changes:not([hidden])").wait_for()
    assert "1 task has changed" in page.locator("#changes").inner_text()
    assert "Somebody has changed this task" in page.locator("#detail").inner_text()
    page.locator("#detail").get_by_role("button", name="No response").click()
    page.get_by_text("has changed since you read it").wait_for()
    assert _row(site, "t-late").outcome == "reached"


@pytest.mark.parametrize("path", ["/accounts/hostile", "/queue", "/mail/o1", "/accounts?q=script"])
def test_hostile_names_stay_text(browser: Browser, site: Site, path: str) -> None:
    """No dialog opens, no image loads, and the name reads as it was typed."""
    page, faults = _open(browser, site)
    page.goto(site.url + path)
    page.wait_for_load_state("networkidle")
    assert "<script>alert(1)</script>" in page.locator("main").inner_text()
    assert page.locator("main img, main script").count() == 0
    assert page.title() != "owned"
    blocked = [fault for fault in faults if "sandboxed" not in fault]
    assert blocked == []


def test_an_account_page_tells_what_happened(browser: Browser, site: Site) -> None:
    """From the queue to the account, its runs, people and history."""
    page, faults = _open(browser, site)
    page.locator("#t-t-late > a").click()
    page.locator("#detail").get_by_role("link", name="Acme Manufacturing").click()
    page.wait_for_url("**/accounts/acme")
    text = page.locator("main").inner_text()
    for words in (
        "Acme Manufacturing",
        "124,000",
        "Dana Whitfield",
        "Priya Raman",
        "cancel requested",
        "fired",
    ):
        assert words in text
    assert faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("device", "width"), [("desktop", 1280), ("phone", 375)])
def test_pages_fit_every_screen(
    browser: Browser, site: Site, tmp_path: Path, scheme: str, device: str, width: int
) -> None:
    """Nothing sticks out sideways, and nothing goes wrong on the way."""
    busy = [task(f"b{number}", due_at=NOW + timedelta(hours=number), priority=number) for number in range(30)]
    put(site.database, *busy)
    page, faults = _open(
        browser,
        site,
        viewport={"width": width, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    why = "why?playbook=at-risk&account=acme"
    pages = (
        "queue",
        "queue?task=t-late",
        "tasks/t-late",
        "accounts",
        "accounts/acme",
        "playbooks",
        "playbooks/at-risk",
        "mail",
        "holds",
        why,
    )
    for name in pages:
        page.goto(f"{site.url}/{name}")
        page.screenshot(
            path=tmp_path / f"{name.replace('/', '-').replace('?', '-')}-{device}-{scheme}.png",
            full_page=True,
        )
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, name
    assert faults == []
