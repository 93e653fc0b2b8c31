"""Whose behaviour the tests of promises measure.

This package's; with TBWRITER_PEERS in the environment also that of tensorboardX and torch, whose
figures are recorded for the table and not judged. TBWRITER_PEERS is the Python interpreter which
has them, or 1 for the one that runs the tests.
"""
from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import List

PEERS = {"tensorboardX": "tensorboardX", "torch": "torch.utils.tensorboard"}


@functools.lru_cache(maxsize=None)
def writers() -> List[str]:
    """The writers that can be measured here."""
    return ["tbwriter", *(name for name in PEERS if os.environ.get("TBWRITER_PEERS")
                          and not _code(name, f"import {PEERS[name]}"))]


def python_of(writer: str) -> str:
    """The interpreter that has a writer."""
    peers = os.environ.get("TBWRITER_PEERS", "1")
    return sys.executable if writer == "tbwriter" or peers == "1" else peers


def _code(writer: str, program: str) -> int:
    return subprocess.run([python_of(writer), "-c", program], stderr=subprocess.DEVNULL).returncode
