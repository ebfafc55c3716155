"""Where a browser is required, a browser test that was skipped has failed."""

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skips of browser tests into failures when TMINUS_REQUIRE_BROWSER is set."""
    report = yield
    if report.skipped and item.get_closest_marker("browser") and os.environ.get("TMINUS_REQUIRE_BROWSER"):
        report.outcome = "failed"
        report.longrepr = f"TMINUS_REQUIRE_BROWSER is set, but: {report.longrepr}"
    return report
