"""Forked processes that log through the writers of their parent, each into a file of its own."""
from __future__ import annotations

import os
import weakref
from typing import Any

from ._warnings import once

# Each has a method `after_fork`, which is called in a forked child.
writers: "weakref.WeakSet[Any]" = weakref.WeakSet()


def warn_of_shared(tag: str) -> None:
    """Warn, once in this process, that it logs `tag` as its parent did."""
    once(("forked", os.getpid()),
         f"this process was forked, and logs {tag!r} as its parent did, into a second file of one "
         "run: TensorBoard's default loader then drops the values of the first file from the step "
         "at which the second one begins. Log to sub_run('worker 1') of this writer, which is a "
         "run of its own, or let all processes use tbwriter.compat.tensorboardX."
         "GlobalSummaryWriter")


def _after_fork() -> None:
    for writer in list(writers):
        writer.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
