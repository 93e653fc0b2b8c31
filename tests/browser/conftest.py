"""A browser for the tests, or the reason why there is none; a picture of the page that failed."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.browser import dashboards as driver


def pytest_collection_modifyitems(items: Any) -> None:
    """Without a browser these tests are skipped, and the reason names the missing part."""
    reason = ""
    try:
        import playwright  # noqa: F401
    except ImportError:
        reason = "needs Playwright (pip install playwright)"
    if driver.CHROMIUM is None:
        reason = "needs Chromium (apt-get install chromium)"
    for item in items:
        if reason and Path(str(item.fspath)).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any) -> Iterator[None]:
    """Keep a screenshot of the page of a failing test."""
    outcome: Any = yield
    report = outcome.get_result()
    boards = [value for value in getattr(item, "funcargs", {}).values()
              if isinstance(value, driver.Dashboards)]
    if report.failed and boards:
        report.sections.append(
            ("screenshot", driver.keep_screenshot(boards[0].page, item.name)))
