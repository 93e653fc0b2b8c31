"""Gluon blocks as Symbols, with the block of each operator, without running the network.

In MXNet 1.x the block is called with variables. In MXNet 2 a block takes arrays only, and deferred
compute records their operators. In both, hooks on the blocks mark the operators that are added
while a block runs.

MXNet is not imported here but looked up: a program that has a block has imported it.
"""
from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple
from typing import Union

from .._foreign import let_signals

# The attribute of operators that holds the path of their block.
SCOPE = "__tbwriter_scope__"

Feed = Tuple[Tuple[int, ...], str]
Feeds = Union[None, List[Feed], Dict[str, Feed]]


class Traced(NamedTuple):
    """symbol: the network; its operators may have SCOPE among their attributes.
    parameters: the path of each parameter's variable: "features/0_Conv2D/weight".
    scopes: the blocks of operators that could not be marked, by name.
    """

    symbol: Any
    parameters: Dict[str, str]
    scopes: Mapping[str, str] = {}


def is_block(network: Any) -> bool:
    return hasattr(network, "collect_params") and hasattr(network, "_children")


def trace(block: Any, feeds: Feeds) -> Traced:
    """The Symbol of `block`, whose inputs have the shapes and dtypes `feeds`, if these are given.

    Raises ValueError for a block that can't be traced.
    """
    mx = sys.modules["mxnet"]
    blocks = dict(walk(block))
    parameters = _places(mx, blocks)
    # (inputs, outputs) of a hybridized block that has run.
    ran: Any = getattr(block, "_cached_graph", ())
    try:
        if isinstance(block, mx.gluon.SymbolBlock):
            return Traced(ran[1], parameters)
        if mx.__version__.startswith("1."):
            return Traced(_compose(mx, block, blocks, feeds, ran), parameters)
        if feeds:
            # MXNet 2's default, which may be turned off.
            with mx.util.np_shape(True), mx.util.np_array(True):
                symbol, scopes = _record(mx, block, blocks, feeds)
            return Traced(symbol, parameters, scopes)
    except Exception as error:  # any error of the user's forward
        let_signals(error)
        if not ran:
            raise ValueError(f"got a {type(block).__name__} that can't be traced, want operators "
                             f"and blocks only ({type(error).__name__}: {error})") from error
    if not ran:
        raise ValueError(f"got a {type(block).__name__} that has not run hybridized, want one that "
                         "has, or input_shapes")
    return Traced(ran[1], parameters)


def walk(block: Any, path: str = "") -> Iterator[Tuple[str, Any]]:
    """The block and all blocks inside it, each with its path: ("features/0_Conv2D", block).

    A block that occurs twice has the path at which it occurs first.
    """
    yield from _walk(block, path, set())


def _walk(block: Any, path: str, seen: Set[int]) -> Iterator[Tuple[str, Any]]:
    if id(block) in seen:
        return
    seen.add(id(block))
    yield path, block
    for key, child in block._children.items():
        if not is_block(child):
            child = child()  # MXNet 2 keeps weak references
        label = f"{key}_{type(child).__name__}" if key.isdigit() else key
        yield from _walk(child, f"{path}/{label}" if path else label, seen)


def _places(mx: Any, blocks: Mapping[str, Any]) -> Dict[str, str]:
    """The path of each parameter, by the name of its variable; a shared one has its first path."""
    places: Dict[str, str] = {}
    for path, block in blocks.items():
        if isinstance(block, mx.gluon.SymbolBlock):
            continue  # its parameters have better names in its Symbol
        for key, parameter in block._reg_params.items():
            places.setdefault(parameter.var().name, f"{path}/{key}" if path else key)
    return places


def _compose(mx: Any, block: Any, blocks: Mapping[str, Any], feeds: Feeds,
             ran: Sequence[Any]) -> Any:
    """MXNet 1.x: the block called with variables, while an AttrScope marks new operators."""
    names = list(feeds) if isinstance(feeds, dict) else _data_names(len(feeds or "1"))
    if ran and not isinstance(feeds, dict):
        variables = list(ran[0])
        inputs = mx.gluon.block._regroup(variables, block._in_format)
    else:
        variables = inputs = [mx.sym.var(name) for name in names]
        if mx.util.is_np_array():
            inputs = [variable.as_np_ndarray() for variable in variables]
    open_scopes: List[Any] = []

    def enter(path: str, inputs: Any) -> None:
        open_scopes.append(mx.AttrScope(**{SCOPE: path}))
        open_scopes[-1].__enter__()

    def leave(path: str, inputs: Any, outputs: Any) -> None:
        open_scopes.pop().__exit__(None, None, None)

    try:
        with _hooks(blocks, enter, leave):
            outputs = block(*(inputs if isinstance(inputs, (list, tuple)) else [inputs]))
    finally:
        while open_scopes:
            leave("", (), ())
    return mx.sym.Group(list(flat(outputs, mx.sym.Symbol)))


def _record(mx: Any, block: Any, blocks: Mapping[str, Any], feeds: Feeds
            ) -> Tuple[Any, Dict[str, str]]:
    """MXNet 2: the block called with arrays, while deferred compute records operators."""
    deferred = mx._deferred_compute
    known = feeds if isinstance(feeds, dict) else dict(zip(_data_names(len(feeds or ())),
                                                           feeds or ()))
    parameters = list(block.collect_params().values())
    device = parameters[0].list_device()[0] if parameters else mx.cpu()
    arrays = [mx.np.zeros(shape, dtype=dtype, device=device) for shape, dtype in known.values()]
    variables = [mx.sym.var(name).as_np_ndarray() for name in known]
    deferred.set_variable(arrays, variables)
    begun: List[int] = []
    scopes: Dict[str, str] = {}

    def number() -> int:
        """Operators are called node_<number> in the order in which they are recorded."""
        probe = mx.np.zeros(())
        name = deferred.get_symbol([probe]).name
        return int(name.rpartition("_")[2])

    def enter(path: str, inputs: Any) -> None:
        begun.append(number())

    def leave(path: str, inputs: Any, outputs: Any) -> None:
        for operator in range(begun.pop() + 1, number()):
            scopes.setdefault(f"node_{operator}", path)

    with mx.autograd.pause(), deferred.context(), _hooks(blocks, enter, leave):
        outputs = list(flat(block(*arrays), mx.np.ndarray))
    symbol = deferred.get_symbol(outputs, sym_cls=mx.sym.numpy._Symbol)
    deferred.clear(outputs)
    return symbol, scopes


def _data_names(count: int) -> List[str]:
    """Gluon's names of inputs: data, or data0, data1, ..."""
    return ["data"] if count == 1 else [f"data{number}" for number in range(count)]


def flat(values: Any, kind: type) -> Iterator[Any]:
    """The arrays or Symbols in nested lists."""
    if isinstance(values, kind):
        yield values
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from flat(value, kind)


@contextmanager
def _hooks(blocks: Mapping[str, Any], enter: Callable[[str, Any], None],
           leave: Callable[[str, Any, Any], None]) -> Iterator[None]:
    """Call `enter` and `leave` with the path of each block that runs."""
    with ExitStack() as stack:
        for path, block in blocks.items():
            handles = (
                block.register_forward_pre_hook(
                    lambda block, inputs, path=path: enter(path, inputs)),
                block.register_forward_hook(
                    lambda block, inputs, outputs, path=path: leave(path, inputs, outputs)))
            for handle in handles:
                stack.callback(handle.detach)
        yield
