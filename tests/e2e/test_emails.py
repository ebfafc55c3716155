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
from tests.e2e.page_check import WCAG, keep, violations
from tests.shipped_emails import READERS
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
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="480" height="80"><path d="M0 0h480v80z"/></svg>'
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


def probed(page: Page, html: str, scheme: Any, widths: tuple[int, ...] = WIDTHS) -> Iterator[dict[str, Any]]:
    """What the page measures of itself at each width."""
    page.emulate_media(color_scheme=scheme)
    page.set_content(html)
    for width in widths:
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


@pytest.mark.parametrize("name", NAMES)
def test_shipped_email_is_open_to_everybody(page: Page, name: str) -> None:
    """Axe finds nothing in light, and no faint word in dark, for somebody of whom all is known."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 375, "height": 800})
    page.set_content(compose_email(Renderer(FILES), name, RICH, LOOK).html)
    assert violations(page, tags=WCAG) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, rules=["color-contrast"]) == []
    keep(page, f"email-{name}-375-dark")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("has_pictures", [True, False])
def test_shipped_email_is_fit_for_every_name(page: Page, reader: str, has_pictures: bool) -> None:
    """On a phone and a desk, light and dark, in the direction of its words; no name is obeyed."""
    picture = {"content_type": "image/svg+xml", "body": PICTURE}
    page.route("**/logo.png", lambda route: route.fulfill(**picture) if has_pictures else route.abort())
    html = compose_email(Renderer(FILES), "quarterly-value", READERS[reader], LOOK).html
    for scheme in ("light", "dark"):
        for found in probed(page, html, scheme, (375, 1024)):
            assert (found["overflow"], found["faint"], found["scheme"]) == (0, [], scheme), found
            assert (found["language"], found["direction"]) == ("en", "ltr")
            keep(page, f"email-{reader}-{found['width']}-{scheme}-{has_pictures}")
    assert page.evaluate("[...document.images].every((each) => each.naturalWidth > 0)") is has_pictures
    assert page.locator("script").count() == 0
    name = READERS[reader]["account"]["name"].split("\r")[0].split("\u202e")[0].strip()
    assert name in page.locator("body").inner_text()
    page.unroute("**/logo.png")
