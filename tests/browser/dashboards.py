"""A stock TensorBoard in a real browser, and what its dashboards have drawn.

Chromium comes from the system (`apt-get install chromium`), Playwright drives it, and both talk on
loopback only. The pictures of the docs are made by the same means: `docs/pictures.py`.
"""
from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, List, Optional

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
          "--disable-background-networking --disable-component-update").split()
PATIENCE = 60_000  # milliseconds until something must be drawn


class Dashboards:
    """The pages of one TensorBoard."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self._url = url

    def open(self, tab: str, drawn: Optional[str] = None) -> Any:
        """Go to a dashboard, wait until `drawn` (a CSS selector) is there, give the page.

        Playwright's selectors look into shadow trees, of which the older dashboards are made.
        """
        self.page.goto("about:blank")
        self.page.goto(f"{self._url}#{tab}")
        if drawn:
            self.page.locator(drawn).first.wait_for(timeout=PATIENCE)
        return self.page

    def points(self) -> List[int]:
        """How many points each curve on the page has, for curves of more than one."""
        paths = self.page.locator("path.line").evaluate_all(
            "paths => paths.map(path => path.getAttribute('d') || '')")
        return [path.count("L") + 1 for path in paths if "L" in path]

    def colours(self, selector: str) -> int:
        """The number of colours in the drawing of a canvas: one if it is blank."""
        from PIL import Image
        picture = self.page.locator(selector).first.screenshot()
        colours = Image.open(io.BytesIO(picture)).convert("RGB").getcolors(1 << 24)
        return len(colours or [])


@contextlib.contextmanager
def browser_page(width: int, height: int, scale: float = 1) -> Iterator[Any]:
    """An empty page in a browser window of that size."""
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height},
                                device_scale_factor=scale)
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


@contextlib.contextmanager
def dashboards(logdir: Path, width: int = 1280, height: int = 900, scale: float = 1,
               fast: bool = False) -> Iterator[Dashboards]:
    """A TensorBoard on `logdir` in a browser window of that size; fully loaded, if not `fast`."""
    loader = ["--load_fast=true"] if fast else ["--load_fast=false", "--reload_task=blocking"]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", logdir.name, "--host", "127.0.0.1",
         "--port", "0", "--reload_interval=0", *loader],
        stderr=subprocess.PIPE, text=True, cwd=str(logdir.parent))
    try:
        assert server.stderr is not None
        url = next(match.group() for line in server.stderr
                   for match in [re.search(r"http://127\.0\.0\.1:\d+/", line)] if match)
        with browser_page(width, height, scale) as page:
            yield Dashboards(page, url)
    finally:
        server.terminate()
        server.wait(30)
        assert server.stderr is not None
        server.stderr.close()


def keep_screenshot(page: Any, name: str) -> str:
    """A picture of the page as it is, to see why a test failed."""
    folder = Path(os.environ.get("TBWRITER_SCREENSHOTS", "screenshots"))
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.png"
    page.screenshot(path=str(path))
    return str(path)
