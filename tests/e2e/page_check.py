"""What every page must be to be used by anybody: judged by axe, by the keyboard and by its width."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""The rules of WCAG 2.2 up to AA."""
WIDTHS = {"desktop": 1280, "phone": 375}
"""Pixels."""
HEIGHT = 844

_AXE = Axe().axe_script
_CHECKS = Path(__file__).with_name("page_check.js").read_text(encoding="utf-8")


def violations(
    page: Page, *, tags: Sequence[str] = (*WCAG, "best-practice"), rules: Sequence[str] = ()
) -> list[str]:
    """What axe has against the page as it stands, the rule and where: by these tags, or by some rules only.

    Beside WCAG it is asked for what it advises beyond.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    chosen = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": list(tags)}
    return _asked(page, "violations", chosen)


def unfold(page: Page) -> None:
    """Open everything that opens, so that it is judged too."""
    _asked(page, "unfold")


def beyond(page: Page) -> list[str]:
    """By how much the page sticks out sideways, if it does, and what does."""
    return _asked(page, "beyond")


def moving(page: Page) -> list[str]:
    """What would move, asked on a page that was told that the person wants less motion."""
    return _asked(page, "moving")


def unseen_focus(page: Page) -> list[str]:
    """What takes the focus of a keyboard without showing it, out of order or out of sight."""
    page.keyboard.press("Tab")
    return _asked(page, "unseenFocus")


def keep(page: Page, name: str) -> None:
    """A picture of the page, where a folder for them is named."""
    folder = os.environ.get("TMINUS_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def _asked(page: Page, check: str, *given: Any) -> list[str]:
    found: list[str] = page.evaluate(f"(given) => ({_CHECKS}).{check}(...given)", list(given))
    return found
