"""The walkthrough: train a network on digits with MXNet's Module API and watch it in TensorBoard.

    python examples/mnist_module.py

It trains for 5 epochs, which takes about a minute; `--epochs 20` repeats the training of the
original article. Each training is a run, with its own directory below `logs/`.

It logs through the low-level interface that MXNet users have known since 2017: a FileWriter,
summaries and plain callbacks. examples/module_callbacks.py logs more with less code.
"""
from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import shlex
import shutil
import sys
import time

import mxnet as mx
import numpy as np
from digits import mnist_iterators, prepare

import tbwriter as tensorboard
from tbwriter import summary
from tbwriter.mxnet import Monitor

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--batch-size", type=int, default=100)
parser.add_argument("--interval", type=int, default=100, help="batches between two histograms")
parser.add_argument("--data", default="data", help="the directory of MNIST's idx files")
parser.add_argument("--digits", type=int, nargs=2, default=(60000, 10000),
                    metavar=("TRAIN", "TEST"), help="how many to render if there are no files")
parser.add_argument("--logdir", default="logs", help="the directory of the runs")
options = parser.parse_args()
logging.basicConfig(level=logging.INFO, format="%(message)s")


def command(program, module, *arguments):
    """The full command of a program that is installed next to this Python."""
    path = shutil.which(program, path=os.path.dirname(sys.executable))
    parts = [path] if path else [sys.executable, "-m", module]
    return " ".join(map(shlex.quote, [*parts, *arguments]))


# One directory per run, named by the time at which the run starts.
started = time.strftime("%Y-%m-%d_%H-%M-%S")
run = os.path.join(options.logdir, started)
view = command("tensorboard", "tensorboard.main", "--logdir", options.logdir)
print(f"Logging to {run}. To watch the training, run this in another terminal\n"
      "and open the address that it prints:\n")
if importlib.util.find_spec("tensorboard") is None:
    print(f"    {shlex.quote(sys.executable)} -m pip install tensorboard")
print(f"    {view}\n", flush=True)

train_data, test_data = mnist_iterators(prepare(options.data, *options.digits), options.batch_size)

# A multilayer perceptron: 784 - 128 - 64 - 10.
net = mx.sym.var("data")
net = mx.sym.FullyConnected(net, name="fc1", num_hidden=128)
net = mx.sym.Activation(net, name="relu1", act_type="relu")
net = mx.sym.FullyConnected(net, name="fc2", num_hidden=64)
net = mx.sym.Activation(net, name="relu2", act_type="relu")
net = mx.sym.FullyConnected(net, name="fc3", num_hidden=10)
net = mx.sym.SoftmaxOutput(net, name="softmax")

writer = tensorboard.FileWriter(run)


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
    """Histogram: the first layer's weight, every `--interval` batches."""
    if param.nbatch % options.interval == 0:
        arguments, _ = param.locals["self"].get_params()
        writer.add_summary(summary.histogram("fc1-weight", arguments["fc1_weight"]))


def log_weight_image(epoch, symbol, arguments, auxiliary):
    """Image: the same weight as a 16-bit grayscale picture, one row of pixels per neuron."""
    weight = arguments["fc1_weight"].asnumpy()
    grey = (weight - weight.min()) / (weight.max() - weight.min()) * 65535
    pixels = grey.astype(np.uint16).view(np.int16)
    writer.add_summary(summary.image("fc1-weight-image", pixels[:, :, np.newaxis]))


# Histogram: the gradient of that weight, logged by a monitor. MXNet 1.9 calls it
# fc1_backward_output1; the tag is spelled like the other tags.
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

print(f"""
Done. To see the curves, histograms and pictures:

    {view}

To list the runs and tags, check the log, and export the accuracies:

    {command("tbwriter", "tbwriter", "show", options.logdir)}
    {command("tbwriter", "tbwriter", "check", options.logdir)}
    {command("tbwriter", "tbwriter", "export", run, "--tag", "*accuracy", "--output",
             f"{started}.csv")}
""")
