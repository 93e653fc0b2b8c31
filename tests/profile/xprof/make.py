"""Profiles of real training with MXNet, and MXNet's own tables of them, for the tests with XProf.

    python -m tests.profile.xprof.make OUT

XProf needs a numpy that MXNet does not work with, so this runs in MXNet's environment, and the
tests in XProf's read what it wrote: OUT/<name>/ is a log directory, OUT/<name>.json the operators
of MXNet's table as {name: [count, microseconds]}.
"""
from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import mxnet as mx
import numpy as np

from tbwriter import FileWriter
from tbwriter.mxnet import convert_profile, profile

BATCHES = 12
FIRST, LAST = 3, 14


def table():
    """{operator: [count, microseconds]} of `mx.profiler.dumps`; it prints milliseconds to 0.1 us,
    its JSON to four digits."""
    found = {}
    text = mx.profiler.dumps(reset=True).partition("\noperator\n")[2].partition("\n\n")[0]
    for line in text.splitlines()[3:]:
        match = re.match(r"(\S+) +(\d+) +([\d.]+) ", line)
        assert match, line
        found[match.group(1)] = [int(match.group(2)), round(float(match.group(3)) * 1000)]
    assert found
    return found


def gluon():
    """A training step of a small convolutional network."""
    from mxnet import autograd, gluon
    if mx.__version__.startswith("2"):
        mx.npx.set_np()
    net = gluon.nn.HybridSequential()
    net.add(gluon.nn.Conv2D(8, 3, activation="relu"), gluon.nn.Flatten(), gluon.nn.Dense(32),
            gluon.nn.Dense(10))
    net.initialize()
    net.hybridize()
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    trainer = gluon.Trainer(net.collect_params(), "sgd")

    def train(images, labels):
        with autograd.record():
            mean = loss(net(images), labels).mean()
        mean.backward()
        trainer.step(len(images))
        mean.asnumpy()
    images = np.random.rand(32 * BATCHES, 1, 16, 16).astype("float32")
    labels = np.random.randint(0, 10, 32 * BATCHES).astype("float32")
    loader = gluon.data.DataLoader(gluon.data.ArrayDataset(images, labels), 32)
    for batch in loader:
        train(*batch)
        break
    return train, loader


def loop(out):
    """A Gluon loop with `profile`."""
    train, loader = gluon()
    with FileWriter(out / "loop") as writer:
        with profile(writer, host="mxnet") as recorded:
            for number, batch in enumerate(recorded.input(loader)):
                with recorded.step(number):
                    train(*batch)
    (out / "loop.json").write_text(json.dumps(table()))


def dump(out):
    """The same loop, dumped by MXNet's profiler and converted."""
    train, loader = gluon()
    domain = mx.profiler.Domain("training")
    path = out / "dump.txt"
    mx.profiler.set_config(profile_symbolic=True, profile_imperative=True, profile_memory=True,
                           aggregate_stats=True, filename=str(path))
    mx.profiler.set_state("run")
    task = domain.new_task("epoch")
    task.start()
    for batch in loader:
        train(*batch)
    task.stop()
    mx.nd.waitall()
    mx.profiler.set_state("stop")
    (out / "dump.json").write_text(json.dumps(table()))
    mx.profiler.dump(True)
    convert_profile(path, out / "dump", host="mxnet")
    path.unlink()


def fit(out):
    """Module.fit with ProfileBatches."""
    from tbwriter.mxnet import ProfileBatches
    net = mx.sym.var("data")
    net = mx.sym.FullyConnected(net, name="fc1", num_hidden=64)
    net = mx.sym.Activation(net, name="relu1", act_type="relu")
    net = mx.sym.FullyConnected(net, name="fc2", num_hidden=10)
    net = mx.sym.SoftmaxOutput(net, name="softmax")
    data = mx.io.NDArrayIter(np.random.rand(320, 64).astype("float32"),
                             np.random.randint(0, 10, 320).astype("float32"), 32)
    with FileWriter(out / "fit") as writer:
        mx.mod.Module(net).fit(data, num_epoch=3, batch_end_callback=ProfileBatches(
            writer, FIRST, LAST))
    (out / "fit.json").write_text(json.dumps(table()))


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    dump(out)  # first: MXNet takes the name of a file only before its profiler has run
    loop(out)
    if not mx.__version__.startswith("2"):
        fit(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write profiles of real training with MXNet.")
    parser.add_argument("out", type=Path)
    main(parser.parse_args().out)
