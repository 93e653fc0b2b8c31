"""Gluon's Estimator: one event handler logs training and validation into one chart.

    python examples/estimator.py runs/estimator && tensorboard --logdir runs/estimator
"""
import argparse

import mxnet as mx
from mxnet import gluon
from mxnet.gluon import nn
from mxnet.gluon.contrib.estimator import Estimator

from tbwriter import FileWriter
from tbwriter.mxnet import EstimatorHandler

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("logdir")
options = parser.parse_args()


def loader(samples):
    """Points in a square; the label is whether a point is inside a circle."""
    points = mx.nd.random.uniform(-1, 1, (samples, 2))
    inside = (points ** 2).sum(axis=1) < 0.6
    return gluon.data.DataLoader(gluon.data.ArrayDataset(points, inside), batch_size=32)


mx.random.seed(1)
net = nn.HybridSequential(prefix="circle_")
with net.name_scope():
    net.add(nn.Dense(16, activation="relu"), nn.Dense(16, activation="relu"), nn.Dense(2))
net.initialize(mx.init.Xavier())
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
estimator = Estimator(net, gluon.loss.SoftmaxCrossEntropyLoss(),
                      train_metrics=mx.metric.Accuracy(), trainer=trainer)

with FileWriter(options.logdir) as writer:
    handler = EstimatorHandler(writer, speed=10, learning_rate=10, parameters=20, gradients=20)
    estimator.fit(loader(1024), loader(256), epochs=3, event_handlers=[handler])
