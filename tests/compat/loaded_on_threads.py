"""A program that prints which modules a GlobalSummaryWriter imports on its threads. The tests run
it.

    loaded_on_threads.py LOGDIR
"""
from __future__ import annotations

import multiprocessing
import sys
import threading
from typing import Any, List

import numpy as np

from tbwriter.compat.tensorboardX import GlobalSummaryWriter

names: List[str] = []


class Recorder:
    """The first of the finders: notes what is looked for elsewhere than on the main thread."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        if threading.current_thread() is not threading.main_thread():
            names.append(name)


def log(writer: GlobalSummaryWriter) -> None:
    writer.add_scalar("loss", 0.5)
    writer.add_text("notes", "text")
    writer.add_image("picture", np.ones((3, 4, 4)))


def main() -> None:
    writer = GlobalSummaryWriter(sys.argv[1])
    sys.meta_path.insert(0, Recorder)  # type: ignore[arg-type]
    child = multiprocessing.get_context("fork").Process(target=log, args=(writer,))
    child.start()
    child.join()
    writer.close()
    print(*names, child.exitcode)


if __name__ == "__main__":
    main()
