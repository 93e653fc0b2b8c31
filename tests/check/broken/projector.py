"""Broken directories for the rules of tbwriter.check.projector."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np

from tbwriter._files.projector import MOST_BYTES
from tests.check.making import rows
from tests.support.data import written


def config(directory: Path, text: str) -> None:
    written(directory, rows())
    (directory / "projector_config.pbtxt").write_text(text)


def _tensors(directory: Path, content: bytes, shape: str = "") -> None:
    """A projector config with one embedding."""
    (directory / "numbers").write_bytes(content)
    config(directory, f'embeddings {{ tensor_name: "e" {shape} tensor_path: "numbers" }}')


def _outside(directory: Path) -> None:
    """A config in a run below, that names the labels beside it."""
    (directory.parent / "labels.tsv").write_text("a\nb\n")
    (directory / "numbers").write_text("1\t2\t3\n4\t5\t6\n")
    config(directory, 'embeddings { tensor_name: "e" tensor_path: "numbers" '
                      'metadata_path: "../labels.tsv" }')


# A configuration that TensorBoard takes.
LARGE = 'embeddings { tensor_name: "e" }\n' * (MOST_BYTES // 32 + 1)

# Rule -> the function that makes a directory which breaks it, and no other.
BROKEN: Dict[str, Callable[[Path], Any]] = {
    "projector config": lambda d: config(
        d, 'embeddings { tensor_name: "e" tensor_path: "missing.tsv" }'),
    "projector config size": lambda d: config(d, LARGE),
    "projector numbers": lambda d: _tensors(d, b"1\t2\t3\n4\tnan\t6\n"),
    "projector shape": lambda d: _tensors(d, b"1\t2\n3\t4\n"),
    "projector tensor": lambda d: _tensors(d, np.full(8, 2, "<f4").tobytes(),
                                           "tensor_shape: 4 tensor_shape: 2"),
}

# Other forms of these faults: the rule, a function that makes them, and the request to TensorBoard.
FORMS: Dict[str, Any] = {
    "infinite float32": ("projector numbers", lambda d: _tensors(
        d, np.array([[1, 2, -np.inf], [np.pi, 5, 6]], "<f4").tobytes(),
        "tensor_shape: 2 tensor_shape: 3"), None, {}),
    "one point": ("projector shape", lambda d: _tensors(d, b"1\t2\t3\n"), None, {}),
    "one dimension": ("projector shape", lambda d: _tensors(d, b"1\n2\n3\n"), None, {}),
    "a projector config that is none": ("projector config", lambda d: config(d, "garbage {"),
                                        "projector/info", {"run": "."}),
    "a projector config that ends early": ("projector config", lambda d: config(
        d, 'embeddings { tensor_name: "e"'), "projector/info", {"run": "."}),
    "a field twice": ("projector config", lambda d: config(
        d, 'embeddings { tensor_name: "e" tensor_name: "e" }'), "projector/info", {"run": "."}),
    "a length beyond uint32": ("projector config", lambda d: config(
        d, 'embeddings { tensor_name: "e" tensor_shape: 4294967296 }'), "projector/info",
        {"run": "."}),
    "labels outside": ("projector config", lambda d: _outside(d), "projector/metadata",
                       {"run": ".", "name": "e"}),
    "float32 without a shape": ("projector tensor", lambda d: _tensors(
        d, np.full(8, np.pi, "<f4").tobytes()), "projector/tensor", {"run": ".", "name": "e"}),
    "rows of unequal length": ("projector tensor", lambda d: _tensors(d, b"1\t2\n3\n"),
                               "projector/tensor", {"run": ".", "name": "e"}),
    "words among the numbers": ("projector tensor", lambda d: _tensors(d, b"a\tb\n1\t2\n"),
                                "projector/tensor", {"run": ".", "name": "e"}),
}
