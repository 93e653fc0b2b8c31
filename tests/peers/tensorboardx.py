"""tensorboardX."""
from __future__ import annotations

from typing import Any, List

import tensorboardX
from tests.peers.asked import Writer


class TensorboardX(Writer):
    package = "tensorboardX"
    helpers = ("moviepy", "soundfile")

    def modules(self) -> List[Any]:
        return [tensorboardX]

    def open(self, logdir: str, **options: Any) -> Any:
        return tensorboardX.SummaryWriter(logdir, **options)

    def add_trial(self, writer: Any, where: str) -> None:
        super().add_trial(_Named(writer), where)

    def counted(self, logdir: str, kind: str) -> None:
        """Its GlobalSummaryWriter counts the steps of the kinds that it has."""
        if kind == "histograms":
            return super().counted(logdir, kind)
        writer = tensorboardX.GlobalSummaryWriter(logdir)
        for value in range(3):
            writer.add_scalar("tag", value)
        writer.close()


class _Named:
    """add_hparams with torch's name for the argument."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def add_hparams(self, hparams: Any, metrics: Any, run_name: Any = None) -> None:
        self._writer.add_hparams(hparams, metrics, name=run_name)


WRITER = TensorboardX()
