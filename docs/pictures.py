"""The pictures of the documentation: screenshots of stock TensorBoard on what this package wrote.

    python -m docs.pictures [LOGS]

takes those of the demo and of the how-to pages again and, if LOGS holds the run of
`examples/module_callbacks.py`, the first one of README. Needs Chromium, MXNet and the extra `test`.
"""
from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Tuple

from PIL import Image

HERE = Path(__file__).parent
from tbwriter import demo
from tbwriter.cli import main as command
from tests.browser.dashboards import Dashboards, dashboards

# Each dashboard, and something that is drawn late on it (a CSS selector).
TABS = {
    "timeseries": "card-view", "scalars": "tf-scalar-card path.line",
    "images": "tf-image-loader img", "histograms": "vz-histogram-timeseries path",
    "distributions": "vz-distribution-chart path.area", "audio": "tf-audio-loader audio",
    "text": "tf-text-loader table", "pr_curves": "tf-pr-curve-card path.line",
    "hparams": "tf-hparams-table-view vaadin-grid-cell-content",
    "mesh": "tf-mesh-loader canvas", "projector": "iframe", "graphs": "tf-graph-scene g.node",
    "custom_scalars": "tf-custom-scalar-multi-line-chart-card path.line",
}

# The runs and tags of the demo that each picture shows, so that no tab is cut.
CURVES = ("train", "validation"), ("accuracy", "loss/*")
SHOWN: Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "timeseries": CURVES, "scalars": CURVES, "custom_scalars": (CURVES[0], (*CURVES[1], "custom*")),
    "images": (("train",), ("boxes", "samples", "depth*")),
    "histograms": (("train",), ("*/dense",)), "distributions": (("train",), ("*/dense",)),
    "audio": (("train",), ("chord",)), "text": (("train",), ("notes", "settings")),
    "pr_curves": (("train",), ("detection",)), "hparams": (("hparams/*",), ("*",)),
    "mesh": (("train",), ("torus*",)), "projector": (("train",), ("learning_rate",)),
    "graphs": (("train",), ("__run_graph__", "step 100")),
}

# How large the window is, and larger where a drawing needs it.
SIZE = {"width": 1000, "height": 640}
SIZES = {"mesh": {"width": 1000, "height": 900}}
# How-to pages with a picture of what their code logs: the dashboard, and the height that is filled.
HOWTO = {"comparing": ("timeseries", 700), "confusion-matrix": ("images", 620),
         "gradients": ("distributions", 400), "learning-rate": ("timeseries", 700)}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# README's first picture: the cards that are pinned in Time Series, above a part of two other tabs.
TRAINING = {"width": 1400, "height": 880}
PINNED = ("accuracy", "cross-entropy", "images/fc1_weight")
TOP = 610
PARTS = {"histograms": "vz-histogram-timeseries path",
         "distributions": "vz-distribution-chart path.area"}


def take(boards: Dashboards, tab: str, name: str, size: Dict[str, int]) -> None:
    """A picture of one dashboard."""
    boards.page.set_viewport_size(size)
    page = boards.open(tab, TABS[tab])
    page.wait_for_timeout(4000)
    if tab == "timeseries":
        page.locator("button.settings-button").click()
    elif tab == "graphs":
        page.locator("tf-graph-scene g.node[data-name='features'] .nodeshape").first.dblclick()
        page.wait_for_timeout(1000)
        page.mouse.click(SIZE["width"] - 20, SIZE["height"] - 20)  # nothing is chosen
        page.get_by_text("Fit to screen").click()
    page.mouse.move(2, 2)  # nothing is lit up by the pointer
    page.wait_for_timeout(2000)
    save(shot(page), HERE / "pictures" / f"{name}.png")


def howto(page: str, folder: str) -> None:
    """A picture of what the code of a how-to page logs; it runs in the folder."""
    code = "".join(BLOCK.findall((HERE / "howto" / f"{page}.md").read_text("utf-8")))
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True,
                   env={**os.environ, "PYTHONPATH": str(HERE.parent / "src")})
    tab, height = HOWTO[page]
    with dashboards(Path(folder) / "runs") as boards:
        take(boards, tab, f"howto_{page}", {**SIZE, "height": height})


def training(boards: Dashboards) -> None:
    """Curves of two runs and a weight in Time Series; gradients in Histograms and Distributions."""
    width, height = TRAINING["width"], TRAINING["height"]
    sheet = Image.new("RGB", (width, height), "white")
    boards.page.set_viewport_size({"width": width, "height": TOP})
    page = boards.open("timeseries", "card-view")
    page.locator("button.settings-button").click()
    chosen = page.get_by_role("combobox", name="Filter tags")
    for tag in PINNED:
        chosen.fill(f"^{tag}$")
        page.wait_for_timeout(2000)
        page.get_by_label("Pin card").first.click()
    chosen.fill("")
    chosen.press("Escape")  # no list of tags over the cards
    page.mouse.move(2, 2)
    page.wait_for_timeout(4000)
    sheet.paste(shot(page), (0, 0))
    for number, (tab, drawn) in enumerate(PARTS.items()):
        page = boards.open(tab, drawn)
        page.wait_for_timeout(3000)
        cards = {"x": 350, "y": 120, "width": width // 2, "height": height - TOP}
        sheet.paste(shot(page, clip=cards), (number * width // 2, TOP))
    save(sheet, HERE / "pictures" / "training.png")


def shot(page: Any, **clip: Any) -> Image.Image:
    """What the page shows."""
    return Image.open(io.BytesIO(page.screenshot(**clip))).convert("RGB")


def save(picture: Image.Image, path: Path) -> None:
    """In few colours, so that the file stays small."""
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.relative_to(HERE.parent))


def main(logs: str = "") -> None:
    (HERE / "pictures").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        demo.demo(f"{folder}/demo")
        for tab, (runs, tags) in SHOWN.items():
            chosen = [word for run in runs for word in ("--run", run)]
            chosen += [word for tag in tags for word in ("--tag", tag)]
            assert command(["select", f"{folder}/demo", f"{folder}/{tab}", *chosen]) == 0
            with dashboards(Path(folder) / tab) as boards:
                take(boards, tab, tab, SIZES.get(tab, SIZE))
    for page in HOWTO:
        with tempfile.TemporaryDirectory() as folder:
            howto(page, folder)
    if logs:
        with dashboards(Path(logs)) as boards:
            training(boards)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Take the pictures in docs/pictures again, with "
                                     "Chromium.")
    parser.add_argument("logs", nargs="?", default="", metavar="LOGS",
                        help="the run of examples/module_callbacks.py, for README's first picture")
    main(parser.parse_args().logs)
