"""A Gluon training loop: loss, accuracy, parameters, gradients and the graph.

    python examples/gluon_loop.py runs/gluon && tensorboard --logdir runs/gluon
"""
import argparse

import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn

from tbwriter import SummaryWriter
from tbwriter.mxnet import watch

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("logdir")
options = parser.parse_args()


def batches(count, size=32):
    """Points in a square; the label is whether a point is inside a circle."""
    for _ in range(count):
        points = mx.nd.random.uniform(-1, 1, (size, 2))
        yield points, (points ** 2).sum(axis=1) < 0.6


mx.random.seed(1)
net = nn.HybridSequential(prefix="circle_")
with net.name_scope():
    net.add(nn.Dense(16, activation="relu"), nn.Dense(16, activation="relu"), nn.Dense(2))
net.initialize(mx.init.Xavier())
net.hybridize()
trainer = gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 0.01})
loss_of = gluon.loss.SoftmaxCrossEntropyLoss()
accuracy = mx.metric.Accuracy()

with SummaryWriter(options.logdir) as writer:
    writer.add_graph(net, {"data": (32, 2)})
    # Log histograms of all parameters and gradients every 50 steps of the loop.
    with watch(net, writer, every=50):
        for step, (points, inside) in enumerate(batches(200)):
            with autograd.record():
                output = net(points)
                loss = loss_of(output, inside)
            loss.backward()
            trainer.step(len(points))
            accuracy.update(inside, output)
            if step % 10 == 9:
                writer.add_scalar("loss", loss.mean(), step)
                writer.add_scalar("accuracy", accuracy.get()[1], step)
                accuracy.reset()
