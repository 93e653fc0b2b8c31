"""Several files for reading at any place."""
from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter, OrderedDict
from io import FileIO
from typing import Callable, Counter as Counts, Dict, Optional

from .places import is_url
from .window import DISK_CHUNK, Place, Window

_OPEN_FILES = 16
# How much is read in one call: most records are shorter.
_GUESS = 512


class Anywhere:
    """Files by number, of which a few are open.

    A compressed file is decompressed once, into a temporary file without a name. Each request for
    an object loads more than a value: once as many bytes as it has were read, it is copied there.

    place: gives the place of each. process: the one that opens them; a forked process would share
    the positions of its descriptors.
    """

    def __init__(self, place: Callable[[int], Place]) -> None:
        self.process = os.getpid()
        self._place = place
        self._open: "OrderedDict[int, Window]" = OrderedDict()
        self._copied: Dict[int, Window] = {}
        self._copies: Optional[FileIO] = None
        self._loaded: Counts[int] = Counter()  # of objects

    def __del__(self) -> None:
        self.close()
        if self._copies is not None:
            self._copies.close()

    def close(self) -> None:
        """Close all files but the temporary one. They are opened again when needed."""
        while self._open:
            self._close_first()

    def window(self, number: int) -> Window:
        """A file, open until others are asked for. Raises as `Window` does."""
        window = self._copied.get(number) or self._open.get(number)
        if window is None:
            if len(self._open) == _OPEN_FILES:
                self._close_first()
            window = self._opened(number)
        return window

    def _close_first(self) -> None:
        number, window = self._open.popitem(last=False)
        self._loaded[number] += window.loaded
        window.close()

    def _opened(self, number: int) -> Window:
        place = self._place(number)
        remote = isinstance(place, str) and is_url(place)
        window = Window(place, most=DISK_CHUNK if remote else _GUESS)
        try:
            if window.gzipped or remote and self._loaded[number] >= window.size:
                self._copy(number, window)
        except BaseException:
            window.close()
            raise
        if number not in self._copied:
            self._open[number] = window
        return window

    def _copy(self, number: int, window: Window) -> None:
        """Copy a file, unless it would take most of the disk, as a small compressed file may."""
        try:
            if window.size > shutil.disk_usage(tempfile.gettempdir()).free // 2:
                return
            if self._copies is None:
                self._copies = tempfile.TemporaryFile(buffering=0)
            window.move(self._copies)
        except OSError:  # no directory for temporary files, or no space in it: slower without
            return
        self._copied[number] = window
