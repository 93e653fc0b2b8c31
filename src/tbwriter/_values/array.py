"""The door for arrays: whatever holds numbers becomes numpy, once; after it nobody asks where a
value came from.

Numpy arrays and scalars, lists, MXNet (`asnumpy`), torch (`detach`), jax and everything with
`__array__` or DLPack are told apart by attribute; none of those packages is imported.
"""
from __future__ import annotations

from typing import Any, Tuple

import numpy as np

from .._proto.wire import check_size

# glibc has the kernel give each block of more than 128 KiB anew, and touching new memory takes
# longer than most of what is done in it. That ends when a larger block has been freed: this one,
# which nobody touches.
np.empty(1 << 24, np.uint8)


class Snapshot:
    """An array as it was at the time of the call.

    shape, dtype, nbytes: known at once. `numpy()` gives the values, read-only by convention; it may
    wait for a device, so it is called late, on the writer's thread.
    """

    __slots__ = ("shape", "dtype", "nbytes", "_held")

    def __init__(self, held: Any, shape: Tuple[int, ...], dtype: "np.dtype[Any]") -> None:
        self.shape = shape
        self.dtype = dtype
        size = 1
        for length in shape:
            size *= length
        self.nbytes = size * dtype.itemsize
        self._held = held

    @property
    def size(self) -> int:
        return self.nbytes // self.dtype.itemsize

    def numpy(self) -> "np.ndarray[Any, Any]":
        """The values, C-contiguous."""
        if not isinstance(self._held, np.ndarray):
            self._held = np.ascontiguousarray(self._held.asnumpy()).reshape(self.shape)
        return self._held


def snapshot(values: Any, what: str = "values") -> Snapshot:
    """`values` as they are now. TypeError for what holds no numbers, ValueError for 2 GiB and more.

    An MXNet array is copied by its own engine, which keeps the order of reads and writes: the copy
    holds the values of this moment, and the caller waits for nothing.
    """
    if isinstance(values, Snapshot):
        return values
    if hasattr(values, "asnumpy") and hasattr(values, "copy"):
        # MXNet takes its time for each answer, so it is asked once.
        shape, dtype = tuple(values.shape), np.dtype(values.dtype)
        _check_size(shape, dtype, what)
        held = _dense(values, dtype)
        if held is not values:  # a copy already
            return Snapshot(held, shape, np.dtype(held.dtype))
        # Detached, since a copy would be recorded by autograd.
        held = values.detach().copy() if hasattr(values, "detach") else values.copy()
        return Snapshot(held, shape, dtype)
    array = as_array(values, what)
    _check_size(array.shape, array.dtype, what)
    # A list was already copied into the array that was made of it.
    held = array if isinstance(values, (list, tuple)) else array.copy()
    return Snapshot(held, array.shape, array.dtype)


def _check_size(shape: Tuple[int, ...], dtype: "np.dtype[Any]", what: str) -> None:
    size = dtype.itemsize
    for length in shape:
        size *= length
    check_size(size, what)


def _dense(values: Any, dtype: "np.dtype[Any]") -> Any:
    """An MXNet array that numpy can hold: not sparse, not bfloat16 (float32 holds it exactly)."""
    if getattr(values, "stype", "default") != "default":
        values = values.tostype("default")
    # MXNet names this type by a structure around the raw bits.
    return values.astype("float32") if dtype.names == ("bfloat16",) else values


def as_array(values: Any, what: str = "values") -> "np.ndarray[Any, Any]":
    """`values` as a numpy array of numbers or bools, now; shares memory where it can.

    Raises TypeError for objects, strings, complex numbers and ragged lists.
    """
    if hasattr(values, "asnumpy"):
        values = _dense(values, np.dtype(getattr(values, "dtype", None))).asnumpy()
    elif hasattr(values, "detach"):
        values = _from_torch(values.detach())
    elif isinstance(values, (list, tuple)) and values and all(map(_is_foreign, values)):
        values = [as_array(item, what) for item in values]
    try:
        array = np.asarray(values)
    except ValueError:  # numpy before 1.24 gives an array of objects, refused below
        raise TypeError(f"got a ragged list as {what}, want an array of numbers") from None
    if array.dtype.kind not in "biuf":
        array = _from_unknown(array, values, what)
    return array


def _is_foreign(values: Any) -> bool:
    """Numpy would walk through an MXNet array item by item, each a small array of its own."""
    return hasattr(values, "asnumpy") or hasattr(values, "detach")


def _from_torch(tensor: Any) -> Any:
    """Numpy's view of a torch tensor; numpy has no bfloat16, whose values float32 holds exactly."""
    tensor = tensor.cpu()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _from_unknown(array: "np.ndarray[Any, Any]", values: Any, what: str) -> "np.ndarray[Any, Any]":
    if array.dtype.name == "bfloat16":  # ml_dtypes, used by jax
        return array.astype(np.float32)
    raise TypeError(f"got {what} of dtype {array.dtype} ({type(values).__name__}), "
                    "want integers, floats or bools")
