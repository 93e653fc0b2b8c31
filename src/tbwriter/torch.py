"""PyTorch: trace a module to log its graph. No other file of the package imports torch.

    from tbwriter.torch import graph
    writer.add(graph(model, torch.zeros(1, 3, 224, 224)))

Each operation is in the scope of its module, as in "Net/Linear[fc]/linear". Constant arguments
become attributes, named as in the schema of the operation.
"""
from __future__ import annotations

import contextlib
import warnings
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import torch

from ._proto.messages import Message
from .summary import _graph
from .summary._graph import Attribute, Node, Shape


class _Value(NamedTuple):
    """Where a value of the trace comes from: the output of a node, a constant, or a list of both.

    source: "node:output", both as numbers.
    """

    source: str = ""
    constant: Optional[Attribute] = None
    items: Optional[Sequence["_Value"]] = None


def graph(model: "torch.nn.Module", input_to_model: Any, *, use_strict_trace: bool = True
          ) -> Message:
    """The graph of `model` when called with `input_to_model`, for `FileWriter.add`.

    Shown in the Graphs dashboard.

    model: a module. It is traced in evaluation mode and without gradients, and is left unchanged. A
        model that is already traced or scripted is not traced again; each branch or loop in it
        becomes one node.
    input_to_model: a tensor, or a tuple of the arguments of `forward`. Arguments may be None.
    use_strict_trace: False allows `forward` to return dicts and lists.

    Raises TypeError if `model` is not a module or `input_to_model` is None, and the errors of
    `torch.jit.trace`.
    """
    return _graph.graph(nodes(model, input_to_model, use_strict_trace=use_strict_trace))


def nodes(model: "torch.nn.Module", input_to_model: Any, *, use_strict_trace: bool = True
          ) -> List[Node]:
    """The nodes of `graph(...)`, for code that edits them and passes them to `summary.graph`."""
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"got a model of type {type(model).__name__}, want a torch.nn.Module")
    jit: Any = torch.jit  # partly untyped
    traced: Any = model
    if not isinstance(model, jit.ScriptModule):
        with _evaluating(model), _without_nones(model, input_to_model) as given, \
                torch.no_grad(), warnings.catch_warnings():
            # The warning recommends torch.export, which refuses many models that can be traced.
            warnings.simplefilter("ignore", DeprecationWarning)
            # The warning is that the trace holds for this input only, which is enough for a graph.
            warnings.simplefilter("ignore", jit.TracerWarning)
            traced = jit.trace(model, given, strict=use_strict_trace, check_trace=False)
    inlined = traced.graph.copy()
    torch._C._jit_pass_inline(inlined)
    torch._C._jit_pass_lower_all_tuples(inlined)
    return _Walk(model).nodes(inlined)


@contextlib.contextmanager
def _evaluating(model: "torch.nn.Module") -> Iterator[None]:
    """Put `model` in evaluation mode, and afterwards each of its modules back in its own mode."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


@contextlib.contextmanager
def _without_nones(model: "torch.nn.Module", inputs: Any) -> Iterator[Any]:
    """The inputs without each None, which `torch.jit.trace` refuses. `forward` reinserts them."""
    if inputs is None:
        raise TypeError("got no input_to_model, want a tensor or a tuple of tensors to trace with")
    if not isinstance(inputs, tuple) or all(one is not None for one in inputs):
        yield inputs
        return
    forward, own = model.forward, model.__dict__.get("forward")

    def forward_with_nones(*tensors: Any) -> Any:
        rest = iter(tensors)
        return forward(*[None if one is None else next(rest) for one in inputs])

    model.__dict__["forward"] = forward_with_nones
    try:
        yield tuple(one for one in inputs if one is not None)
    finally:
        del model.__dict__["forward"]
        if own is not None:
            model.__dict__["forward"] = own


def _scopes(model: "torch.nn.Module") -> Dict[str, str]:
    """{"layer.0": "Sequential[layer]/Conv2d[0]", ...}"""
    kinds = {path: getattr(module, "original_name", type(module).__name__)
             for path, module in model.named_modules()}
    scopes = {}
    for path in kinds:
        parts = path.split(".") if path else []
        scopes[path] = "/".join(f"{kinds['.'.join(parts[:end])]}[{parts[end - 1]}]"
                                for end in range(1, len(parts) + 1))
    return scopes


class _Walk:
    """One pass over a traced graph, in which each node follows the nodes it computes from."""

    def __init__(self, model: "torch.nn.Module") -> None:
        self._root = getattr(model, "original_name", type(model).__name__)
        self._scopes = _scopes(model)
        self._tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
        self._values: Dict[str, _Value] = {}
        self._attributes: Dict[str, str] = {}  # {value that is a module: its path in the model}
        self._nodes: List[Node] = []
        self._wanted: List[str] = []

    def nodes(self, graph: Any) -> List[Node]:
        module, *inputs = graph.inputs()
        self._attributes[module.debugName()] = ""
        for value in inputs:
            self._add(f"input/{value.debugName()}", "Input", [value], [], {})
        for node in graph.nodes():
            self._visit(node)
        for number, value in enumerate(graph.outputs()):
            self._add(f"output/{number}", "Output", [], self._sources([self._of(value)]), {})
        names = _graph.node_names(self._wanted)
        return [node._replace(name=name, inputs=[_renamed(source, names) for source in node.inputs])
                for name, node in zip(names, self._nodes)]

    def _visit(self, node: Any) -> None:
        kind = node.kind()
        if kind == "prim::GetAttr":
            self._visit_attribute(node)
        elif kind == "prim::Constant":
            self._values[node.output().debugName()] = _Value(constant=_constant(node))
        elif kind == "prim::ListConstruct":
            self._values[node.output().debugName()] = _Value(
                items=[self._of(value) for value in node.inputs()])
        else:
            sources, attributes = self._arguments(node)
            name = self._scoped(node.scopeName(), kind.partition("::")[2])
            self._add(name, kind, list(node.outputs()), sources, attributes)

    def _visit_attribute(self, node: Any) -> None:
        """Remember the path of a submodule, or add a node for a parameter or buffer."""
        owner = self._attributes[node.input().debugName()]
        path = f"{owner}.{node.s('name')}" if owner else node.s("name")
        value = node.output()
        if value.type().kind() == "ClassType":
            self._attributes[value.debugName()] = path
        else:
            name = "/".join(filter(None, [self._root, self._scopes.get(owner), node.s("name")]))
            self._add(name, "Parameter", [value], [], {})
            if path in self._tensors:  # the trace has no shape for it
                tensor = self._tensors[path]
                self._nodes[-1] = self._nodes[-1]._replace(
                    output_shapes=[list(tensor.shape)], dtype=_dtype(tensor.dtype),
                    device=_device(tensor.device))

    def _arguments(self, node: Any) -> Tuple[List[str], Dict[str, Attribute]]:
        """The sources of the inputs of `node`, and its constant arguments by name."""
        sources: List[str] = []
        attributes: Dict[str, Attribute] = {}
        for name, value in zip(_argument_names(node), node.inputs()):
            known = self._of(value)
            plain = _plain(known)
            if plain is not None:
                attributes[name] = plain
            else:
                sources += self._sources([known])
        return sources, attributes

    def _of(self, value: Any) -> _Value:
        return self._values.get(value.debugName(), _Value())

    def _sources(self, values: Sequence[_Value]) -> List[str]:
        found = []
        for value in values:
            found += self._sources(value.items) if value.items is not None else \
                [value.source] if value.source else []
        return found

    def _scoped(self, scope: str, name: str) -> str:
        """The name of a node in `scope`, which torch writes as "__module.layer/__module.layer.0".
        """
        path = scope.rpartition("/")[2].partition(".")[2]
        return "/".join(filter(None, [self._root, self._scopes.get(path, path.replace(".", "/")),
                                      name]))

    def _add(self, name: str, op: str, outputs: List[Any], inputs: List[str],
             attributes: Dict[str, Attribute]) -> None:
        # Names are made unique after the pass; during it a number identifies each node.
        number = len(self._nodes)
        for slot, value in enumerate(outputs):
            self._values[value.debugName()] = _Value(f"{number}:{slot}")
        dtype = device = ""
        if outputs and outputs[0].type().kind() == "TensorType":
            dtype = _dtype(outputs[0].type().dtype())
            device = _device(outputs[0].type().device())
        self._wanted.append(name)
        self._nodes.append(Node("", op, inputs, device, attributes,
                                [_shape(value) for value in outputs] or None, dtype))


def _renamed(source: str, names: Sequence[str]) -> str:
    number, _, slot = source.partition(":")
    name = names[int(number)]
    return name if slot == "0" else f"{name}:{slot}"


def _argument_names(node: Any) -> List[str]:
    """The names of the arguments of `node`, or their numbers if its operation has no schema."""
    count = len(list(node.inputs()))
    text = node.schema()
    if text.startswith("(no schema"):
        return [str(number) for number in range(count)]
    return [argument.name for argument in torch._C.parse_schema(text).arguments]


def _constant(node: Any) -> Optional[Attribute]:
    value = node.output().toIValue()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, torch.Tensor):
        return value.item() if value.numel() == 1 else f"tensor of shape {tuple(value.shape)}"
    return str(value)


def _plain(value: _Value) -> Optional[Attribute]:
    """`value` as an attribute: a constant, or a list of constants of one type; else None."""
    if value.items is None:
        return value.constant
    plain = [item.constant for item in value.items]
    if None in plain or len({type(item) for item in plain}) != 1:
        return None
    return plain  # type: ignore[return-value]


def _shape(value: Any) -> Shape:
    kind = value.type()
    if kind.kind() != "TensorType":
        return None
    sizes = kind.sizes()
    return None if sizes is None else list(sizes)


def _dtype(dtype: Any) -> str:
    """"torch.float32" -> "float32"; "" for types without a number in GraphDef."""
    name = str(dtype or "").partition(".")[2]
    return name if name in _graph.DTYPES else ""


def _device(device: Any) -> str:
    """"cuda:1" -> "/device:CUDA:1", as TensorBoard writes devices."""
    return f"/device:{device.type.upper()}:{device.index or 0}" if device else ""
