"""Log a whole training of Module.fit with three lines of code.

    python examples/module_callbacks.py
    tensorboard --logdir runs/module

Training and validation are two curves in one chart. Speed, learning rate, histograms of parameters
and gradients, and pictures of the first layer's weight are logged as well.
"""
from __future__ import annotations

import argparse

import mxnet as mx
from digits import mnist_iterators, prepare

from tbwriter import FileWriter
from tbwriter.mxnet import fit_callbacks

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--data", default="data")
parser.add_argument("--digits", type=int, nargs=2, default=(60000, 10000))
parser.add_argument("--logdir", default="runs/module")
options = parser.parse_args()

train_data, test_data = mnist_iterators(prepare(options.data, *options.digits), batch_size=100)
net = mx.sym.FullyConnected(mx.sym.var("data"), name="fc1", num_hidden=128)
net = mx.sym.Activation(net, name="relu1", act_type="relu")
net = mx.sym.FullyConnected(net, name="fc2", num_hidden=10)
module = mx.mod.Module(mx.sym.SoftmaxOutput(net, name="softmax"))

with FileWriter(options.logdir) as writer:
    callbacks = fit_callbacks(writer, images="fc1_weight")
    # The values are lists; other callbacks can be added to them.
    callbacks["batch_end_callback"].append(mx.callback.Speedometer(100, 200))
    module.fit(train_data, test_data, num_epoch=options.epochs, eval_metric=["acc", "ce"],
               optimizer_params={"learning_rate": 0.1, "momentum": 0.9},
               initializer=mx.init.Xavier(), **callbacks)
