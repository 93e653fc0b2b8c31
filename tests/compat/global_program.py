"""A program whose processes log through one GlobalSummaryWriter. The tests run it.

    global_program.py LOGDIR METHOD: four processes, 25 values each, started by METHOD
    global_program.py LOGDIR METHOD die: a child is killed after 10 values
    global_program.py LOGDIR METHOD orphan: this process is killed, its children continue
    global_program.py LOGDIR METHOD ends: this process ends without waiting for its children
"""
from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from typing import Any

from tbwriter.compat.tensorboardX import GlobalSummaryWriter

# Spawned processes run this line too, as they would in a program of a user.
writer = GlobalSummaryWriter(sys.argv[1])


def log(name: str, first: int, number: int = 25) -> None:
    for value in range(first, first + number):
        writer.add_scalar(name, value)


def log_with(passed: Any, first: int) -> None:
    """Log by a writer that came as an argument."""
    for value in range(first, first + 25):
        passed.add_scalar("passed", value)


def log_and_die(first: int) -> None:
    log("loss", first, 10)
    os.kill(os.getpid(), signal.SIGKILL)


def log_slowly(first: int, begun: Any, orphaned: Any) -> None:
    log("loss", first, 10)
    begun.release()
    orphaned.wait(60)
    log("loss", first + 10, 10)


def kinds(number: int) -> None:
    import numpy as np
    writer.add_text("notes", f"of {number}")
    writer.add_image("picture", np.full((3, 4, 4), number / 9))


def main(method: str, fate: str) -> None:
    context: Any = multiprocessing.get_context(method)
    if fate == "orphan":
        begun, orphaned = context.Semaphore(0), context.Event()
        children = [context.Process(target=log_slowly, args=(100 * n, begun, orphaned))
                    for n in range(2)]
        for child in children:
            child.start()
        for _ in children:
            begun.acquire()
        log("loss", 1000, 5)
        print(*(child.pid for child in children), flush=True)
        if os.fork() == 0:  # outlives this process, to let the others continue
            time.sleep(0.5)
            orphaned.set()
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    children = [context.Process(target=log, args=("loss", 100 * n)) for n in range(4)]
    if fate == "ends":
        for child in children:
            child.start()
        return
    children += [context.Process(target=log_with, args=(writer, 100 * n)) for n in range(2)]
    children += [context.Process(target=kinds, args=(n,)) for n in range(3)]
    if fate == "die":
        children.append(context.Process(target=log_and_die, args=(900,)))
    for child in children:
        child.start()
    for child in children:
        child.join()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
