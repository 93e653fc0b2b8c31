"""Broken directories for the rules of tbwriter.check.numbers."""
from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any, Callable, Dict

from tbwriter._proto import wire
from tests.check.making import FLOAT6, MESH, histo, plugin, strings, tensor, value_event
from tests.support.data import written


def filled(*shape: int) -> bytes:
    """A tensor of one listed element for all of the shape."""
    dims = b"".join(wire.bytes_field(2, wire.int_field(1, length)) for length in shape)
    return wire.bytes_field(8, wire.int_field(1, 1) + wire.bytes_field(2, dims)
                            + wire.bytes_field(5, bytes(4)))


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "tensor elements": lambda d: written(d, [
        value_event("t", strings((3,), [b"a", b"b"]), plugin("text", b"", 2))]),
    "tensor fill": lambda d: written(d, [
        value_event("h", filled(1 << 19, 3), plugin("histograms", b"", 2))]),
    "scalar type": lambda d: written(d, [
        value_event("d", tensor(2, (), struct.pack("<d", 1.5)), plugin("scalars", b"", 1))]),
    "histogram shape": lambda d: written(d, [
        value_event("h", wire.bytes_field(5, wire.bytes_field(6, bytes(16))
                                          + wire.bytes_field(7, bytes(8))))]),
    "histogram range": lambda d: written(d, [
        value_event("h", wire.bytes_field(5, wire.double_field(1, math.nan)
                                          + wire.bytes_field(6, struct.pack("<d", 1.0))
                                          + wire.bytes_field(7, struct.pack("<d", 1.0))))]),
    "histogram edges": lambda d: written(d, [value_event("h", histo(-1e20, -1.0, 1.0, 1e20))]),
    "curve shape": lambda d: written(d, [
        value_event("p", tensor(1, (4, 6), FLOAT6), plugin("pr_curves", b"\x10\x04", 2))]),
    "curve NaN": lambda d: written(d, [
        value_event("p", tensor(1, (6, 4), FLOAT6), plugin("pr_curves", b"\x10\x04", 2))]),
    "mesh shape": lambda d: written(d, [
        value_event("m_VERTEX", tensor(1, (4, 3), bytes(48)), plugin("mesh", MESH, 2))]),
    "mesh parts": lambda d: written(d, [
        value_event("m_VERTEX", tensor(1, (1, 1, 3), bytes(12)), plugin(
            "mesh", wire.string_field(2, "m") + wire.int_field(3, 1) + wire.int_field(7, 2), 2)),
        ]),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
    "content of one element": ("tensor elements", lambda d: written(d, [
        value_event("h", tensor(1, (2, 3), bytes(4)), plugin("histograms", b"", 2))]),
        "histograms/histograms", {"run": ".", "tag": "h"}),
    "a scalar of rank 1": ("scalar type", lambda d: written(d, [
        value_event("x", tensor(1, (1,), bytes(4)), plugin("scalars", b"", 1))]), None, {}),
    "no element": ("tensor elements", lambda d: written(d, [
        value_event("t", tensor(1, (2,), b""), plugin("text", b"", 2))]),
        "text/text", {"run": ".", "tag": "t"}),
}
