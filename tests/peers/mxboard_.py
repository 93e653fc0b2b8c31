"""mxboard, and the callback of MXNet that writes with it."""
from __future__ import annotations

import logging
import os
from typing import Any, List

from tests.peers import given
import mxboard
from tests.peers import nets
from tests.peers.asked import Writer
from mxnet.contrib import tensorboard as contrib

# It warns at every call whose tag it would change.
logging.disable(logging.WARNING)


class MXBoard(Writer):
    package = "mxboard"

    def modules(self) -> List[Any]:
        return [mxboard]

    def open(self, logdir: str, **options: Any) -> Any:
        return mxboard.SummaryWriter(logdir, verbose=False, **options)

    def image(self, logdir: str, layout: str, channels: int) -> None:
        """It has no argument for the layout."""
        with self.open(logdir) as writer:
            writer.add_image("tag", given.laid_out(layout, channels), 0)

    def grid(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add_image("tag", given.several().transpose(0, 3, 1, 2), 0)

    def deep(self, logdir: str, channels: int) -> None:
        with self.open(logdir) as writer:
            writer.add_image("tag", given.deep(channels).transpose(2, 0, 1), 0)

    def figure(self, logdir: str) -> None:
        self.absent("figure")

    def sound(self, logdir: str, clip: Any) -> None:
        with self.open(logdir) as writer:
            writer.add_audio("tag", clip, given.RATE, 0)

    def video(self, logdir: str, helper: str) -> None:
        self.absent("video")

    def embedding(self, logdir: str, kind: str) -> None:
        more = {"points": {}, "labels": {"labels": given.NAMES},
                "pictures": {"images": given.tiles()}}[kind]
        with self.open(logdir) as writer:
            writer.add_embedding("tag", given.MATRIX, global_step=0, **more)

    def embedding_binary(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add_embedding("tag", given.LARGE_MATRIX, global_step=0)

    def torch_graph(self, logdir: str) -> None:
        """Its argument is a Symbol or a HybridBlock; torch need not be there to see that."""
        with self.open(logdir) as writer:
            writer.add_graph(_Module())

    def several_graphs(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add_graph(nets.symbol())
            writer.add_graph(nets.block())

    def costs(self, logdir: str) -> None:
        self.mxnet_graph(logdir, "symbol")

    def resumed(self, logdir: str, step: int) -> Any:
        """It has no argument for the step."""
        self.without("purge")
        return self.open(logdir)

    def values(self, logdir: str) -> None:
        with self.open(logdir) as writer:
            writer.add_scalar("main", {"one": 1, "two": 2}, 0)

    def add_hostile(self, writer: Any, kind: str, tag: str, curve: str) -> None:
        if kind == "curves":
            writer.add_scalar(tag, {curve: 1}, 0)
        else:
            writer.add_embedding(tag, given.MATRIX, global_step=0)

    def fit(self, logdir: str) -> None:
        train = contrib.LogMetricsCallback(os.path.join(logdir, "train"))
        validation = contrib.LogMetricsCallback(os.path.join(logdir, "validation"))
        nets.fit(batch_end_callback=train, eval_end_callback=validation)
        train.summary_writer.close()
        validation.summary_writer.close()

    def fit_histograms(self, logdir: str) -> None:
        """Its callback logs metrics, and nothing else."""
        self.fit(logdir)


class Adapter:
    """The calls that the scenarios of faults make, in mxboard's words."""

    def __init__(self, logdir: str) -> None:
        self.writer = mxboard.SummaryWriter(logdir, verbose=False)
        self.add_scalar = self.add_scalars = self.writer.add_scalar
        self.flush, self.close = self.writer.flush, self.writer.close


class _Module:
    """A torch module by name, and by its usual attributes."""

    __module__ = "torch.nn.modules.module"

    def forward(self, *_: Any) -> None:
        pass

    def parameters(self) -> List[Any]:
        return []


WRITER = MXBoard()
