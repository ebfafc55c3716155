"""Every page of the console and every public page, for everybody: WCAG 2.2 AA by axe, keyboard, motion."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from engine.state.migrate import migrated
from tests.e2e.page_check import WIDTHS, beyond, keep, moving, unseen_focus, violations
from tests.e2e.test_console import browser  # noqa: F401 - a fixture
from tests.e2e.whole_site import WholeSite, whole_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: Any) -> Iterator[WholeSite]:  # noqa: F811
    """A console that no test changes."""
    folder: Path = tmp_path_factory.mktemp("site")
    database = migrated(f"sqlite:///{folder / 'tminus.db'}")
    with whole_site(browser, database, folder / "mailbox") as found:
        yield found
    database.dispose()


@pytest.mark.parametrize(
    ("device", "scheme"),
    [
        ("desktop", "light"),
        pytest.param("phone", "dark", marks=pytest.mark.soak),
    ],
)
def test_every_page_can_be_used_by_everybody(site: WholeSite, device: str, scheme: Any) -> None:
    """Axe finds nothing; words are not faint in the other scheme; the width fits; keys and stillness do."""
    other: Any = {"light": "dark", "dark": "light"}[scheme]
    found, seen = [], 0
    for address, page, _ in site.pages(WIDTHS[device]):
        seen += 1
        page.emulate_media(color_scheme=scheme)
        faults = [*violations(page), *beyond(page)]
        page.emulate_media(color_scheme=other)
        faults += [f"in {other}: {each}" for each in violations(page, rules=["color-contrast"])]
        faults += [*unseen_focus(page), *moving(page)]
        keep(page, f"{device}-{other}{address.replace('/', '-')[:60]}")
        found += [f"{address}: {each}" for each in faults]
    assert found == []
    assert seen > 25
