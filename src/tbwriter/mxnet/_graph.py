"""Networks as TensorBoard graphs: a Symbol, its JSON, a Gluon block or an exported model.

MXNet's own description of a network is the JSON of its Symbol. It is read here, so that a file is
shown on machines without MXNet. Blocks become Symbols in `_trace`.

The name of a node decides where TensorBoard draws it, since "/" opens a box:

- An operator of a block is in the box of the block: `features/0_Conv2D/fwd`.
- Without blocks, an underscore after a number ends a box: `stage1_conv0_fwd` is drawn as
  `stage1/conv0/fwd`. So do the dots in the structural names of MXNet 2.
- Weights are in the box of their operator: `fc1_weight` as `fc1/weight`.
- Where a box has too many operators to be read, `_boxes` divides it.
"""
from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from .._foreign import let_signals, shown
from .._proto.messages import Message
from .._values.number import items
from ..summary import _graph
from ..summary._graph import Node, Shape
from ._boxes import with_boxes
from ._symbol_json import NUMBERED, PARTS, bindings, integers, is_weight, parse, read, users_of
from ._trace import SCOPE, is_block, trace

# mshadow's type flags, as `__dtype__` has them.
_DTYPES = ("float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool", "int16",
           "uint16", "uint32", "uint64", "bfloat16")
_CODES = {str(code): dtype for code, dtype in enumerate(_DTYPES)}

# Inputs that operators change, by position: MXNet 2 and files from before 2016 do not mark those
# edges.
_MUTATED = {"BatchNorm": (3, 4), "BatchNorm_v1": (3, 4), "SyncBatchNorm": (3, 4),
            "_contrib_SyncBatchNorm": (3, 4), "CuDNNBatchNorm": (3, 4),
            "_contrib_BatchNormWithReLU": (3, 4)}

Feed = Tuple[Tuple[int, ...], str]


class Reference(NamedTuple):
    """An output of a node by its number; -1 states only that the node runs before."""

    draft: "Draft"
    output: int = 0


class Draft:
    """A node whose name may still change, because another node has it."""

    __slots__ = ("name", "op", "inputs", "attrs", "shapes", "dtype", "device")

    def __init__(self, name: str, op: str, inputs: Sequence[Reference] = ()) -> None:
        self.name = name
        self.op = op
        self.inputs = list(inputs)
        self.attrs: Dict[str, Union[str, bool]] = {}
        self.shapes: Optional[Sequence[Shape]] = None
        self.dtype = ""
        self.device = ""


def graph(network: Any, input_shapes: Any = None) -> Message:
    """The graph of `network`, for `FileWriter.add`. Shown in Graphs.

    network: a Symbol; its JSON text; the path of a JSON file, or of an exported model without its
        "-symbol.json"; or a Gluon block. On MXNet 1.x a block need not have run; on 2.x it has
        run hybridized, or `input_shapes` are given. Boxes follow the blocks.
    input_shapes: shapes for the edges: {name: shape}, an iterator's `provide_data`, a list with one
        shape per input, or a single shape. Arrays give their shape and dtype; otherwise the dtype
        is float32. Other shapes and dtypes are inferred if possible; for JSON, only those of the
        inputs and those in the file are shown.

    Raises TypeError for other types, OSError for a file that can't be read, ValueError for text
    that is no Symbol's JSON, unknown inputs, shapes that don't fit, and an untraceable block.
    """
    feeds = _feeds(input_shapes)
    parameters: Mapping[str, str] = {}
    scopes: Mapping[str, str] = {}
    if is_block(network):
        network, parameters, scopes = trace(network, feeds)
    if hasattr(network, "tojson"):
        symbol = network
        text = symbol.tojson(remove_amp_cast=False)
    else:
        symbol = None
        text = read(network)
    document = parse(text)
    for node in document["nodes"]:
        if node["name"] in scopes:
            node["attrs"][SCOPE] = scopes[node["name"]]
    inputs = _inputs(document, feeds, parameters)
    inferred = _infer(symbol, document, inputs) if symbol is not None and inputs else {}
    return _graph.graph(_nodes(_Drawing(document, parameters, inputs, inferred).drafts()))


def _feeds(shapes: Any) -> Union[None, List[Feed], Dict[str, Feed]]:
    """Shapes and dtypes of the inputs, by name or in order; None where nothing is known."""
    if shapes is None:
        return None
    if isinstance(shapes, Mapping):
        return {name: _feed(shape) for name, shape in shapes.items()}
    if hasattr(shapes, "shape"):
        return [_feed(shapes)]
    shapes = items(shapes, "input_shapes")
    if all(isinstance(item, (int, np.integer)) for item in shapes):
        return [_feed(shapes)]
    if all(isinstance(item, tuple) and len(item) > 1 and isinstance(item[0], str)
           for item in shapes):
        # DataDesc, or its plain form (name, shape).
        return {item[0]: _feed(item[1], getattr(item, "dtype", "float32")) for item in shapes}
    return [_feed(shape) for shape in shapes]


def _feed(shape: Any, dtype: Any = "float32") -> Feed:
    dtype = getattr(shape, "dtype", dtype)
    try:
        lengths = tuple(int(length) for length in getattr(shape, "shape", shape))
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"got the input shape {shape!r:.80}, want a tuple of integers") from None
    try:
        return lengths, np.dtype(dtype).name
    except (TypeError, ValueError):
        raise TypeError(f"got an input of dtype {shown(dtype)}, want one of numpy's") from None


def _inputs(document: Dict[str, Any], feeds: Union[None, List[Feed], Dict[str, Feed]],
            parameters: Mapping[str, str]) -> Dict[str, Optional[Feed]]:
    """The variables that are inputs of the network, with their shapes as far as known."""
    users = users_of(document)
    variables = [node["name"] for node in document["nodes"] if node["op"] == "null"]
    found = [node["name"] for index, node in enumerate(document["nodes"])
             if node["op"] == "null" and node["name"] not in parameters
             and not is_weight(node, [document["nodes"][user] for user in users[index]])]
    if isinstance(feeds, list):
        if len(feeds) > len(found):
            raise ValueError(f"got {len(feeds)} input shapes, want {len(found)}: "
                             f"the inputs are {', '.join(found)}")
        feeds = dict(zip(found, feeds))
    for name in feeds or ():
        if name not in variables:
            raise ValueError(f"got a shape for {name!r}, want one of the inputs {', '.join(found)}")
    known: Dict[str, Optional[Feed]] = dict.fromkeys(found)
    known.update(feeds or {})
    return known


def _infer(symbol: Any, document: Dict[str, Any],
           inputs: Mapping[str, Optional[Feed]]) -> Dict[Tuple[int, int], Tuple[Shape, str]]:
    """Shape and dtype of every output that MXNet can infer, by node and output index."""
    internals = symbol.get_internals()
    inside = parse(internals.tojson(remove_amp_cast=False))
    if [node["name"] for node in inside["nodes"]] != [node["name"] for node in document["nodes"]]:
        return {}
    feeds = {name: feed for name, feed in inputs.items() if feed is not None}
    try:
        _, shapes, _ = internals.infer_shape_partial(**{name: feed[0]
                                                        for name, feed in feeds.items()})
    except Exception as error:  # a bare Exception for too many elements
        let_signals(error)
        if feeds:
            raise ValueError(f"got the input shapes {feeds}, which don't fit: "
                             f"{str(error).strip().splitlines()[-1]}") from error
        shapes = None  # some operators, such as loops, need shapes
    try:
        _, dtypes, _ = internals.infer_type_partial(**{name: feed[1]
                                                       for name, feed in feeds.items()})
    except (RuntimeError, ValueError):
        dtypes = None  # an input is of another type than float32
    unknown = -1 if document["numpy"] else 0
    return {entry: (_shape(shape, unknown), _dtype(dtype))
            for entry, shape, dtype in zip(inside["heads"], shapes or [None] * len(inside["heads"]),
                                           dtypes or [None] * len(inside["heads"]))}


def _shape(shape: Optional[Sequence[int]], unknown: int) -> Shape:
    """`unknown` is MXNet's number for an unknown length: 0, or -1 with numpy semantics. Without
    numpy semantics, a shape without lengths is one of unknown rank."""
    if shape is None or (not shape and not unknown):
        return None
    return [None if length in (unknown, -1) else int(length) for length in shape]


def _dtype(dtype: Any) -> str:
    name = "" if dtype is None else np.dtype(dtype).name
    return name if name in _DTYPES else ""


class _Drawing:
    """Drafts for the nodes of one Symbol, its parts included."""

    def __init__(self, document: Dict[str, Any], parameters: Mapping[str, str],
                 inputs: Mapping[str, Optional[Feed]],
                 inferred: Mapping[Tuple[int, int], Tuple[Shape, str]]) -> None:
        self._nodes: List[Dict[str, Any]] = document["nodes"]
        self._heads: List[Tuple[int, int]] = document["heads"]
        self._unknown = -1 if document["numpy"] else 0
        self._parameters = parameters
        self._inputs = inputs
        self._inferred = inferred
        self._users = users_of(document)
        self._auxiliary = {source for node in self._nodes
                           for position, (source, _, mutable) in enumerate(node["inputs"])
                           if self._nodes[source]["op"] == "null"
                           and (mutable or position in _MUTATED.get(node["op"], ()))}

    def drafts(self) -> List[Draft]:
        """The nodes, and one for each output of the network."""
        drafts = self._part("", {})
        outputs = [self._output(position, Reference(drafts[0][index], number))
                   for position, (index, number) in enumerate(self._heads)]
        return [*drafts[0].values(), *drafts[1], *outputs]

    def _part(self, scope: str,
              fed: Mapping[int, Reference]) -> Tuple[Dict[int, Draft], List[Draft]]:
        """The nodes by index, and those of their parts.

        fed: for a part of a control-flow operator, the sources of its variables.
        """
        names = self._names()
        drafts: Dict[int, Draft] = {}
        inner: List[Draft] = []
        for index, node in enumerate(self._nodes):
            draft = self._draft(index, node, scope + names[index])
            drafts[index] = draft
            if index in fed:
                draft.op = "Input"
                draft.inputs = [fed[index]]
            draft.inputs += [Reference(drafts[source], number)
                             for source, number, _ in node["inputs"]]
            inner += self._parts(draft, node)
        return drafts, inner

    def _parts(self, draft: Draft, node: Dict[str, Any]) -> List[Draft]:
        """The nodes inside a control-flow operator, which compute its results."""
        labels = PARTS.get(node["op"], ())
        sources = list(draft.inputs)
        drafts: List[Draft] = []
        for number, document in enumerate(node["subgraphs"]):
            label = labels[number] if number < len(labels) else f"part{number}"
            variables = [index for index, inside in enumerate(document["nodes"])
                         if inside["op"] == "null"]
            names = dict.fromkeys(document["nodes"][index]["name"] for index in variables)
            part = _Drawing(document, self._parameters, names, {})
            fed = {variables[position]: sources[source]
                   for source, position in bindings(
                       node, number, [document["nodes"][index]["name"] for index in variables])
                   if source < len(sources) and position < len(variables)}
            nodes, inner = part._part(f"{draft.name}/{label}/", fed)
            drafts += [*nodes.values(), *inner]
            draft.inputs += [Reference(nodes[index], -1)
                             for index in dict.fromkeys(index for index, _ in part._heads)]
        return drafts

    def _draft(self, index: int, node: Dict[str, Any], name: str) -> Draft:
        draft = Draft(name, node["op"])
        attrs = node["attrs"]
        if node["op"] != "null":
            draft.attrs = {key: str(value) for key, value in attrs.items()
                           if key[:2] != "__" and str(value) != "None"}
        elif index in self._auxiliary:
            draft.op = "AuxiliaryState"
            draft.attrs["auxiliary"] = True
        else:
            draft.op = "Input" if node["name"] in self._inputs else "Parameter"
        for key in ("lr_mult", "wd_mult"):
            if str(attrs.get(f"__{key}__", "1.0")) != "1.0":
                draft.attrs[key] = str(attrs[f"__{key}__"])
        draft.device = str(attrs.get("__ctx_group__", ""))
        self._describe(draft, index, node)
        return draft

    def _describe(self, draft: Draft, index: int, node: Dict[str, Any]) -> None:
        """Shapes and dtype: inferred; otherwise, of a variable, those given or in the file."""
        shapes: List[Shape] = []
        while (index, len(shapes)) in self._inferred:
            shape, dtype = self._inferred[index, len(shapes)]
            draft.dtype = draft.dtype or dtype
            shapes.append(shape)
        feed = self._inputs.get(node["name"])
        if not shapes and feed is not None:
            shapes, draft.dtype = [feed[0]], feed[1]
        if not shapes and node["op"] == "null":
            code = str(node["attrs"].get("__dtype__", ""))
            draft.dtype = _CODES.get(code, "")
            shapes = [_shape(integers(node["attrs"].get("__shape__")), self._unknown)]
        if any(shape is not None for shape in shapes):
            draft.shapes = shapes

    def _output(self, position: int, source: Reference) -> Draft:
        """A head of the network, under MXNet's name: `softmax_output`."""
        index, number = self._heads[position]
        name = self._nodes[index]["name"]
        if NUMBERED.match(name):
            name = f"output{position}" if len(self._heads) > 1 else "output"
        else:
            name = f"{name}_output{number or ''}"
        draft = Draft(name, "Output", [source])
        if source.draft.shapes and number < len(source.draft.shapes):
            draft.shapes = [source.draft.shapes[number]]
            draft.dtype = source.draft.dtype
        return draft

    def _names(self) -> List[str]:
        """The path of each node."""
        numbered = self._numbered()
        names: Dict[int, str] = {}
        for index, node in enumerate(self._nodes):
            if node["op"] != "null":
                names[index] = numbered.get(index) or _operator_name(node)
        names = with_boxes(self._nodes, names, [index for index, _ in self._heads])
        for index, node in enumerate(self._nodes):
            if node["op"] == "null":
                names[index] = self._variable_name(index, node["name"], names)
        return [names[index] for index in range(len(self._nodes))]

    def _variable_name(self, index: int, name: str, operators: Mapping[int, str]) -> str:
        if name in self._parameters:
            return self._parameters[name]
        if name in self._inputs:
            return name
        if "." in name:
            return name.replace(".", "/")
        users = list(dict.fromkeys(self._users[index]))
        if len(users) != 1:
            return _split(name)
        operator = self._nodes[users[0]]["name"]
        # Gluon calls the operator of the layer `fc_` `fc_fwd` and its weight `fc_weight`.
        layer = operator[:-4] if operator.endswith("_fwd") else operator
        place = operators[users[0]]
        box = place.rpartition("/")[0]
        if name.startswith(f"{layer}_"):
            place = box if operator.endswith("_fwd") else place
            return f"{place}/{name[len(layer) + 1:]}"
        path = _split(name)
        return path if box and path.startswith(f"{box}/") else f"{place}/{path.split('/')[-1]}"

    def _numbered(self) -> Dict[int, str]:
        """MXNet 2 names operators by a running number, but its weights by their blocks.

        An operator with weights is in the box of the weights, another one in the smallest box
        around the operators with weights before and after it, since blocks run one after another.
        """
        boxes: Dict[int, List[str]] = {}
        numbered = [index for index, node in enumerate(self._nodes)
                    if node["op"] != "null" and NUMBERED.match(node["name"])
                    and SCOPE not in node["attrs"]]
        for index in numbered:
            weights = [self._parameters.get(name, name.replace(".", "/"))
                       for name in (self._nodes[source]["name"]
                                    for source, _, _ in self._nodes[index]["inputs"]
                                    if self._nodes[source]["op"] == "null")
                       if name in self._parameters or "." in name]
            if weights:
                boxes[index] = _common([path.split("/")[:-1] for path in weights])
        names = {}
        for index in numbered:
            box = boxes.get(index)
            if box is None:
                before = [boxes[other] for other in boxes if other < index][-1:]
                after = [boxes[other] for other in boxes if other > index][:1]
                box = _common(before + after) if before and after else []
            names[index] = "/".join([*box, self._nodes[index]["op"]])
        return names


def _operator_name(node: Dict[str, Any]) -> str:
    name: str = node["op"] if NUMBERED.match(node["name"]) else node["name"]
    if SCOPE not in node["attrs"]:
        return _split(name)
    scope = node["attrs"][SCOPE]
    leaf = _split(name).rpartition("/")[2]
    return f"{scope}/{leaf}" if scope else leaf


def _split(name: str) -> str:
    """A name with its boxes: "stage1/conv0/fwd" for "stage1_conv0_fwd"."""
    return re.sub(r"(?<=\d)_(?=[^\d/])|_(?=fwd$)", "/", name)


def _nodes(drafts: Sequence[Draft]) -> List[Node]:
    """The drafts under unique names."""
    names = dict(zip(map(id, drafts), _graph.node_names(draft.name for draft in drafts)))
    return [Node(names[id(draft)], draft.op,
                 [_input(names[id(source.draft)], source.output) for source in draft.inputs],
                 draft.device, draft.attrs, draft.shapes, draft.dtype) for draft in drafts]


def _input(name: str, output: int) -> str:
    if output < 0:
        return f"^{name}"
    return f"{name}:{output}" if output else name


def _common(paths: Sequence[Sequence[str]]) -> List[str]:
    """The common beginning of all `paths`; empty for no paths."""
    common = []
    for parts in zip(*paths):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return common
