"""Some batches of an Estimator's training in the Profile dashboard."""
from __future__ import annotations

from typing import Any

from ._profile import Batches, profile


class EstimatorBatches(Batches):
    """Profiles training batches whose handler reports when they begin and end.

    Input is the time from the end of a batch, or the beginning of an epoch, to the next batch.
    """

    def __init__(self, writer: Any, first: int, last: int) -> None:
        super().__init__(profile(writer), first, last)
        self._batch = 0  # counted since this process began to train

    def epoch_begin(self, net: Any) -> None:
        self._profile.symbol = net
        self.due(self._batch)
        self.wait()

    def batch_begin(self, step: int) -> None:
        self.arrived()
        self.begin(step)

    def batch_end(self) -> None:
        self.end(self._batch)
        self._batch += 1
        self.due(self._batch)
        self.wait()
