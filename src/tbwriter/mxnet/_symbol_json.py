"""The JSON of a Symbol: MXNet's own description of a network, in every version it has had.

Source: the JSON format is that of `nnvm/src/pass/saveload_json.cc`.
"""
from __future__ import annotations

import ast
import json
import os
import re
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple

_WEIGHTS = ("weight", "bias", "gamma", "beta", "mean", "var", "parameters", "alpha", "moving_avg")

# MXNet 2 has no names for operators, only these numbers.
NUMBERED = re.compile(r"node_\d+$")

# The names of the parts of a control-flow operator, in the order of their Symbols.
PARTS = {"_foreach": ("body",), "_while_loop": ("condition", "body"),
         "_cond": ("condition", "then", "else")}
PARTS.update({f"_npx{op}": parts for op, parts in PARTS.items()})  # MXNet 2, in blocks


def read(network: Any) -> str:
    """The JSON of a text or path."""
    if not isinstance(network, (str, os.PathLike)):
        raise TypeError(f"got a network of type {type(network).__name__}, want a Symbol, its JSON, "
                        "a path or a Gluon block")
    if isinstance(network, str) and network.lstrip()[:1] == "{":
        return network
    path = os.fspath(network)
    try:
        if not os.path.exists(path) and os.path.exists(f"{path}-symbol.json"):
            path = f"{path}-symbol.json"
        with open(path, encoding="utf-8") as file:
            return file.read()
    except ValueError as error:  # a NUL in the path, bytes that are not UTF-8
        raise ValueError(f"got {path!r:.60}, want the JSON of a Symbol, or its path ({error})"
                         ) from None


def parse(text: str) -> Dict[str, Any]:
    try:
        document = json.loads(text)
        nodes = [_node(node) for node in document["nodes"]]
        heads = [_entry(head) for head in document["heads"]]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError,
            RecursionError) as error:
        raise ValueError(f"got {text!r:.60}, want the JSON of a Symbol "
                         f"({type(error).__name__}: {error})") from None
    for index, _ in heads + [entry[:2] for node in nodes for entry in node["inputs"]]:
        if not 0 <= index < len(nodes):
            raise ValueError(f"got a Symbol's JSON with the node {index}, want 0 to "
                             f"{len(nodes) - 1}")
    return {"nodes": nodes, "heads": heads, "numpy": "is_np_shape" in document.get("attrs", {})}


def _node(node: Dict[str, Any]) -> Dict[str, Any]:
    # "attr" and "param" are the older names of "attrs"; files have had both at once.
    attrs = {**node.get("param", {}), **node.get("attr", {}), **node.get("attrs", {})}
    return {"name": str(node["name"]), "op": str(node["op"]), "attrs": attrs,
            "inputs": [_entry(entry) + (len(entry) > 2 and entry[2] > 0,)
                       for entry in node["inputs"]],
            "subgraphs": [parse(json.dumps(part)) for part in node.get("subgraphs", ())]}


def _entry(entry: Sequence[int]) -> Tuple[int, int]:
    """[node, output] or, since 2016, [node, output, version]."""
    return int(entry[0]), int(entry[1])


def users_of(document: Dict[str, Any]) -> List[List[int]]:
    """For each node, the nodes that have it as an input."""
    users: List[List[int]] = [[] for _ in document["nodes"]]
    for index, node in enumerate(document["nodes"]):
        for source, _, _ in node["inputs"]:
            users[source].append(index)
    return users


def is_weight(node: Dict[str, Any], users: Iterable[Dict[str, Any]]) -> bool:
    """Whether a variable is trained rather than fed.

    Gluon gives its parameters learning rates. Variables that MXNet adds are named by the operator,
    `fc1_weight`; labels are, too, but are fed: `softmax_label`.
    """
    name = node["name"]
    if "__lr_mult__" in node["attrs"] or "__init__" in node["attrs"] or name.endswith(_WEIGHTS):
        return True
    return not name.endswith("label") and any(name.startswith(f"{user['name']}_")
                                              for user in users)


def bindings(node: Dict[str, Any], number: int, variables: Sequence[str]
             ) -> Iterable[Tuple[int, int]]:
    """(input of the operator, variable of its part) for part `number` of a control-flow operator.

    `_foreach` has a place among the variables for each of its inputs; the others have a place among
    the inputs for each variable. In a block that MXNet 2 has traced these places are missing, and
    follow from the names of the variables; in a loop over arrays each use is an input.
    """
    attrs = node["attrs"]
    if node["op"] == "_foreach":
        places = [place for key in ("in_data_locs", "in_state_locs", "remain_locs")
                  for place in integers(attrs.get(key)) or ()]
        return list(enumerate(places))
    if node["op"] == "_npx_foreach":
        return list(enumerate(sorted(range(len(variables)), key=lambda at: (
            not variables[at].startswith("data_subgraph"),
            not variables[at].startswith("state_subgraph"), variables.index(variables[at])))))
    if node["op"].startswith("_npx_"):
        numbers = [re.search(r"_subgraph(\d+)$", name) for name in variables]
        return [(int(match.group(1)), at) for at, match in enumerate(numbers) if match]
    keys = {"_while_loop": ("cond_input_locs", "func_input_locs"),
            "_cond": ("cond_input_locs", "then_input_locs", "else_input_locs")}.get(node["op"], ())
    if number < len(keys):
        return [(source, position)
                for position, source in enumerate(integers(attrs.get(keys[number])) or ())]
    return [(position, position) for position in range(len(variables))]


def integers(text: Optional[str]) -> Optional[Tuple[int, ...]]:
    """The integers of an attribute such as "(64, 0, 7, 7)" or "[0]"; None for anything else."""
    try:
        value = ast.literal_eval(str(text))
        return tuple(int(item) for item in value)
    except (ValueError, SyntaxError, TypeError):
        return None
