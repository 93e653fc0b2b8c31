"""A program that prints which modules a GlobalSummaryWriter loads on its threads. The tests run it.

    loaded_on_threads.py LOGDIR
"""
from __future__ import annotations

import multiprocessing
import sys

import numpy as np

from tbwriter.compat.tensorboardX import GlobalSummaryWriter
from tests.support.loading import Recorder


def log(writer: GlobalSummaryWriter) -> None:
    writer.add_scalar("loss", 0.5)
    writer.add_text("notes", "text")
    writer.add_image("picture", np.ones((3, 4, 4)))


def main() -> None:
    writer = GlobalSummaryWriter(sys.argv[1])
    recorder = Recorder()
    child = multiprocessing.get_context("fork").Process(target=log, args=(writer,))
    child.start()
    child.join()
    writer.close()
    print(*recorder.names, child.exitcode)


if __name__ == "__main__":
    main()
