"""The node of the graph for each operator of a profile, if the order of execution identifies it.

MXNet records the kind of an operator, not its node. It executes in the order of dependencies. So if
all nodes of one kind depend on one another in a chain, the executions of that kind are these nodes
in that order, and backward in the opposite one, repeatedly.
"""
from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Sequence

from ..profile.layout import Bounds
from ..profile.mxnet_trace import OPERATOR, Span, Trace
from ._symbol_json import NUMBERED

# Operators that block gradients, so that the backward order is not that of dependencies.
_CUTS = {"BlockGrad", "stop_gradient", "Custom", "_foreach", "_while_loop", "_cond"}


def node_names(symbol: Any, trace: Trace, steps: Sequence[Bounds]) -> Dict[Span, str]:
    """{execution: name}: the node's, or `backward_` and the node's.

    symbol: a Symbol, a hybridized block, or None. The graph must have been executed once per step;
    kinds that were executed less or more often get no names.
    """
    graph = getattr(symbol, "_cached_graph", None)
    symbol = graph[1] if graph else symbol
    if not hasattr(symbol, "tojson") or not steps:
        return {}
    found: Dict[Span, str] = {}
    nodes = json.loads(symbol.tojson())["nodes"]
    executions = _executions(trace)
    # Without updates of the weights, two executions of a graph may overlap.
    trained = any(kind.startswith("_backward_") for kind in executions)
    cut = any(node["op"] in _CUTS for node in nodes)
    for kind, names in _rows(nodes).items():
        if len(names) > 1 and not trained or any(map(NUMBERED.match, names)):
            continue
        _name(executions.get(kind, []), names, len(steps), found)
        if not cut:
            backward = [f"backward_{name}" for name in reversed(names)]
            _name(executions.get(f"_backward_{kind}", []), backward, len(steps), found)
    return found


def _rows(nodes: Sequence[Mapping[str, Any]]) -> Dict[str, List[str]]:
    """{kind: names} of the kinds whose nodes depend on one another in a chain, in that order."""
    before: List[int] = []  # of each node, a bit for each node that it depends on
    kinds: Dict[str, List[int]] = {}
    for number, node in enumerate(nodes):
        depends = 0
        for source in node["inputs"]:
            depends |= before[source[0]] | 1 << source[0]
        before.append(depends)
        if node["op"] != "null":
            kinds.setdefault(node["op"], []).append(number)
    return {kind: [nodes[number]["name"] for number in numbers] for kind, numbers in kinds.items()
            if all(before[later] >> earlier & 1 for earlier, later in zip(numbers, numbers[1:]))}


def _executions(trace: Trace) -> Dict[str, List[Span]]:
    """The executions of each kind of operator, by time."""
    found: Dict[str, List[Span]] = {}
    for span in sorted(trace.spans):
        if span.category == OPERATOR:
            found.setdefault(span.name, []).append(span)
    return found


def _name(executions: List[Span], names: List[str], steps: int, found: Dict[Span, str]) -> None:
    """Name the executions, if they are complete and one after another."""
    if len(executions) != steps * len(names) or any(
            earlier.end > later.start or earlier.start == later.start
            for earlier, later in zip(executions, executions[1:])):
        return
    for number, span in enumerate(executions):
        found[span] = names[number % len(names)]
