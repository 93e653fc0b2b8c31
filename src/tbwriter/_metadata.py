"""The step and time of values that are added with neither: see `SummaryWriter.use_metadata`."""
from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Dict, Iterator, Optional, Tuple

Given = Tuple[Optional[int], Optional[float]]
_NOTHING: Given = None, None


class Metadata:
    """The step and wall time that one writer gives to values that have none.

    A block holds for its thread or asyncio task alone, so that blocks of several threads may
    overlap.
    """

    @property
    def step(self) -> Optional[int]:
        """The step of the block around the call."""
        return self._given[0]

    def replace(self, step: Optional[int]) -> bool:
        """Let this be the step of the block around the call. False if there is none."""
        if self not in _blocks.get():
            return False
        self._give((step, self._given[1]))
        return True

    @property
    def wall_time(self) -> Optional[float]:
        """The time of the block around the call."""
        return self._given[1]

    def now(self) -> float:
        """The time of a value that has none: that of the block around the call, or the clock's."""
        seconds = self._given[1]
        return time.time() if seconds is None else seconds

    @contextmanager
    def block(self, step: Optional[int], wall_time: Optional[float]) -> Iterator[None]:
        """Give this step and time inside the block; None is that of the block around it."""
        former = _blocks.get().get(self)
        around = former or _NOTHING
        self._give((around[0] if step is None else step,
                    around[1] if wall_time is None else wall_time))
        try:
            yield
        finally:
            self._give(former)

    @property
    def _given(self) -> Given:
        return _blocks.get().get(self, _NOTHING)

    def _give(self, given: Optional[Given]) -> None:
        others = {one: its for one, its in _blocks.get().items() if one is not self}
        _blocks.set(others if given is None else {**others, self: given})


# Replaced at each change: a task that is started in a block shares the dict of the block.
_blocks: ContextVar[Dict[Metadata, Given]] = ContextVar("tbwriter_metadata", default={})
