"""Gluon blocks in training loops: parameters, gradients and activations as histograms.

Nothing here waits for MXNet: its engine copies the values as they are at the time of the call, and
the writer's thread fetches the copies.
"""
from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from typing import Any, Callable, Dict, List, Mapping, Optional

from .. import summary
from .._values.array import Snapshot, snapshot
from .._values.number import as_flag, as_step
from .._warnings import whole
from ._activations import arrays_in, outputs_of, replaced
from ._arguments import as_interval, as_pattern, as_sample, as_writer, is_disabled
from ._late import late_histogram
from ._gradients import (
    StepGradients, device_of, has_values, parameters_of, show_gradients, trainer_of)
from ._trace import is_block


@whole
def log_parameters(writer: Any, net: Any, step: Optional[int] = None, *, pattern: str = ".*",
                   max_values: Optional[int] = None) -> None:
    """Log a histogram `parameters/<name>` of each parameter of a Gluon block.

        log_parameters(writer, net, step)

    writer: a FileWriter or SummaryWriter.
    net: a block, or the result of its `collect_params()`. Tags have the names that MXNet uses
        there; on MXNet 2 they follow the blocks: `features.0.weight`.
    step: an integer; None numbers the calls.
    pattern: a regular expression; parameters whose names it matches from the beginning are logged.
    max_values: of each larger array, count a sample of this size, see `summary.histogram`; None
        counts all values.

    Parameters are equal on all devices; those of the first device are logged. Parameters that are
    not yet initialised are left out. Shown in Histograms and Distributions.

    Raises TypeError or ValueError for other arguments.
    """
    if is_disabled(as_writer(writer)):
        return
    step, max_values = None if step is None else as_step(step), as_sample(max_values)
    for name, parameter in parameters_of(net, pattern).items():
        if has_values(parameter):
            writer.add(summary.histogram(f"parameters/{name}", _values(parameter),
                                         max_values=max_values), step)


@whole
def log_gradients(writer: Any, net: Any, step: Optional[int] = None, *, pattern: str = ".*",
                  reduced: bool = False, max_values: Optional[int] = None) -> None:
    """Log a histogram `gradients/<name>` of the gradient of each parameter of a Gluon block.

        loss.backward()
        log_gradients(writer, net, step)
        trainer.step(batch_size)

    Call it between `backward()` and the update. The gradients are those of this worker, summed over
    its devices. Parameters without a gradient (`grad_req="null"`) are left out.

    After the update, gradients are logged only where it has not changed them. Where it has (on a
    distributed kvstore, or with an optimizer that scales them in place), nothing is logged and one
    RuntimeWarning gives the reason.

    writer, net, step, pattern, max_values: as in `log_parameters`.
    reduced: True takes the gradients of the first device as they are: after
        `trainer.allreduce_grads()`, or `step` with update_on_kvstore=False, these are the sum over
        all devices and workers.

    Raises TypeError or ValueError for other arguments.
    """
    if is_disabled(as_writer(writer)):
        return
    show = partial(show_gradient, writer, as_sample(max_values),
                   step=None if step is None else as_step(step))
    show_gradients(parameters_of(net, pattern), show, as_flag(reduced, "reduced"))


def watch(net: Any, writer: Any, every: int = 100, *, parameters: bool = True,
          gradients: bool = True, activations: bool = False, pattern: str = ".*",
          start: int = 0, max_values: Optional[int] = None) -> "Watch":
    """Log a Gluon block at one training step in `every`, without a call in the loop.

        watch(net, writer, every=100)
        for data, label in batches:
            with autograd.record():
                loss = loss_of(net(data), label)
            loss.backward()
            trainer.step(len(data))

    A step is a forward pass of `net` under `autograd.record()`; on several devices, a pass on the
    first one. Gradients are logged when the Trainer begins the update, so they are those of this
    worker, summed over its devices. Without a Trainer, they are logged when the next step begins.
    Accumulated gradients (`grad_req="add"`) are logged when the update begins and they are whole,
    under the last step before it that is logged; those that no Trainer uses are not logged.
    Parameters are logged when the next step begins, with their values after the update.

    net: a Gluon block. writer: a FileWriter or SummaryWriter.
    every: log steps 0, every, 2 * every, ...
    parameters, gradients: whether to log what `log_parameters` and `log_gradients` log.
    activations: whether to log a histogram `activations/<block>` of the outputs of each block
        inside `net`, and `activations` of the outputs of `net`. If a block is called several times
        in a pass, its histogram holds the outputs of all calls. A SymbolBlock has a histogram for
        each operator. On a step that is logged, hybridized blocks run as if they were not
        hybridized: slower, with the same results and gradients.
    pattern: a regular expression; parameters whose names it matches from the beginning are logged.
    start: the step of the first pass, after a resume.
    max_values: of each larger array, count a sample of this size, see `summary.histogram`; None
        counts all values.

    Returns a Watch. Its `detach()` logs the last step, if that is due, and stops watching; so does
    the end of a `with` block.

    Raises TypeError or ValueError for other arguments.
    """
    if not is_block(net):
        raise TypeError(f"got a {type(net).__name__} to watch, want a Gluon block")
    as_pattern(pattern)
    return Watch(net, as_writer(writer), as_interval(every, "every"),
                 as_flag(parameters, "parameters"), as_flag(gradients, "gradients"),
                 as_flag(activations, "activations"), pattern, as_step(start),
                 as_sample(max_values))


class Watch:
    """A block that is being watched; see `watch`."""

    def __init__(self, net: Any, writer: Any, every: int, parameters: bool, gradients: bool,
                 activations: bool, pattern: str, start: int, max_values: Optional[int]) -> None:
        self._net = net
        self._writer = writer
        self._every = every
        self._parameters = parameters
        self._activations = activations
        self._pattern = pattern
        self._max_values = max_values
        self._next = start     # the step of the next forward pass
        self._pending = False  # whether the step before it is still to be logged
        self._device: Any = None
        self._gradients: Optional[StepGradients] = None
        self._passes: Optional[_Passes] = None
        if is_disabled(writer):
            return
        if gradients:
            self._gradients = StepGradients(lambda: parameters_of(net, pattern),
                                            partial(show_gradient, writer, max_values))
        self._passes = _Passes.of(net)
        self._passes.watches.append(self)

    def detach(self) -> None:
        """Log the last step, if it is due, and stop watching."""
        self._end()
        if self._gradients:
            self._gradients.finish()
        if self._passes is not None:
            self._passes.leave(self)
            self._passes = None

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.detach()

    @whole
    def begin(self, inputs: Any) -> bool:
        """A pass begins. Returns whether its activations are wanted."""
        if not self._counts(inputs):
            return False
        self._end()
        self._pending = self._next % self._every == 0
        if self._pending and self._gradients:
            self._gradients.begin(self._next)
        self._next += 1
        return self._pending and self._activations

    @whole
    def show(self, activations: Mapping[str, List[Snapshot]]) -> None:
        """Log the activations of the pass that began last."""
        for tag, held in activations.items():
            self._writer.add(late_histogram(tag, held, self._max_values), self._next - 1)

    def _end(self) -> None:
        if self._gradients:
            self._gradients.end_pass()
        if self._pending:
            self._pending = False
            if self._parameters:
                log_parameters(self._writer, self._net, self._next - 1, pattern=self._pattern,
                               max_values=self._max_values)

    def _counts(self, inputs: Any) -> bool:
        """Whether a forward pass is a training step: recorded, and on the device of the first."""
        if not _mxnet().autograd.is_recording():
            return False
        device = next(map(device_of, arrays_in(inputs)), None)
        if self._device is None:
            self._device = device
        return bool(device == self._device)


class _Passes:
    """The passes of one block, for all its watches.

    Hooks do not report them: MXNet 2 calls no hooks of a compiled block, and can't call those of a
    SymbolBlock. So methods of the block are replaced until the last watch is detached.
    """

    def __init__(self, net: Any) -> None:
        self.watches: List[Watch] = []
        self._net = net
        self._methods = ExitStack()
        mx, forward = _mxnet(), net.forward
        self._replace("forward", partial(self._pass, forward, forward))
        # In MXNet 2 a compiled block does not call `forward`.
        if hasattr(net, "_call_cached_op") and not mx.__version__.startswith("1.") \
                and not isinstance(net, mx.gluon.SymbolBlock):
            self._replace("_call_cached_op", partial(self._pass, net._call_cached_op, forward))
        self._replace(_PASSES, self)

    @staticmethod
    def of(net: Any) -> "_Passes":
        return net.__dict__.get(_PASSES) or _Passes(net)

    def leave(self, watch: Watch) -> None:
        self.watches.remove(watch)
        if not self.watches:
            self._methods.close()

    def _replace(self, name: str, value: Any) -> None:
        self._methods.enter_context(replaced(self._net, name, value))

    def _pass(self, method: Callable[..., Any], forward: Callable[..., Any], *inputs: Any) -> Any:
        """A pass by `method`, or, if a watch wants its activations, by `forward`."""
        wanting = [watch for watch in self.watches if watch.begin(inputs)]
        if not wanting:
            return method(*inputs)
        activations: Dict[str, List[Snapshot]] = {}

        def see(path: str, outputs: Any) -> None:
            for number, array in enumerate(arrays_in(outputs)):
                tag = "/".join(filter(None, ("activations", path, str(number or ""))))
                if array.size:
                    activations.setdefault(tag, []).append(snapshot(array))
        with outputs_of(self._net, inputs, see):
            outputs = forward(*inputs)
        see("", outputs)
        for watch in wanting:
            watch.show(activations)
        return outputs


# The attribute in which a watched block keeps its _Passes.
_PASSES = "_tbwriter_passes"


def _mxnet() -> Any:
    """MXNet, which any program that has a block has imported."""
    return sys.modules["mxnet"]


def show_gradient(writer: Any, max_values: Optional[int], name: str, gradient: Any,
                  step: Optional[int]) -> None:
    """Log the histogram of one gradient."""
    writer.add(summary.histogram(f"gradients/{name}", gradient, max_values=max_values), step)


def _values(parameter: Any) -> Any:
    if parameter._stype == "default":
        return parameter.list_data()[0]
    # All rows of a sparse parameter are in the Trainer's kvstore.
    return parameter._reduce() if trainer_of(parameter) else parameter._data[0]
