"""The time that logging adds to training with MXNet, compared with other writers.

    python -m benchmarks.mxnet_overhead                          # beside MXNet 1.x, tensorboardX
    python -m benchmarks.mxnet_overhead --python mxboard=PATH    # an interpreter that has mxboard

Two networks, the MLP of the walkthrough of 2017 and a small convolutional network, are trained by
`Module.fit` on random pictures. All writers do the same work: metrics of each batch, histograms of
all parameters every 100 batches, a picture per epoch. Each epoch with logging runs between two
epochs without; its cost is the median, over the rounds, of its time against the mean of these two.
An epoch ends when MXNet has done all its work. "CPU" is the same for the processor time
of all threads, until the last value is handed to the kernel: what logging costs where no core is
idle. "nothing" logs nothing: what it seems to cost is how far the others' figures may be off. MXNet
computes with one thread unless OMP_NUM_THREADS says more: threads that wait for work by spinning
take the place of others, and times tell nothing. mxboard can't live beside a new protobuf: it runs
in its own interpreter, against epochs without logging of its own.
"""
from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
from time import perf_counter, process_time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when MXNet is imported

import mxnet as mx
import numpy as np

EVERY = 100  # batches between histograms


class Time(NamedTuple):
    """The duration of an epoch in seconds: elapsed time, and CPU time."""

    wall: float
    cpu: float


class Cost(NamedTuple):
    """An epoch with logging, and the mean of the epochs without before and after it."""

    silent: Time
    logged: Time


class Logger(NamedTuple):
    """A writer and its callbacks for MXNet. writer: an object with flush and close."""

    writer: Any
    batch_end: List[Callable[[Any], None]]
    epoch_end: Callable[..., None]


def tbwriter(logdir: str, picture: "np.ndarray[Any, Any]") -> Logger:
    from tbwriter import SummaryWriter
    from tbwriter.mxnet import BatchMetrics, ParameterHistograms, Steps

    writer, steps = SummaryWriter(logdir), Steps(0)
    return Logger(writer, [BatchMetrics(writer, run="", steps=steps),
                           ParameterHistograms(writer, EVERY, run="", steps=steps)],
                  lambda *state: writer.add_image("picture", picture, steps.epoch_end(),
                                                  dataformats="HW"))


def tensorboardx(logdir: str, picture: "np.ndarray[Any, Any]") -> Logger:
    from tensorboardX import SummaryWriter

    writer = SummaryWriter(logdir)
    return _by_hand(writer, lambda array: array.asnumpy(),
                    lambda step: writer.add_image("picture", picture, step, dataformats="HW"))


def mxboard(logdir: str, picture: "np.ndarray[Any, Any]") -> Logger:
    from mxboard import SummaryWriter

    writer = SummaryWriter(logdir, verbose=False)
    tensor = mx.nd.array(picture[np.newaxis], dtype=np.uint8)
    return _by_hand(writer, lambda array: array,
                    lambda step: writer.add_image("picture", tensor, step))


def _by_hand(writer: Any, convert: Callable[[Any], Any], add_picture: Callable[[int], None]
             ) -> Logger:
    """The callbacks that users of a writer without MXNet callbacks write."""
    steps = iter(range(1 << 62))
    last = 0

    def batch_end(param: Any) -> None:
        nonlocal last
        last = next(steps)
        for name, value in param.eval_metric.get_name_value():
            writer.add_scalar(name, value, last)
        if last % EVERY == 0:
            group = param.locals["self"]._exec_group
            for name, arrays in zip(group.param_names, group.param_arrays):
                writer.add_histogram(f"parameters/{name}", convert(arrays[0]), last)
    return Logger(writer, [batch_end], lambda *state: add_picture(last))


class _Silent:
    def flush(self) -> None:
        pass

    close = flush


def nothing(logdir: str, picture: "np.ndarray[Any, Any]") -> Logger:
    return Logger(_Silent(), [], lambda *state: None)


LOGGERS = {"tbwriter": tbwriter, "tensorboardX": tensorboardx, "mxboard": mxboard,
           "nothing": nothing}


def mlp() -> Any:
    x = mx.sym.Flatten(mx.sym.var("data"))
    for number, hidden in (1, 128), (2, 64):
        x = mx.sym.FullyConnected(x, num_hidden=hidden, name=f"fc{number}")
        x = mx.sym.Activation(x, act_type="relu", name=f"relu{number}")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=10, name="fc3"), name="softmax")


def convnet() -> Any:
    x = mx.sym.var("data")
    for number, filters in (1, 16), (2, 32):
        x = mx.sym.Convolution(x, kernel=(3, 3), num_filter=filters, name=f"conv{number}")
        x = mx.sym.Activation(x, act_type="relu", name=f"relu{number}")
        x = mx.sym.Pooling(x, pool_type="max", kernel=(2, 2), stride=(2, 2), name=f"pool{number}")
    x = mx.sym.FullyConnected(x, num_hidden=64, name="fc1")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(x, num_hidden=10, name="fc2"), name="softmax")


NETWORKS = {"mlp": mlp, "convnet": convnet}


def train(network: str, writers: Sequence[str], batches: int, rounds: int, logdir: str
          ) -> Dict[str, List[Cost]]:
    """{writer: its costs, one per round}"""
    random = np.random.RandomState(0)
    pictures = random.randint(0, 256, (100 * batches, 1, 28, 28)).astype(np.uint8)
    data = mx.io.NDArrayIter(pictures.astype(np.float32) / 255,
                             random.randint(0, 10, 100 * batches).astype(np.float32), 100)
    module = mx.mod.Module(NETWORKS[network]())

    def epoch(logger: Any = None) -> Time:
        data.reset()
        begin, begin_cpu = perf_counter(), process_time()
        module.fit(data, num_epoch=1, eval_metric=["acc", "ce"], initializer=mx.init.Xavier(),
                   optimizer_params={"learning_rate": 0.01},
                   batch_end_callback=logger and logger.batch_end,
                   epoch_end_callback=logger and logger.epoch_end)
        mx.nd.waitall()
        wall = perf_counter() - begin
        if logger:
            logger.writer.flush()
        return Time(wall, process_time() - begin_cpu)

    costs: Dict[str, List[Cost]] = {writer: [] for writer in writers}
    loggers = {writer: LOGGERS[writer](f"{logdir}/{network}/{writer}", pictures[0, 0])
               for writer in writers}
    epoch()  # MXNet chooses its kernels
    before = epoch()
    for _ in range(rounds):
        for writer in writers:
            logged, after = epoch(loggers[writer]), epoch()
            silent = Time((before.wall + after.wall) / 2, (before.cpu + after.cpu) / 2)
            costs[writer].append(Cost(silent, logged))
            before = after
    for logger in loggers.values():
        logger.writer.close()
    return costs


def summarise(network: str, writer: str, batches: int, costs: List[Cost]) -> Dict[str, Any]:
    """One line of the table. Overheads are in percent of the time without logging."""
    overheads = sorted(100 * (cost.logged.wall / cost.silent.wall - 1) for cost in costs)
    cpu = statistics.median(100 * (cost.logged.cpu / cost.silent.cpu - 1) for cost in costs)
    quarter = len(overheads) // 4
    step = statistics.median(cost.silent.wall for cost in costs) / batches
    return {"network": network, "writer": writer, "rounds": len(costs), "step_ms": 1000 * step,
            "overhead": statistics.median(overheads), "low": overheads[quarter],
            "high": overheads[-1 - quarter], "cpu": cpu}


def measure(options: argparse.Namespace, writers: Sequence[str]) -> Iterator[Dict[str, Any]]:
    for network, batches in options.batches.items():
        costs = train(network, writers, batches, options.rounds, options.logdir)
        for writer in writers:
            yield summarise(network, writer, batches, costs[writer])


def elsewhere(python: str, writer: str, options: argparse.Namespace) -> List[Dict[str, Any]]:
    """The lines of a writer that needs another interpreter."""
    command = [python, "-m", "benchmarks.mxnet_overhead", "--writers", writer, "--json",
               "--logdir", options.logdir, "--rounds", str(options.rounds)]
    output = subprocess.run(command + ["--smoke"] * options.smoke, check=True, text=True,
                            stdout=subprocess.PIPE, timeout=3600).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def table(lines: Sequence[Dict[str, Any]]) -> str:
    rows = ["| network | step | writer | overhead | middle half | CPU |",
            "| --- | ---: | --- | ---: | ---: | ---: |"]
    rows += ["| {network} | {step_ms:.2f} ms | {writer} | {overhead:+.1f} % "
             "| {low:+.1f} to {high:+.1f} % | {cpu:+.1f} % |".format(**line) for line in lines]
    return "\n".join(rows)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--writers", nargs="+", choices=LOGGERS,
                        default=["tbwriter", "tensorboardX", "nothing"])
    parser.add_argument("--python", action="append", default=[], metavar="WRITER=PATH",
                        help="the interpreter of a writer that needs another one")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--logdir", help="keep the logs")
    parser.add_argument("--json", action="store_true", help="a JSON line for each writer")
    parser.add_argument("--smoke", action="store_true", help="only a few batches, as a test")
    options = parser.parse_args(arguments)
    options.batches = {"mlp": 3, "convnet": 3} if options.smoke else {"mlp": 300, "convnet": 100}
    logging.disable(logging.WARNING)  # Module.fit warns about a bound module
    with tempfile.TemporaryDirectory() as scratch:
        options.logdir = options.logdir or scratch
        lines = list(measure(options, options.writers))
        for place in options.python:
            writer, _, python = place.partition("=")
            lines += elsewhere(python, writer, options)
        print("\n".join(map(json.dumps, lines)) if options.json else table(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
