"""Networks and arrays of MXNet; where it is not installed, stand-ins of the same names.

MXNet 1.9 needs numpy < 1.24, and TensorFlow and torch want a newer one, so they can't all be
installed in one environment.
"""
from __future__ import annotations

from typing import Any

import numpy as np

try:
    import mxnet
except Exception:
    mxnet = None


class NDArray:
    """An array that is known by its name and gives its values by asnumpy()."""

    __module__ = "mxnet.ndarray.ndarray"

    def __init__(self, data: Any) -> None:
        self._data = data
        self.shape, self.dtype, self.size = data.shape, data.dtype.type, data.size

    def asnumpy(self) -> Any:
        return self._data


class Symbol:
    """The methods of mxnet.sym.Symbol that a package may call that does not know it."""

    __module__ = "mxnet.symbol.symbol"

    def tojson(self) -> str:
        return '{"nodes": [{"op": "null", "name": "data", "inputs": []}], "arg_nodes": [0]}'


def array(values: Any, dtype: str = "float32") -> Any:
    if mxnet:
        return mxnet.nd.array(values, dtype=dtype)
    return NDArray(np.array(values, dtype))


def symbol() -> Any:
    """fc1 (4) - fc2 (2) - softmax."""
    if not mxnet:
        return Symbol()
    net = mxnet.sym.FullyConnected(mxnet.sym.var("data"), num_hidden=4, name="fc1")
    net = mxnet.sym.FullyConnected(net, num_hidden=2, name="fc2")
    return mxnet.sym.SoftmaxOutput(net, name="softmax")


def block() -> Any:
    """The same as a Gluon block, which has run once."""
    if not mxnet:
        return Symbol()
    net = mxnet.gluon.nn.HybridSequential()
    net.add(mxnet.gluon.nn.Dense(4), mxnet.gluon.nn.Dense(2))
    net.initialize()
    net.hybridize()
    net(mxnet.nd.ones((1, 3)))
    return net


def steps(net: Any) -> None:
    """Two steps of training a block."""
    for _ in range(2):
        with mxnet.autograd.record():
            loss = net(mxnet.nd.ones((1, 3))).sum()
        loss.backward()


EPOCHS, BATCHES = 2, 5


def fit(**callbacks: Any) -> None:
    """Train for two epochs of five batches."""
    points = np.random.RandomState(0).randn(40, 3).astype("float32")
    data = mxnet.io.NDArrayIter(points, (points.sum(axis=1) > 0).astype("float32"), 8)
    module = mxnet.mod.Module(symbol())
    module.fit(data, data, num_epoch=EPOCHS, optimizer_params={"learning_rate": 0.1}, **callbacks)
