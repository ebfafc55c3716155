"""Every page over a book in which every text tries to run as script, to break out and to push aside."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage
from sqlalchemy import Engine, Text, update
from sqlmodel import SQLModel

from engine.state import tables
from engine.state.database import writing
from tests.e2e.page_check import HEIGHT, WIDTHS, beyond, keep
from tests.e2e.test_console import browser  # noqa: F401 - a fixture
from tests.e2e.whole_site import whole_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EVIL = (
    "</title></textarea></style><script>window.owned=1</script><img src=x onerror=window.owned=1>"
    "\"'><svg onload=window.owned=1>{{7*7}}${7*7}<a href=javascript:window.owned=1>[x](javascript:owned=1)"
    f"<!--\u202e{'W' * 150}"
)
"""What stands wherever somebody outside could have written."""
TYPED = {("change", "old"), ("change", "new")}
"""Texts that hold values of other types."""


EXPECTED = ("sandboxed", 'directive: "img-src data:"', "the server responded with a status of")
"""What a browser notes of the frame around an email's own HTML, and of an address without a page."""
MARKUP = ("main img[src=x]", "svg[onload]", "a[href^='javascript']", "main script", "[onerror]")


def poison(database: Engine) -> None:
    """Write it into every free text of every row, and where texts stand in lists and documents."""
    with writing(database) as connection:
        for table in SQLModel.metadata.sorted_tables:
            texts = {
                each.name: EVIL
                for each in table.columns
                if isinstance(each.type, Text) and (table.name, each.name) not in TYPED
            }
            if texts:
                connection.execute(update(table).values(texts))
        named: list[tuple[Any, dict[str, Any]]] = [
            (tables.Person, {"name": EVIL}),
            (tables.Account, {"plan": EVIL, "industry": EVIL, "stage": EVIL}),
            (tables.Contact, {"role": EVIL, "title": EVIL, "phone": EVIL}),
            (tables.Subscription, {"plan": EVIL, "status": EVIL}),
            (tables.Ticket, {"priority": EVIL, "status": EVIL}),
            (tables.Metric, {"name": EVIL}),
            (tables.Event, {"name": EVIL, "properties": {EVIL: EVIL}}),
            (tables.Task, {"outcomes": [EVIL], "step": EVIL, "evidence": [EVIL]}),
            (tables.Outbox, {"recipient": EVIL, "topic": EVIL, "payload": {"text": EVIL, "html": EVIL}}),
        ]
        for model, values in named:
            connection.execute(update(model).values(values))


def test_no_text_of_the_book_is_ever_obeyed(
    browser: Browser,  # noqa: F811
    sqlite_database: Engine,
    tmp_path: Path,
) -> None:
    """Nothing ran or was even tried, nothing points to a script, and no page is wider than the screen."""
    with whole_site(browser, sqlite_database, tmp_path / "mailbox", EVIL) as site:
        poison(sqlite_database)
        tried: list[str] = []

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and not any(each in message.text for each in EXPECTED):
                tried.append(message.text)

        for tab in (site.visitor, site.stranger):
            tab.on("console", note)
            tab.on("dialog", lambda dialog: tried.append(dialog.message))
        found = []
        for address, page, answer in site.pages(WIDTHS["phone"]):
            assert answer.status < 500, address
            policy = answer.headers["content-security-policy"]
            faults = beyond(page)
            keep(page, f"evil{address.replace('/', '-')[:60]}")
            page.set_viewport_size({"width": WIDTHS["desktop"], "height": HEIGHT})
            faults += [*beyond(page), *tried]
            tried.clear()
            if "default-src 'none'" not in policy or "unsafe" in policy:
                faults.append(f"the policy is {policy}")
            for what in MARKUP:
                faults += [f"there is {what}"] * page.locator(what).count()
            faults += ["a script ran"] if page.evaluate("'owned' in window") else []
            found += [f"{address}: {each}" for each in faults]
        assert found == []
