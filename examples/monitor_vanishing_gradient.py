"""Find a vanishing gradient with a Monitor: sigmoid against relu in a deep network.

    python examples/monitor_vanishing_gradient.py
    tensorboard --logdir runs/vanishing

In the histograms of the run `sigmoid`, `fc1_backward_weight` is a peak at zero: the first layer
learns nothing. In the run `relu` it is as wide as the gradients of later layers.
"""
from __future__ import annotations

import argparse

import mxnet as mx
import numpy as np

from tbwriter import FileWriter
from tbwriter.mxnet import Monitor

LAYERS = 8

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--logdir", default="runs/vanishing")
options = parser.parse_args()

# Points inside and outside a ball.
points = np.random.RandomState(0).randn(3200, 20).astype("float32")
inside = (np.linalg.norm(points, axis=1) < 4.4).astype("float32")


def network(activation: str) -> mx.sym.Symbol:
    net = mx.sym.var("data")
    for layer in range(1, LAYERS + 1):
        net = mx.sym.FullyConnected(net, name=f"fc{layer}", num_hidden=64)
        net = mx.sym.Activation(net, name=f"{activation}{layer}", act_type=activation)
    net = mx.sym.FullyConnected(net, name=f"fc{LAYERS + 1}", num_hidden=2)
    return mx.sym.SoftmaxOutput(net, name="softmax")


with FileWriter(options.logdir) as writer:
    for activation in ("sigmoid", "relu"):
        mx.random.seed(1)
        monitor = Monitor(writer.sub_run(activation), 10, pattern=r"fc\d+_backward_weight")
        mx.mod.Module(network(activation)).fit(
            mx.io.NDArrayIter(points, inside, 100), num_epoch=options.epochs, monitor=monitor,
            initializer=mx.init.Xavier(), optimizer_params={"learning_rate": 0.05})
