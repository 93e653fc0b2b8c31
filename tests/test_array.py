"""The door for arrays: whatever holds numbers is taken."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tbwriter import summary


class Jaxlike:
    """What numpy knows of arrays of other packages."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self._values, dtype)


KINDS = {
    "histogram": lambda array: summary.histogram("h", array),
    "image": lambda array: summary.image("i", array),
    "audio": lambda array: summary.audio("a", array),
    "tensor": lambda array: summary.tensor("t", array),
}


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_other_packages(kind: str) -> None:
    """What has `__array__` gives the very bytes that numpy's array gives, and is a snapshot."""
    values = np.random.RandomState(0).rand(8, 2).astype(np.float32)
    want = KINDS[kind](values.copy()).SerializeToString()
    made = KINDS[kind](Jaxlike(values))
    values[:] = 0
    assert made.SerializeToString() == want


@pytest.mark.parametrize("kind", KINDS)
def test_torch_tensors(kind: str) -> None:
    """So do torch's tensors, those that want a gradient too."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    values = np.random.RandomState(0).rand(8, 2).astype(np.float32)
    want = KINDS[kind](values.copy()).SerializeToString()
    tensor = torch.tensor(values, requires_grad=True)
    made = KINDS[kind](tensor)
    with torch.no_grad():
        tensor.zero_()
    assert made.SerializeToString() == want
