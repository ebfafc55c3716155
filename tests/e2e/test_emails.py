"""Every shipped email in a real browser: on a phone and a desk, in light and dark, with pictures off."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from engine.branding import Logo, Look
from engine.render.email import compose_email
from engine.render.templates import Renderer
from tests.unit.rehearsal.test_shipped import BARE, RICH

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
SOURCES = ROOT.glob("templates/emails/**/*.j2")
FILES = {each.relative_to(ROOT).as_posix(): each.read_text("utf-8") for each in SOURCES}
NAMES = sorted(each.parent.name for each in ROOT.glob("templates/emails/*/subject.txt.j2"))
LONG = "Donaudampfschifffahrtsgesellschaft" * 4
LOOK = Look(
    logo=Logo(url="http://127.0.0.1:9/logo.png", alt="Acme and partners", width=240),
    address="Acme Inc., 1 Main Street, Springfield",
)
WIDTHS = (320, 390, 1000)
PROBE = Path(__file__).with_name("email_probe.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, or a skip with the reason."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    """One page without a network, for email after email."""
    found = browser.new_page()
    found.context.set_offline(True)
    return found


def probed(page: Page, html: str, scheme: Any) -> Iterator[dict[str, Any]]:
    """What the page measures of itself at each width."""
    page.emulate_media(color_scheme=scheme)
    page.set_content(html)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 700})
        yield page.evaluate(PROBE) | {"width": width}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_shipped_email_can_be_read_everywhere(page: Page, name: str, scheme: str) -> None:
    """Nothing sticks out, every word has its contrast, every picture its words, and the page its language."""
    hostile = {**RICH, "account": {**RICH["account"], "name": LONG}}
    for context in (BARE, hostile):
        html = compose_email(Renderer(FILES), name, {**context, "brand": "Acme"}, LOOK).html
        for found in probed(page, html, scheme):
            assert (found["overflow"], found["faint"]) == (0, []), found
            assert found["pictures"] == ["Acme and partners"]
            assert (found["language"], found["direction"]) == ("en", "ltr")
            assert found["title"]
            assert found["links"] == ["Unsubscribe"]
            assert set(found["tables"]) == {"presentation"}
            assert found["scheme"] == scheme


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_button_and_figure_can_be_read_everywhere(page: Page, scheme: str) -> None:
    """Large enough for a thumb, in the brand's colours on both cards."""
    body = "<p class='figure'>85 of 100</p>{{ 'Open your report' | button('https://x.example') }}"
    files = {**FILES, "templates/emails/nps-survey/body.html.j2": body}
    html = compose_email(Renderer(files), "nps-survey", RICH, LOOK).html
    for found in probed(page, html, scheme):
        assert (found["overflow"], found["faint"]) == (0, [])
        assert found["smallest_button"] >= 44
