"""The picture of docs/profile.md: the trace viewer on the profile that `tbwriter demo` writes.

    python docs/profile_picture.py

Runs where XProf is installed, see docs/profile.md, with Playwright and Chromium.
"""
from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

WINDOW = (1740, 560)
# Without the bar of XProf at the left and what is empty below.
CLIP = {"x": 340, "y": 112, "width": 1400, "height": 240}

sys.path.insert(0, str(HERE.parent))
from PIL import Image  # noqa: E402

from tests.profile.xprof.judge import board, browser, wait_for  # noqa: E402

from tbwriter import demo  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        demo.demo(f"{folder}/demo")
        with board(Path(folder)) as served, browser(*WINDOW) as page:
            [run] = served.runs(1)
            page.goto(served.page(run, "trace_viewer@", "demo"))
            wait_for(page, "MainThread", "loader", "train 105")
            page.wait_for_timeout(3000)
            path = HERE / "pictures" / "profile.png"
            page.screenshot(path=str(path), clip=CLIP)
    Image.open(path).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(
        path, optimize=True)
    print(path.relative_to(HERE.parent))


if __name__ == "__main__":
    argparse.ArgumentParser(description="Take docs/pictures/profile.png again.").parse_args()
    main()
