"""Broken directories for the rules of tbwriter.check.content."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

from tbwriter._proto import wire
from tests.check.making import graph, layout, plugin, strings, value_event
from tests.support.data import written


def _multiline(*patterns: str) -> bytes:
    """A Layout with one chart."""
    tags = b"".join(wire.string_field(1, pattern) for pattern in patterns)
    chart = wire.string_field(1, "chart") + wire.bytes_field(2, tags)
    category = wire.string_field(1, "category") + wire.bytes_field(2, chart)
    return wire.bytes_field(2, category)


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "text encoding": lambda d: written(d, [
        value_event("t", strings((), [b"\xff"]), plugin("text", b"", 2))]),
    "layout content": lambda d: written(d, [layout(b"\xff\xff")]),
    "layout pattern": lambda d: written(d, [layout(_multiline("loss", "los("))]),
    "graph content": lambda d: written(d, [graph(b"\xff\xff")]),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
    "costs in a tensor that are none": ("graph content", lambda d: written(d, [
        value_event("g", strings((1,), [b"\xff\xff"]), plugin("graph_run_metadata", b"1", 3))]),
        "graphs/run_metadata", {"run": ".", "tag": "g"}),
    "a chart's title that is no text": ("layout content", lambda d: written(d, [
        layout(wire.bytes_field(2, wire.bytes_field(1, b"\xff")))]), "custom_scalars/layout", {}),
    "a node's name that is no text": ("graph content", lambda d: written(d, [
        graph(wire.bytes_field(1, wire.bytes_field(1, b"\xff")))]), "graphs/graph", {"run": "."}),
    "costs that are none": ("graph content", lambda d: written(d, [
        wire.double_field(1, 1.6e9) + wire.bytes_field(
            8, wire.string_field(1, "b") + wire.bytes_field(2, b"\xff"))]),
        "graphs/run_metadata", {"run": ".", "tag": "b"}),
}
