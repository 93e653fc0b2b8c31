"""XProf as the judge: its own converter on our files, a stock TensorBoard, and a browser."""
from __future__ import annotations

import contextlib
import gzip
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_FLAGS = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
          "--disable-background-networking --disable-component-update").split()
PATIENCE = 60_000  # milliseconds until something must be drawn

# Runs before a page's own scripts: what is drawn on a canvas is kept as text.
_KEEP_TEXT = """
window.drawn = [];
const fillText = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function(text, ...rest) {
  window.drawn.push(String(text));
  return fillText.call(this, text, ...rest);
};
"""


class Converted:
    """One session's file, through XProf's converter."""

    def __init__(self, logdir: Path) -> None:
        [self.path] = logdir.rglob("*.xplane.pb")
        self.host = self.path.name[:-len(".xplane.pb")]

    def tool(self, name: str) -> Any:
        """The data that XProf computes for one of its pages."""
        from xprof.convert.raw_to_tool_data import xspace_to_tool_data
        data, _ = xspace_to_tool_data([str(self.path)], name, {
            "hosts": [self.host], "use_saved_result": False})
        return json.loads(data)

    def operators(self) -> Dict[Tuple[str, str], Tuple[int, float]]:
        """{(type, name): (count, microseconds)} of the framework op table, without idle time."""
        table = rows(self.tool("framework_op_stats")[0])
        return {(row["type"], row["operation"]): (int(row["occurrences"]), row["total_time"])
                for row in table if row["type"] != "IDLE"}

    def steps(self) -> Dict[str, Dict[str, float]]:
        """{label: {kind of time: milliseconds}} of the input pipeline page."""
        return {row["stepnum"]: row for row in rows(self.tool("input_pipeline_analyzer")[1])}

    def verdict(self) -> str:
        """The conclusion of the input pipeline page."""
        return str(self.tool("input_pipeline_analyzer")[1]["p"]["input_conclusion"])

    def memory(self) -> Dict[str, Any]:
        """{pool: profile} of the memory profile page."""
        found: Dict[str, Any] = self.tool("memory_profile")["memoryProfilePerAllocator"]
        return found

    def trace(self) -> "Trace":
        return Trace(self.tool("trace_viewer@")["traceEvents"])


class Trace:
    """The trace viewer's data: names of threads, spans by thread, counters."""

    def __init__(self, events: List[Any]) -> None:
        threads = {event["tid"]: event["args"]["name"] for event in events
                   if event["name"] == "thread_name"}
        self.threads = set(threads.values())
        self.planes = {event["args"]["name"] for event in events if event["name"] == "process_name"}
        self.spans: Dict[str, List[str]] = {}
        for event in events:
            if event["ph"] == "X":
                self.spans.setdefault(threads[event["tid"]], []).append(event["name"])
        self.counters = {event["name"]: [value for _, value in event["entries"]]
                         for event in events if event["ph"] == "C"}


def rows(table: Any) -> List[Dict[str, Any]]:
    """The rows of a table of Google Charts."""
    ids = [column["id"] for column in table["cols"]]
    return [dict(zip(ids, [cell["v"] for cell in row["c"]])) for row in table["rows"]]


class Board:
    """A stock TensorBoard with the profile plugin."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **query: str) -> Any:
        """An endpoint of the plugin."""
        url = f"{self.url}data/plugin/profile/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read()
        return json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)

    def runs(self, count: int) -> List[str]:
        """The sessions, once there are so many."""
        for _ in range(60):
            found: List[str] = self.get("runs")
            if len(found) >= count:
                break
            time.sleep(0.5)
        return found

    def page(self, run: str, tool: str, host: str) -> str:
        """The address of a page."""
        query = urllib.parse.urlencode({"run": run, "tag": tool, "host": host})
        return f"{self.url}data/plugin/profile/index.html?{query}"


@contextlib.contextmanager
def board(logdir: Path) -> Iterator[Board]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir), "--host", "127.0.0.1",
         "--port", "0", "--load_fast=false"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        url = next(match.group() for line in server.stderr
                   for match in [re.search(r"http://127\.0\.0\.1:\d+/", line)] if match)
        threading.Thread(target=lambda: [None for _ in server.stderr or ()], daemon=True).start()
        yield Board(url)
    finally:
        server.terminate()
        server.wait(30)


@contextlib.contextmanager
def browser(width: int = 1280, height: int = 800) -> Iterator[Any]:
    """A page of a browser that keeps what canvases draw."""
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE)
        page.add_init_script(_KEEP_TEXT)
        yield page
        chromium.close()


def shown(page: Any) -> str:
    """All text of a page, in its frames and on its canvases."""
    from playwright.sync_api import Error
    texts: List[str] = []
    for frame in page.frames:
        try:
            texts.append(frame.evaluate("document.body ? document.body.innerText : ''"))
            texts += frame.evaluate("window.drawn || []")
        except Error:  # the frame goes to another page
            pass
    return "\n".join(texts)


def wait_for(page: Any, *words: str) -> str:
    """The text of a page once it has these words. AssertionError with the text after a minute."""
    for _ in range(PATIENCE // 500):
        text = shown(page)
        if all(word in text for word in words):
            return text
        page.wait_for_timeout(500)
    raise AssertionError(f"{[word for word in words if word not in text]} not on the page:\n{text}")
