"""Arrays: anything that holds numbers is accepted, by every kind that takes arrays.

MXNet's arrays are in mxnet/test_kinds_mxnet.py.
"""
from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import pytest

from tbwriter import summary
from tbwriter._values.array import as_array, masked, snapshot


class Jaxlike:
    """The arrays of other packages that numpy reads."""

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
    """An object with `__array__` gives the same bytes as numpy's array, and is a snapshot."""
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


MASK = [[True, False], [False, False]]


@pytest.mark.parametrize("values", [
    np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=MASK),
    [np.ma.array([1.0, 2.0], mask=MASK[0]), np.array([3.0, 4.0])],
    ([3.0, 4.0], np.ma.array([9.0, 2.0], mask=MASK[0]))[::-1],
    [[np.ma.masked, 2.0], [3, 4]],
    (np.ma.array([1, 2.0], mask=MASK[0]), (np.float64(3), np.float32(4))),
])
def test_masked_elements_are_nan(values: Any) -> None:
    """Elements that numpy.ma masks are NaN where no kind says otherwise, and an error in integers,
    which have none."""
    np.testing.assert_array_equal(as_array(values), np.array([[np.nan, 2], [3, 4]]))
    with pytest.raises(ValueError, match="(?s)got values with masked .* want them filled"):
        as_array(np.ma.array([1, 2], mask=[1, 0]))
    with pytest.raises(ValueError, match="masked elements of type int"):
        as_array([[1, 2], [3, np.ma.masked]])
    assert as_array(np.ma.array([1, 2], mask=[0, 0])).tolist() == [1, 2]


def test_masked_elements_at_any_depth() -> None:
    """They are found in lists in lists, whatever comes first, and beside foreign arrays. A ragged
    list and one that contains itself are refused as such."""
    hidden = np.ma.array([[1.0, 9.0]], mask=[[0, 1]])
    deep: List[Any] = [[[[5.0, 6.0]], hidden], ([[7.0, 8.0]], hidden)]
    found = masked(deep)
    assert found.mask.tolist() == [[[[False] * 2], [[False, True]]]] * 2
    np.testing.assert_array_equal(
        as_array(deep), np.array([[[[5, 6]], [[1, np.nan]]], [[[7, 8]], [[1, np.nan]]]]))
    assert masked([[1.0], [2]]) is masked([["a"], "b"]) is masked([hidden[:, :1]]) is None
    assert masked([200, np.ma.masked]).dtype.kind == "i"
    for ragged in ([hidden, [1.0]], [hidden[0], [1.0]], [hidden[0], 1.0], [[np.ma.masked], [1, 2]]):
        assert masked(ragged) is None
        with pytest.raises(TypeError, match="ragged list|dtype object"):
            as_array(ragged)
    for first in (hidden, 1.0):
        round_and_round: List[Any] = [first]
        round_and_round += [round_and_round, round_and_round]
        with pytest.raises(TypeError, match="contains itself"):
            as_array(round_and_round)
        with pytest.raises(TypeError, match="contains itself"):
            summary.histogram("tag", round_and_round)


class Failing:
    """A foreign array whose values can't be had."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("no data")


@pytest.mark.parametrize("values", [
    Failing(), iter([1]), {}, {"a": 1}, {1}, "x", b"x", None, print, int, ..., [[1], [1, 2]],
    np.array(["2020"], "M8[s]"), np.array([None])])
def test_anything_else_is_refused(values: Any) -> None:
    """Whatever a foreign object raises, the caller gets a TypeError that says got and want."""
    with pytest.raises(TypeError, match="(?s)got .* want "):
        as_array(values)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "int4", "uint4", "bfloat16"])
def test_small_types_of_ml_dtypes(name: str) -> None:
    """Numbers of 4 and 8 bits, which numpy does not have, keep their values."""
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")
    wanted = [0, 1, 2, 4] if name == "uint4" else [0, 1, -2, 4]
    values = np.array(wanted, getattr(ml_dtypes, name))
    assert as_array(values).tolist() == wanted
    assert summary.histogram("h", values).SerializeToString() == \
        summary.histogram("h", np.array(wanted, np.float32)).SerializeToString()


def test_tensors_of_torch() -> None:
    """Sparse, quantized, conjugated, negated and small tensors have values; meta ones do not."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    eye = [[1, 0], [0, 1]]
    for sparse in (torch.eye(2).to_sparse(), torch.eye(2).to_sparse_csr()):
        assert as_array(sparse).tolist() == eye
    turned = torch.complex(torch.eye(2), torch.eye(2)).conj()
    assert as_array(turned.imag).tolist() == [[-1, 0], [0, -1]]
    assert as_array(turned, "values", "biufc").tolist() == [[1 - 1j, 0], [0, 1 - 1j]]
    assert as_array(torch.eye(2, requires_grad=True)).tolist() == eye
    assert as_array([torch.ones(1, requires_grad=True), [2.0]]).tolist() == [[1], [2]]
    for name in ("float8_e4m3fn", "float8_e5m2", "bfloat16"):
        assert as_array(torch.eye(2).to(getattr(torch, name))).tolist() == eye
    bits = torch.tensor([0, 15, 7, 8], dtype=torch.uint8)
    for name, wanted in (("int4", [0, -1, 7, -8]), ("uint4", [0, 15, 7, 8])):
        if hasattr(torch, name):
            assert as_array(bits.view(getattr(torch, name))).tolist() == wanted
    for value in (torch.eye(2, device="meta"), torch.sparse_coo_tensor(size=(2, 2)).to("meta")):
        with pytest.raises(TypeError, match="got values on torch's meta device"):
            as_array(value)


def test_missing_values_of_pandas() -> None:
    """A missing value of pandas is NaN; a DataFrame of numbers is an array."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    assert np.isnan(as_array(pandas.Series([1, None], dtype="Int64"))).tolist() == [False, True]
    assert as_array(pandas.DataFrame({"a": [1, 2]})).tolist() == [[1], [2]]
    with pytest.raises(TypeError, match="(?s)got values .* want "):
        as_array(pandas.DataFrame({"a": ["x"]}))


def test_symbols_are_refused() -> None:
    """An MXNet Symbol, which has the methods of an array, is a TypeError as array and as number."""
    mxnet = pytest.importorskip("mxnet", reason="mxnet is not installed")
    symbol = mxnet.sym.Variable("x") + 1
    for convert in (as_array, snapshot, lambda given: summary.image("i", given),
                    lambda given: summary.histogram("h", given)):
        with pytest.raises(TypeError, match="got a Symbol as .*, want the array"):
            convert(symbol)
    with pytest.raises(TypeError, match="got a value of type Symbol"):
        summary.scalar("s", symbol)
