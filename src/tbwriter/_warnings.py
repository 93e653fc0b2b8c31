"""Things a user is told once: a warning that would otherwise come with every step."""
from __future__ import annotations

import warnings
from typing import Hashable, Set

_told: Set[Hashable] = set()


def once(key: Hashable, text: str) -> None:
    """RuntimeWarning with `text`, the first time that `key` is seen."""
    if key in _told:
        return
    _told.add(key)
    try:
        warnings.warn(text, RuntimeWarning, stacklevel=3)
    except RuntimeWarning:
        # Under `-W error`. The notice may come from the writer's thread, in the middle of a
        # record that shall be written all the same.
        pass
