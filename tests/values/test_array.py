"""The door for arrays: whatever holds numbers is taken, by every kind that takes arrays.

MXNet's arrays are in mxnet/test_kinds_mxnet.py.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest

from tbwriter import summary


class Jaxlike:
    """What numpy knows of arrays of other packages."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self._values, dtype)


# The shape of an array, and what is made of it.
KINDS: Dict[str, Tuple[Tuple[int, ...], Callable[[Any], Any]]] = {
    "histogram": ((8, 2), lambda array: summary.histogram("h", array)),
    "image": ((8, 2), lambda array: summary.image("i", array)),
    "images": ((5, 3, 8, 2), lambda array: summary.images("i", array)),
    "image_with_boxes": ((8, 4), lambda array: summary.image_with_boxes("b", array, array)),
    "video": ((5, 3, 8, 2), lambda array: summary.video("v", array)),
    "audio": ((8, 2), lambda array: summary.audio("a", array)),
    "pr_curve": ((8, 2), lambda array: summary.pr_curve("p", array, array)),
    "mesh": ((8, 3), lambda array: summary.mesh("m", array)),
    "tensor": ((8, 2), lambda array: summary.tensor("t", array)),
}


def values_for(kind: str) -> "np.ndarray[Any, Any]":
    return np.random.RandomState(0).rand(*KINDS[kind][0]).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_other_packages(kind: str) -> None:
    """What has `__array__` gives the very bytes that numpy's array gives, and is a snapshot."""
    values, (_, make) = values_for(kind), KINDS[kind]
    want = make(values.copy()).SerializeToString()
    made = make(Jaxlike(values))
    values[:] = 0
    assert made.SerializeToString() == want


@pytest.mark.parametrize("kind", KINDS)
def test_lists(kind: str) -> None:
    """Lists of Python's numbers are what numpy makes of them."""
    values, (_, make) = values_for(kind).astype(np.float64), KINDS[kind]
    assert make(values.tolist()).SerializeToString() == make(values).SerializeToString()


@pytest.mark.parametrize("kind", KINDS)
def test_torch_tensors(kind: str) -> None:
    """So do torch's tensors, those that want a gradient too."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    values, (_, make) = values_for(kind), KINDS[kind]
    want = make(values.copy()).SerializeToString()
    tensor = torch.tensor(values, requires_grad=True)
    made = make(tensor)
    with torch.no_grad():
        tensor.zero_()
    assert made.SerializeToString() == want


@pytest.mark.parametrize("kind", KINDS)
def test_jax_arrays(kind: str) -> None:
    """So do jax's."""
    jax = pytest.importorskip("jax.numpy", reason="jax is not installed")
    values, (_, make) = values_for(kind), KINDS[kind]
    assert make(jax.asarray(values)).SerializeToString() == make(values).SerializeToString()
