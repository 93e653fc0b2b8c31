"""The walkthrough: train a network on digits with MXNet's Module API and watch it in TensorBoard.

    python examples/mnist_module.py

The logging is the low-level interface as MXNet users know it since 2017: a FileWriter, summaries
and plain callbacks. examples/module_callbacks.py does the same with less typing.
"""
from __future__ import annotations

import argparse
import logging

import mxnet as mx
import numpy as np
from digits import mnist_iterators, prepare

import tbwriter as tensorboard
from tbwriter import summary
from tbwriter.mxnet import Monitor

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch-size", type=int, default=100)
parser.add_argument("--interval", type=int, default=100, help="batches between two histograms")
parser.add_argument("--data", default="data", help="where MNIST's idx files are, or are rendered")
parser.add_argument("--digits", type=int, nargs=2, default=(60000, 10000),
                    metavar=("TRAIN", "TEST"), help="how many to render where there are none")
parser.add_argument("--logdir", default="logs/")
options = parser.parse_args()
logging.basicConfig(level=logging.INFO, format="%(message)s")

train_data, test_data = mnist_iterators(prepare(options.data, *options.digits), options.batch_size)

# A multilayer perceptron: 784 - 128 - 64 - 10.
net = mx.sym.var("data")
net = mx.sym.FullyConnected(net, name="fc1", num_hidden=128)
net = mx.sym.Activation(net, name="relu1", act_type="relu")
net = mx.sym.FullyConnected(net, name="fc2", num_hidden=64)
net = mx.sym.Activation(net, name="relu2", act_type="relu")
net = mx.sym.FullyConnected(net, name="fc3", num_hidden=10)
net = mx.sym.SoftmaxOutput(net, name="softmax")

writer = tensorboard.FileWriter(options.logdir)


def log_train_accuracy(param):
    """Scalar: accuracy over the epoch, at its last batch."""
    if param.locals["end_of_batch"]:
        accuracy = dict(param.eval_metric.get_global_name_value())["accuracy"]
        writer.add_summary(summary.scalar("train-accuracy", accuracy))


def log_validation_accuracy(param):
    """Scalar: accuracy over the test digits, after each epoch."""
    accuracy = dict(param.eval_metric.get_name_value())["accuracy"]
    writer.add_summary(summary.scalar("valid-accuracy", accuracy))


def log_weight(param):
    """Histogram: the weight of the first layer, now and then."""
    if param.nbatch % options.interval == 0:
        arguments, _ = param.locals["self"].get_params()
        writer.add_summary(summary.histogram("fc1-weight", arguments["fc1_weight"]))


def log_weight_image(epoch, symbol, arguments, auxiliary):
    """Image: the same weight as a picture of 16-bit grey, one row of pixels a neuron."""
    weight = arguments["fc1_weight"].asnumpy()
    grey = (weight - weight.min()) / (weight.max() - weight.min()) * 65535
    pixels = grey.astype(np.uint16).view(np.int16)
    writer.add_summary(summary.image("fc1-weight-image", pixels[:, :, np.newaxis]))


# Histogram: the gradient of that weight, which only a monitor sees. MXNet itself calls it
# fc1_backward_output1 by now; the tag is written like the others.
monitor = Monitor(writer, options.interval, pattern="fc1_backward_weight",
                  tag=lambda name: name.replace("_", "-"))

module = mx.mod.Module(net, context=mx.cpu())
mx.random.seed(1)
module.fit(
    train_data, eval_data=test_data, num_epoch=options.epochs, monitor=monitor,
    optimizer="sgd", initializer=mx.init.Xavier(),
    optimizer_params={"learning_rate": 0.1, "momentum": 0.9, "wd": 1e-4,
                      "lr_scheduler": mx.lr_scheduler.FactorScheduler(step=1000, factor=0.7)},
    batch_end_callback=[mx.callback.Speedometer(options.batch_size, 200), log_train_accuracy,
                        log_weight],
    eval_end_callback=log_validation_accuracy, epoch_end_callback=log_weight_image)
writer.close()

print(f"\nNow look at it:\n\n    tensorboard --logdir {options.logdir}\n")
