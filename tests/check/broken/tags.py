"""Broken directories for the rules of tbwriter.check.tags."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

from tbwriter._proto import messages, wire
from tests.check.making import MESH, PNG, plugin, rows, strings, tensor, value_event
from tests.support.data import written


# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "kind changes": lambda d: written(d, [
        *rows(), value_event("x", wire.bytes_field(4, wire.bytes_field(4, PNG)), step=9)]),
    "late metadata": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"", 2), step=i) if i == 2
        else value_event("t", strings((), [b"a"]), plugin(""), step=i) for i in (1, 2)]),
    "no plugin": lambda d: written(d, [*rows(), value_event("t", strings((), [b"a"]))]),
    "foreign plugin": lambda d: written(d, [
        *rows(), value_event("f", strings((), [b"a"]), plugin("flight"))]),
    "no value": lambda d: written(d, [*rows(), value_event("t", plugin("text", b"", 2))]),
    "plugin content": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"\xff\xff", 2))]),
    "plugin version": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"\x08\x01", 2))]),
    "data class": lambda d: written(d, [
        value_event("t", strings((), [b"a"]), plugin("text", b"", 3))]),
    "lost metadata": lambda d: written(d, [
        value_event("x", wire.float_field(2, 1.0),
                    messages.metadata("scalars", data_class=0, description="d"))]),
    "layout tag": lambda d: written(d, [
        value_event("layout", strings((), [b""]), plugin("custom_scalars", b"", 2))]),
    "hparams tag": lambda d: written(d, [
        value_event("hp", plugin("hparams", wire.bytes_field(3, b""), 2))]),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
    "a foreign plugin without a value": ("foreign plugin", lambda d: written(d, [
        *rows(), value_event("f", plugin("flight"))]), None, {}),
    "a value without anything": ("no plugin", lambda d: written(d, [*rows(), value_event("v")]),
                                 None, {}),
    "a number with another plugin's metadata": ("data class", lambda d: written(d, [
        value_event("x", wire.float_field(2, 1.0), plugin("pr_curves", b"", 2))]), None, {}),
    "hparams damaged inside": ("plugin content", lambda d: written(d, [value_event(
        "_hparams_/session_start_info",
        plugin("hparams", wire.bytes_field(3, b"\x0a\x05\xff"), 2))]),
        "hparams/experiment", {"request": "{}"}),
    "a mesh whose name is no text": ("plugin content", lambda d: written(d, [
        value_event("m_VERTEX", tensor(1, (1, 4, 3), bytes(48)),
                    plugin("mesh", b"\x12\x01\xff" + MESH[3:], 2))]), "mesh/tags", {}),
    "a trace's content": ("plugin content", lambda d: written(d, [
        value_event("g", strings((1,), [b""]), plugin("graph_run_metadata", b"2", 3))]), None, {}),
}
