"""The public pages of emails in a real browser: without scripts, on phones, light and dark."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from engine.permit.preferences import chosen
from engine.permit.unsubscribe import sign_token, unsubscribe_key
from tests.e2e.test_console import Site, browser, site  # noqa: F401 - fixtures

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_preferences_work_everywhere(browser: Browser, site: Site, scheme: str, width: int) -> None:  # noqa: F811
    """From the link to a stopped topic and back, without a script, and never wider than the screen."""
    token = sign_token(unsubscribe_key(site.database), "c1", "care")
    context = browser.new_context(
        java_script_enabled=False,
        color_scheme=scheme,
        viewport={"width": width, "height": 760},  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(f"{site.url}/unsubscribe/{token}")
    _keep(page, f"ask-{scheme}-{width}")
    page.get_by_role("button", name="Stop “Care”").click()
    assert page.get_by_role("heading", name="You are unsubscribed").is_visible()
    assert not chosen(site.database, "c1").wants("care")
    page.get_by_role("link", name="Choose what you get").click()
    tick = page.get_by_role("checkbox", name="Care")
    assert not tick.is_checked()
    tick.check()
    page.get_by_role("button", name="Save").click()
    assert page.get_by_text("Saved.").is_visible()
    _keep(page, f"saved-{scheme}-{width}")
    assert chosen(site.database, "c1").wants("care")
    box = page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    context.close()


def _keep(page: object, name: str) -> None:
    """A picture, where a folder for them is named."""
    folder = os.environ.get("TMINUS_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)  # type: ignore[attr-defined]
