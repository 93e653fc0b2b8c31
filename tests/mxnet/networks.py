"""Small training loops, named by the needs of the tests."""
from __future__ import annotations

import mxnet as mx
import numpy as np

SAMPLES, BATCH = 40, 8
BATCHES = SAMPLES // BATCH


def data(batch=BATCH, samples=SAMPLES):
    """An iterator over two classes that a line separates."""
    x = np.random.RandomState(0).randn(samples, 6).astype("float32")
    return mx.io.NDArrayIter(x, (x.sum(1) > 0).astype("float32"), batch)


def mlp():
    """fc1 (4) - relu1 - fc2 (2) - softmax."""
    x = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, name="fc1")
    x = mx.sym.Activation(x, act_type="relu", name="relu1")
    x = mx.sym.FullyConnected(x, num_hidden=2, name="fc2")
    return mx.sym.SoftmaxOutput(x, name="softmax")


def module(devices=1, **more):
    return mx.mod.Module(mlp(), context=[mx.cpu(index) for index in range(devices)], **more)


def fit(trained, callbacks, epochs=2, evaluate=True, iterator=None, **more):
    """Train with the callbacks of a test, at a learning rate of 0.1."""
    more.setdefault("optimizer_params", {"learning_rate": 0.1})
    trained.fit(iterator or data(), data() if evaluate else None, num_epoch=epochs, **callbacks,
                **more)


def buckets(sizes=(3, 5)):
    """(BucketingModule, iterator): sequences of two lengths, in turn, with shared parameters."""
    def network(length):
        x = mx.sym.sum(mx.sym.var("data"), axis=1)  # (batch, length, 6) -> (batch, 6)
        x = mx.sym.FullyConnected(x, num_hidden=2, name="fc1")
        return mx.sym.SoftmaxOutput(x, name="softmax"), ("data",), ("softmax_label",)
    return mx.mod.BucketingModule(network, default_bucket_key=max(sizes)), _Buckets(sizes)


class _Buckets(mx.io.DataIter):
    def __init__(self, sizes, batches=6):
        super().__init__(BATCH)
        self._sizes, self._batches, self._at = sizes, batches, 0
        self.default_bucket_key = max(sizes)
        self.provide_data = self._data(max(sizes))
        self.provide_label = [mx.io.DataDesc("softmax_label", (BATCH,))]

    def _data(self, size):
        return [mx.io.DataDesc("data", (BATCH, size, 6))]

    def reset(self):
        self._at = 0

    def next(self):
        if self._at == self._batches:
            raise StopIteration
        size = self._sizes[self._at % len(self._sizes)]
        self._at += 1
        return mx.io.DataBatch([mx.nd.random.normal(shape=(BATCH, size, 6))],
                               [mx.nd.ones(BATCH)], pad=0, bucket_key=size,
                               provide_data=self._data(size), provide_label=self.provide_label)
