"""The pictures of the documentation: screenshots of stock TensorBoard on what this package wrote.

    python -m docs.pictures [WALKTHROUGH_LOGS]

draws the demo's dashboards anew and, if it is given the log directory of
`examples/mnist_module.py`, the walkthrough's. Needs Chromium and the extra `test`.
"""
from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Dict, List

from PIL import Image

HERE = Path(__file__).parent
from tbwriter import demo
from tests.browser.dashboards import Dashboards, dashboards

# Each dashboard, and something that is drawn late on it.
TABS = {
    "timeseries": "card-view", "scalars": "tf-scalar-card path.line",
    "images": "tf-image-loader img", "histograms": "vz-histogram-timeseries path",
    "distributions": "vz-distribution-chart path.area", "audio": "tf-audio-loader audio",
    "text": "tf-text-loader table", "pr_curves": "tf-pr-curve-card path.line",
    "hparams": "tf-hparams-table-view vaadin-grid-cell-content",
    "mesh": "tf-mesh-loader canvas", "projector": "iframe", "graphs": "tf-graph-scene g.node",
    "custom_scalars": "tf-custom-scalar-multi-line-chart-card path.line",
}

# How large the window is, and larger where a drawing needs it.
SIZE = {"width": 1000, "height": 640}
SIZES = {"mesh": {"width": 1000, "height": 900}}
# Of the four that stand side by side.
QUARTER = {"width": 740, "height": 540}


def take(boards: Dashboards, tab: str, name: str, size: Dict[str, int] = SIZE) -> Path:
    """A picture of one dashboard, in few colours so that it stays small."""
    boards.page.set_viewport_size(SIZES.get(tab, size))
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
    path = HERE / "pictures" / f"{name}.png"
    page.screenshot(path=str(path))
    colours = Image.Dither.NONE
    Image.open(path).convert("RGB").quantize(128, dither=colours).save(path, optimize=True)
    print(path.relative_to(HERE.parent))
    return path


def side_by_side(paths: List[Path], name: str) -> None:
    """Two pictures a row."""
    pictures = [Image.open(path).convert("RGB") for path in paths]
    width, height = pictures[0].size
    rows = (len(pictures) + 1) // 2
    sheet = Image.new("RGB", (2 * width, rows * height), "white")
    for i, picture in enumerate(pictures):
        sheet.paste(picture, (i % 2 * width, i // 2 * height))
    path = HERE / "pictures" / f"{name}.png"
    sheet.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path.relative_to(HERE.parent))


def main(walkthrough: str = "") -> None:
    (HERE / "pictures").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        demo.demo(f"{folder}/demo")
        with dashboards(Path(folder) / "demo") as boards:
            for tab in TABS:
                take(boards, tab, tab)
    if walkthrough:
        with dashboards(Path(walkthrough)) as boards:
            paths = [take(boards, tab, f"walkthrough_{tab}", QUARTER)
                     for tab in ("scalars", "images", "histograms", "distributions")]
        side_by_side(paths, "walkthrough")
        for path in paths:
            path.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
