"""Gluon blocks in loops of one's own: parameters, gradients and activations as histograms.

Nothing here waits for MXNet: values are copied by its engine, as they are at the time of the call,
and fetched on the writer's thread.
"""
from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from .. import summary
from .._values.array import Snapshot, snapshot
from ._activations import arrays_in, outputs_of, replaced
from ._callback import _positive
from ._late import late_histogram
from ._parameters import device_of, summed
from ._trace import is_block


def log_parameters(writer: Any, net: Any, step: Optional[int] = None, *,
                   pattern: str = ".*") -> None:
    """A histogram `parameters/<name>` of each parameter of a Gluon block.

    writer: a FileWriter or SummaryWriter. step: an integer; None numbers the calls.
    net: a block, or what its `collect_params()` gives. Names are those that MXNet gives there; on
        MXNet 2 they follow the blocks: `features.0.weight`.
    pattern: a regular expression; names that match from their beginning are logged.

    On several devices the parameters are the same, and those of the first are taken. Parameters
    that are not yet initialised are left out.
    """
    for name, parameter in _parameters(net, pattern):
        if _has_values(parameter):
            writer.add(summary.histogram(f"parameters/{name}", _values(parameter)), step)


def log_gradients(writer: Any, net: Any, step: Optional[int] = None, *, pattern: str = ".*",
                  reduced: bool = False) -> None:
    """A histogram `gradients/<name>` of the gradient of each parameter of a Gluon block.

    Call it after `backward()`. Parameters without a gradient (`grad_req="null"`) are left out.

    writer, net, step, pattern: as in `log_parameters`.
    reduced: False adds up the gradients of several devices. True takes them from the first: after
        the `step` of a Trainer with update_on_kvstore=False all hold the sum already.
    """
    for name, parameter in _parameters(net, pattern):
        if parameter.grad_req != "null" and _has_values(parameter):
            gradients = parameter.list_grad()
            gradient = gradients[0] if reduced else summed(gradients)
            writer.add(summary.histogram(f"gradients/{name}", gradient), step)


def watch(net: Any, writer: Any, every: int = 100, *, parameters: bool = True,
          gradients: bool = True, activations: bool = False, pattern: str = ".*",
          start: int = 0) -> "Watch":
    """Log a Gluon block every so many training steps; there is nothing to call in the loop.

        watch(net, writer, every=100)
        for data, label in batches:
            with autograd.record():
                loss = loss_of(net(data), label)
            loss.backward()
            trainer.step(len(data))

    A step is a forward pass of `net` under `autograd.record()`; of several devices the first one
    counts. The values of a step are seen when the next one begins, after its update: gradients
    that are set to zero before that need `log_gradients`.

    every: log steps 0, every, 2 * every, ... start: the step of the first pass, after a resume.
    parameters, gradients: what `log_parameters` and `log_gradients` show.
    activations: a histogram `activations/<block>` of what each block inside `net` gives, and
        `activations` of `net` itself; of a block that is called several times, of all it gave. Of
        a SymbolBlock, also of each operator. On a step that is shown, hybridized blocks run as if
        they were not: as slow, with the same results and gradients.
    pattern: which parameters, by name.

    Gives a Watch: `detach()` logs the last step, if it is due, and ends it; so does `with`.

    Raises TypeError for what is no block, ValueError for `every` below 1.
    """
    if not is_block(net):
        raise TypeError(f"got a {type(net).__name__} to watch, want a Gluon block")
    kinds: List[Callable[..., None]] = []
    if parameters:
        kinds.append(log_parameters)
    if gradients:
        kinds.append(log_gradients)
    return Watch(net, writer, _positive(every), kinds, activations, pattern, start)


class Watch:
    """A block that is being watched; see `watch`."""

    def __init__(self, net: Any, writer: Any, every: int, kinds: List[Callable[..., None]],
                 activations: bool, pattern: str, start: int) -> None:
        self._net = net
        self._writer = writer
        self._every = every
        self._kinds = kinds
        self._pattern = pattern
        self._next = start     # the step of the next forward pass
        self._pending = False  # whether the step before it is still to be logged
        self._device: Any = None
        self._activations = activations
        self._passes: Optional[_Passes] = _Passes.of(net)
        self._passes.watches.append(self)

    def detach(self) -> None:
        """Log the last step, if it is due, and stop watching."""
        self._end()
        if self._passes is not None:
            self._passes.leave(self)
            self._passes = None

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.detach()

    def begin(self, inputs: Any) -> bool:
        """A pass begins. Gives whether its activations are wanted."""
        if not self._counts(inputs):
            return False
        self._end()
        self._pending = self._next % self._every == 0
        self._next += 1
        return self._pending and self._activations

    def show(self, activations: Mapping[str, List[Snapshot]]) -> None:
        """Log the activations of the pass that began last."""
        for tag, held in activations.items():
            self._writer.add(late_histogram(tag, held), self._next - 1)

    def _end(self) -> None:
        if self._pending:
            self._pending = False
            for log in self._kinds:
                log(self._writer, self._net, self._next - 1, pattern=self._pattern)

    def _counts(self, inputs: Any) -> bool:
        """Whether a forward pass is one of training, on the device that counts."""
        if not _mxnet().autograd.is_recording():
            return False
        device = next(map(device_of, arrays_in(inputs)), None)
        if self._device is None:
            self._device = device
        return bool(device == self._device)


class _Passes:
    """The passes of one block, for all who watch it.

    Hooks do not tell of them: MXNet 2 calls none where a block is compiled, and can't call those of
    a SymbolBlock. So the block gets methods of its own, until nobody watches.
    """

    def __init__(self, net: Any) -> None:
        self.watches: List[Watch] = []
        self._net = net
        self._methods = ExitStack()
        mx, forward = _mxnet(), net.forward
        self._replace("forward", partial(self._pass, forward, forward))
        # In MXNet 2 a compiled block does not come to `forward`.
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
        """A pass by `method`; block by block, by `forward`, where somebody wants to see it."""
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
    """Who has a block has imported MXNet."""
    return sys.modules["mxnet"]


def _parameters(net: Any, pattern: str) -> Iterator[Tuple[str, Any]]:
    found: Mapping[str, Any] = net.collect_params() if is_block(net) else net
    matches = re.compile(pattern).match
    for name, parameter in found.items():
        if matches(name):
            yield name, parameter


def _values(parameter: Any) -> Any:
    if parameter._stype == "default":
        return parameter.list_data()[0]
    # Of a sparse parameter all rows are where the Trainer keeps them.
    return parameter._reduce() if parameter._trainer else parameter._data[0]


def _has_values(parameter: Any) -> bool:
    """Whether it is initialised: not before the first forward pass, where that gives its shape."""
    return parameter._data is not None
