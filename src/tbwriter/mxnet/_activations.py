"""The outputs of the blocks inside a Gluon net in one pass, even if the net is hybridized.

MXNet runs a hybridized block as one compiled graph: it calls neither the blocks inside nor their
hooks. Its own hook for operators, `register_op_hook`, can't be removed, slows later passes down,
misses operators or never returns with static_alloc, and knows no blocks. So a pass whose outputs
are wanted runs block by block, as if nothing were hybridized: the same operators in the same order,
hence with the same results, gradients and random numbers.
"""
from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Callable, Iterator, List

from ._trace import flat, walk

# Called with the path of a block or of an operator, and its outputs.
Seen = Callable[[str, Any], None]


@contextmanager
def outputs_of(net: Any, inputs: Any, seen: Seen) -> Iterator[None]:
    """Call `seen` for each call of a block inside `net`.

    inputs: those of the pass of `net`. A SymbolBlock has no blocks inside: `seen` is called for its
        operators.
    """
    mx = sys.modules["mxnet"]
    compiled: List[str] = []  # beginnings of the paths inside blocks that run as one graph
    with ExitStack() as stack:
        for path, block in walk(net):
            if getattr(block, "_active", False):
                stack.enter_context(replaced(block, "_active", False))
                if not any(f"{path}/".startswith(outer) for outer in compiled):
                    compiled.append(path and f"{path}/")
                    if block is net:
                        _compile(block, inputs)
                    else:
                        stack.callback(block.register_forward_pre_hook(_compile).detach)
            if isinstance(block, mx.gluon.SymbolBlock):
                stack.enter_context(replaced(block, "_call_cached_op",
                                             partial(_operators, block, path, seen)))
            elif block is not net:
                stack.callback(block.register_forward_hook(partial(_seen, path, seen)).detach)
        yield


def _seen(path: str, seen: Seen, block: Any, inputs: Any, outputs: Any) -> None:
    if not _tracing():
        seen(path, outputs)


def _compile(block: Any, inputs: Any) -> None:
    """Compile the graph that would run now: this draws the random numbers of the first weights."""
    if arrays_in(inputs) and not _tracing() and block._cached_op is None:
        block._build_cache(*inputs)


def _tracing() -> bool:
    """Whether MXNet 2 calls blocks only to record their operators."""
    deferred = getattr(sys.modules["mxnet"], "_deferred_compute", None)
    return deferred is not None and bool(deferred.is_deferred_compute())


@contextmanager
def replaced(block: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute of one block for a while, without Gluon's `__setattr__`."""
    missing = object()
    before = block.__dict__.get(name, missing)
    block.__dict__[name] = value
    try:
        yield
    finally:
        if before is missing:
            del block.__dict__[name]
        else:
            block.__dict__[name] = before


def _operators(block: Any, path: str, seen: Seen, *inputs: Any) -> Any:
    """A pass of a SymbolBlock, whose graph has the output of every operator as a further result."""
    mx = sys.modules["mxnet"]
    if block._cached_op is None:
        block._build_cache(*inputs)
    symbol = block._cached_graph[1]
    internals = symbol.get_internals()
    variables = {*internals.list_arguments(), *internals.list_auxiliary_states()}
    inner = [(index, name) for index, name in enumerate(internals.list_outputs())
             if name not in variables]
    count = len(symbol.list_outputs())
    kinds = [kind for kind, *_ in block._cached_op_args]  # True for data, False for parameters
    opened = mx.nd.CachedOp(
        mx.sym.Group([symbol, *(internals[index] for index, _ in inner)], type(symbol)),
        [(name, [index for index, kind in enumerate(kinds) if kind is data])
         for name, data in (("data_indices", True), ("param_indices", False))])

    def call(*arrays: Any) -> Any:
        results = opened(*arrays)
        for (_, name), result in zip(inner, results[count:]):
            operator = name[:-7] if name.endswith("_output") else name
            seen(f"{path}/{operator}" if path else operator, result)
        return results[0] if count == 1 else results[:count]

    with replaced(block, "_cached_op", call):
        outputs = type(block)._call_cached_op(block, *inputs)
    if path:
        seen(path, outputs)
    return outputs


def arrays_in(values: Any) -> List[Any]:
    """The arrays in nested lists; none while MXNet 1.x traces a block with Symbols."""
    return list(flat(values, sys.modules["mxnet"].nd.NDArray))
