"""Gluon blocks in loops of one's own: parameters, gradients and activations as histograms.

Nothing here waits for MXNet: values are copied by its engine, as they are at the time of the call,
and fetched on the writer's thread.
"""
from __future__ import annotations

import re
import sys
from typing import Any, Callable, Iterator, List, Mapping, Optional, Tuple

from .. import summary
from ._callback import _positive
from ._parameters import device_of, summed
from ._trace import is_block, walk


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
            writer.add(summary.histogram(f"parameters/{name}", parameter.list_data()[0]), step)


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
    activations: a histogram `activations/<block>` of the outputs of every block that MXNet calls
        hooks for: all of them, but of a hybridized block only itself.
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
        self._handles = [net.register_forward_pre_hook(self._begin)]
        if activations:
            self._handles += [block.register_forward_hook(self._output(path))
                              for path, block in walk(net)]
        if hasattr(net, "_call_cached_op") and not _mxnet().__version__.startswith("1."):
            self._handles.append(_CachedHooks(net, self._begin, self._output("") if activations
                                              else None))

    def detach(self) -> None:
        """Log the last step, if it is due, and stop watching."""
        self._end()
        for handle in self._handles:
            handle.detach()
        self._handles = []

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.detach()

    def _begin(self, block: Any, inputs: Any) -> None:
        if not self._counts(inputs):
            return
        self._end()
        self._pending = self._next % self._every == 0
        self._next += 1

    def _end(self) -> None:
        if self._pending:
            self._pending = False
            for log in self._kinds:
                log(self._writer, self._net, self._next - 1, pattern=self._pattern)

    def _counts(self, inputs: Any) -> bool:
        """Whether a forward pass is one of training, on the device that counts."""
        if not _mxnet().autograd.is_recording():
            return False
        device = next((device_of(array) for array in _arrays(inputs)), None)
        if self._device is None:
            self._device = device
        return bool(device == self._device)

    def _output(self, path: str) -> Callable[..., None]:
        def output(block: Any, inputs: Any, outputs: Any) -> None:
            # _pending is set for the whole of a step that is due.
            if self._pending and self._counts(inputs):
                for number, array in enumerate(_arrays(outputs)):
                    tag = "/".join(filter(None, ("activations", path, str(number or ""))))
                    self._writer.add(summary.histogram(tag, array), self._next - 1)
        return output


class _CachedHooks:
    """Hooks of a hybridized block on MXNet 2, which calls none there.

    They are called around the compiled graph; `detach` takes them away.
    """

    def __init__(self, block: Any, before: Callable[[Any, Any], None],
                 after: Optional[Callable[[Any, Any, Any], None]]) -> None:
        self._block = block
        call = block._call_cached_op

        def hooked(*inputs: Any) -> Any:
            before(block, inputs)
            outputs = call(*inputs)
            if after is not None:
                after(block, inputs, outputs)
            return outputs
        block.__dict__["_call_cached_op"] = hooked

    def detach(self) -> None:
        del self._block.__dict__["_call_cached_op"]


def _mxnet() -> Any:
    """Who has a block has imported MXNet."""
    return sys.modules["mxnet"]


def _parameters(net: Any, pattern: str) -> Iterator[Tuple[str, Any]]:
    found: Mapping[str, Any] = net.collect_params() if is_block(net) else net
    matches = re.compile(pattern).match
    for name, parameter in found.items():
        if matches(name):
            yield name, parameter


def _has_values(parameter: Any) -> bool:
    """Whether it is initialised: not before the first forward pass, where that gives its shape."""
    return parameter._data is not None


def _arrays(values: Any) -> Iterator[Any]:
    """The arrays in nested lists; none while MXNet 1.x traces a block with Symbols."""
    if isinstance(values, (list, tuple)):
        for value in values:
            yield from _arrays(value)
    elif isinstance(values, _mxnet().nd.NDArray):
        yield values
