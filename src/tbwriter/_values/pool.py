"""Buffers for snapshots of large arrays, used again.

The kernel hands out large blocks of memory page by page, and touching a new page takes longer than
copying into one that was used before. A training program logs arrays of the same sizes again and
again, so a buffer whose array was encoded is kept for the next one.

The pool never makes the memory larger than it was at its peak: before a new buffer is made,
unused ones of the same size in total are freed. The writer's thread frees all of them once it is
idle.
"""
from __future__ import annotations

from typing import Dict, List

from .._memory import free_unused

# The smallest buffer of the pool: the C library itself keeps smaller blocks.
SMALLEST = 1 << 18
_ROUND = 1 << 16


class Pool:
    """Unused buffers by their size. Taking and giving back are atomic: any thread and any signal
    handler may do it, and takes each buffer once."""

    def __init__(self) -> None:
        self._free: Dict[int, List[bytearray]] = {}

    def take(self, nbytes: int) -> bytearray:
        """A buffer of at least `nbytes`; its content is arbitrary."""
        size = -(-nbytes // _ROUND) * _ROUND
        try:
            return self._free[size].pop()
        except (KeyError, IndexError):
            self._drop(size)
            return bytearray(size)

    def give_back(self, buffer: bytearray) -> None:
        """Keep a buffer to which nothing refers."""
        self._free.setdefault(len(buffer), []).append(buffer)

    def clear(self) -> None:
        """Free all unused buffers."""
        self._free.clear()

    @property
    def nbytes(self) -> int:
        """The bytes of all unused buffers."""
        return sum(size * len(buffers) for size, buffers in list(self._free.items()))

    def _drop(self, nbytes: int) -> None:
        """Free unused buffers until `nbytes` are free or none is left."""
        for size, buffers in list(self._free.items()):
            while nbytes > 0:
                try:
                    buffers.pop()
                except IndexError:
                    break
                nbytes -= size


pool = Pool()
free_unused.append(pool.clear)
