"""Gluon blocks of either version of MXNet."""
from __future__ import annotations

from typing import Any

import mxnet as mx
from mxnet.gluon import nn

MXNET_1 = mx.__version__.startswith("1.")


def hybrid_block(base: Any = nn.HybridBlock) -> Any:
    """A base class whose `run(x)` is the forward of either version."""
    def forward(self: Any, *args: Any) -> Any:
        return self.run(*args[MXNET_1:])
    return type("Base", (base,), {"hybrid_forward" if MXNET_1 else "forward": forward})
