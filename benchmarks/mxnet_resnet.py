"""How much longer a training step of a ResNet-18 takes if all parameters and gradients are logged.

    python -m benchmarks.mxnet_resnet [--rounds N] [--writers NAME ...] [--json]

`Module.fit` trains with MXNet 1.x on 32 random pictures of 3 x 32 x 32 per batch, in an epoch of 20
batches, of which the first and the eleventh are logged: 124 histograms of 22 million float32. An
epoch without logging precedes and follows each one with it. A step lasts from one callback to the
next. It prints the medians, relative to the median step of the silent epochs, of the steps that log
and of those that follow them, when the writer's thread may still be at work.
"""
from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
from importlib.util import find_spec
from time import perf_counter
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

BATCHES, BATCH, EVERY = 20, 32, 10
HEAD = ("writer", "step", "extra time of a step that logs", "of the next step")

Callback = Callable[[Any], None]


class Logger(NamedTuple):
    """A writer in MXNet's callbacks."""

    writer: Any
    batch_end: List[Callback]


def tbwriter(logdir: str) -> Logger:
    from tbwriter import SummaryWriter
    from tbwriter.mxnet import fit_callbacks
    writer = SummaryWriter(logdir)
    callbacks = fit_callbacks(writer, metrics=0, speed=0, learning_rate=0, parameters=EVERY,
                              gradients=EVERY)
    return Logger(writer, callbacks["batch_end_callback"])


def tensorboardx(logdir: str) -> Logger:
    from tensorboardX import SummaryWriter
    return _by_hand(SummaryWriter(logdir), lambda array: array.asnumpy())


def mxboard(logdir: str) -> Logger:
    from mxboard import SummaryWriter
    return _by_hand(SummaryWriter(logdir, verbose=False), lambda array: array)


LOGGERS = {"tbwriter": tbwriter, "tensorboardX": tensorboardx, "mxboard": mxboard}


def _by_hand(writer: Any, convert: Callable[[Any], Any]) -> Logger:
    """The code that users write for writers without callbacks for MXNet."""
    steps = iter(range(1 << 62))

    def batch_end(param: Any) -> None:
        step = next(steps)
        if step % EVERY == 0:
            group = param.locals["self"]._exec_group
            for name, values, gradients in zip(group.param_names, group.param_arrays,
                                               group.grad_arrays):
                writer.add_histogram(f"parameters/{name}", convert(values[0]), step)
                writer.add_histogram(f"gradients/{name}", convert(gradients[0]), step)
    return Logger(writer, [batch_end])


def resnet18() -> Any:
    """A Module, ready for `fit`."""
    import mxnet as mx
    network = mx.gluon.model_zoo.vision.resnet18_v1(classes=10, prefix="")
    return mx.mod.Module(mx.sym.SoftmaxOutput(network(mx.sym.var("data")), name="softmax"))


def train(writers: Sequence[str], rounds: int, logdir: str, batches: int = BATCHES,
          batch: int = BATCH) -> List[Dict[str, Any]]:
    """A line for each writer; times in milliseconds."""
    import mxnet as mx
    import numpy as np
    random = np.random.RandomState(0)
    pictures = random.rand(batch * batches, 3, 32, 32).astype(np.float32)
    labels = random.randint(0, 10, batch * batches).astype(np.float32)
    data = mx.io.NDArrayIter(pictures, labels, batch)
    module = resnet18()

    def epoch(logger: Optional[Logger] = None) -> List[float]:
        """The time of each step but the last, which no callback follows."""
        data.reset()
        begun: List[float] = []
        module.fit(data, num_epoch=1, eval_metric="acc", initializer=mx.init.Xavier(),
                   batch_end_callback=[lambda param: begun.append(1e3 * perf_counter()),
                                       *(logger.batch_end if logger else [])])
        if logger:
            logger.writer.flush()
        return [end - start for start, end in zip(begun, begun[1:])]

    loggers = {writer: LOGGERS[writer](f"{logdir}/{writer}") for writer in writers}
    silent: Dict[str, List[float]] = {writer: [] for writer in writers}
    logged: Dict[str, List[List[float]]] = {writer: [] for writer in writers}
    epoch()  # MXNet chooses its kernels
    before = epoch()
    for _ in range(rounds):
        for writer in writers:
            logged[writer].append(epoch(loggers[writer]))
            after = epoch()
            silent[writer] += [*before, *after]
            before = after
    for logger in loggers.values():
        logger.writer.close()
    return [_summarised(writer, silent[writer], logged[writer]) for writer in writers]


def _summarised(writer: str, silent: List[float], logged: List[List[float]]) -> Dict[str, Any]:
    step = statistics.median(silent)
    extra, after = (statistics.median(time for epoch in logged for time in epoch[at::EVERY]) - step
                    for at in (0, 1))
    return {"network": "ResNet-18", "writer": writer, "step": step, "extra": extra, "next": after}


def rows(found: Sequence[Dict[str, Any]]) -> List[List[str]]:
    """Milliseconds, and shares of a step."""
    return [[one["writer"], f"{one['step']:.0f} ms",
             *(f"{one[name]:.0f} ms ({one[name] / one['step']:.2f} steps)"
               for name in ("extra", "next"))] for one in found]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    there = [name for name in LOGGERS if find_spec(name)]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mxnet_resnet", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", nargs="+", choices=LOGGERS, default=there,
                        help="those that are installed")
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each writer (3)")
    parser.add_argument("--logdir", help="keep the logs")
    parser.add_argument("--json", action="store_true", help="a JSON line for each writer")
    parser.add_argument("--smoke", action="store_true", help="a few batches, to see that it works")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # Module.fit warns that it continues with a bound module
    with tempfile.TemporaryDirectory() as logdir:
        found = train(options.writers, options.rounds, options.logdir or logdir,
                      *((3, 2) if options.smoke else ()))
    if options.json:
        print("\n".join(map(json.dumps, found)))
    else:
        from .report import table
        print(table(HEAD, rows(found), True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
