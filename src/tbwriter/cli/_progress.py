"""Progress bars on long work: tqdm's where it is installed, none otherwise."""
from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Callable, Iterator


@contextmanager
def bar(total: int, title: str) -> Iterator[Callable[[int], object]]:
    """Yields a function to call with each further number of bytes done. Shows a bar in a terminal
    only."""
    try:
        from tqdm import tqdm
    except ImportError:
        yield lambda done: None
        return
    with tqdm(total=total, desc=title, unit="B", unit_scale=True, leave=False, file=sys.stderr,
              disable=None) as shown:
        yield shown.update
