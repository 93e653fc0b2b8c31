"""Arrays: anything that holds numbers becomes a numpy array, once; after this module no code asks
which framework a value came from.

Numpy arrays and scalars, lists, MXNet (`asnumpy`), torch (`detach`), jax, and everything with
`__array__` or DLPack are recognized by their attributes; none of those packages is imported.
"""
from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, Callable, Optional, Set, Tuple

import numpy as np

from .._foreign import let_signals
from .._parts import Parts
from .._proto import messages, schema
from .._proto.wire import check_size
from .number import as_float
from .pool import SMALLEST, pool

# glibc returns each block of more than 128 KiB to the kernel, and touching new memory takes longer
# than most of the work done in it. That ends once a larger block has been freed: this one, which
# is never touched.
np.empty(1 << 24, np.uint8)


# numpy's copy of more than 500 elements releases Python's lock; the writer's thread takes it, and
# the caller waits for milliseconds. Up to this size (bytes) the whole copy takes microseconds, so
# `tobytes`, which keeps the lock, makes it.
_AT_ONCE = 1 << 16

# DataType by numpy's name of it.
TENSOR_TYPES = {one.name: one.number for one in schema.DATA_TYPES.values()
                if one.stored and one.number != schema.DT_BFLOAT16}


class Snapshot:
    """An array as it was at the time of the call.

    shape, dtype, nbytes: known immediately. `numpy()` returns the values, read-only by convention;
    it may wait for a device, so it is called late, on the writer's thread.
    """

    __slots__ = ("shape", "dtype", "nbytes", "_held", "_buffer")

    def __init__(self, held: Any, shape: Tuple[int, ...], dtype: "np.dtype[Any]",
                 buffer: Optional[bytearray] = None) -> None:
        self.shape = shape
        self.dtype = dtype
        size = 1
        for length in shape:
            size *= length
        self.nbytes = size * dtype.itemsize
        self._held = held
        self._buffer = buffer

    @property
    def size(self) -> int:
        return self.nbytes // self.dtype.itemsize

    @property
    def waits(self) -> bool:
        """Whether `numpy()` may wait for a device."""
        return not isinstance(self._held, np.ndarray)

    def numpy(self) -> "np.ndarray[Any, Any]":
        """The values, C-contiguous."""
        if not isinstance(self._held, np.ndarray):
            self._held = np.ascontiguousarray(self._held.asnumpy()).reshape(self.shape)
        return self._held

    def release(self) -> None:
        """Give the memory back; nothing may refer to the values after that."""
        self._held, buffer, self._buffer = None, self._buffer, None
        if buffer is not None:
            pool.give_back(buffer)


def snapshot(values: Any, what: str = "values", pooled: bool = False) -> Snapshot:
    """`values` as they are now.

    pooled: the caller will `release()` the snapshot, so large arrays are copied into buffers that
        are used again.

    An MXNet array is copied by its own engine, which keeps the order of reads and writes: the copy
    holds the values of this moment, and the caller does not wait.

    Raises TypeError if `values` holds no numbers, ValueError for 2 GiB and more and for masked
    elements that no float can mark (see `as_array`).
    """
    if isinstance(values, Snapshot):
        return values
    if type(values) is not np.ndarray and hasattr(values, "asnumpy") and hasattr(values, "copy") \
            and not _is_symbol(values):
        # Each attribute of an MXNet array takes time to read, so they are read once.
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
    if isinstance(values, (list, tuple)):
        return Snapshot(array, array.shape, array.dtype)
    if 0 < array.nbytes <= _AT_ONCE:
        held = np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
        return Snapshot(held, array.shape, array.dtype)
    if not pooled or array.nbytes < SMALLEST:
        return Snapshot(array.copy(), array.shape, array.dtype)
    buffer = pool.take(array.nbytes)
    held = np.frombuffer(buffer, array.dtype, array.size).reshape(array.shape)
    held[...] = array
    return Snapshot(held, array.shape, array.dtype, buffer)


def _check_size(shape: Tuple[int, ...], dtype: "np.dtype[Any]", what: str) -> None:
    size = dtype.itemsize
    for length in shape:
        size *= length
    check_size(size, what)


def _dense(values: Any, dtype: "np.dtype[Any]") -> Any:
    """An MXNet array that numpy can hold: not sparse, not bfloat16 (float32 holds it exactly)."""
    if getattr(values, "stype", "default") != "default":
        values = values.tostype("default")
    # MXNet describes this type by a structure around the raw bits.
    return values.astype("float32") if dtype.names == ("bfloat16",) else values


def as_array(values: Any, what: str = "values", kinds: str = "biuf") -> "np.ndarray[Any, Any]":
    """`values` as a numpy array of numbers or bools, now; shares memory where it can.

    kinds: the accepted `dtype.kind`s. Elements masked by numpy.ma become NaN.

    Raises TypeError for objects, strings, complex numbers, ragged lists and arrays without data,
    ValueError for masked integers and bools.
    """
    if type(values) is np.ndarray and values.dtype.kind in kinds:
        return values
    try:
        return _as_array(values, what, kinds)
    except (TypeError, ValueError, MemoryError):
        raise
    except Exception as error:  # a foreign array that fails in its own way
        let_signals(error)
        raise TypeError(f"got {what} of type {type(values).__name__} that can't be read "
                        f"({type(error).__name__}: {error!s:.100}), want an array of numbers"
                        ) from error


def _as_array(values: Any, what: str, kinds: str) -> "np.ndarray[Any, Any]":
    if _is_symbol(values):
        raise TypeError(f"got a Symbol as {what}, want the array that it is evaluated to")
    if hasattr(values, "asnumpy"):
        values = _dense(values, np.dtype(getattr(values, "dtype", None))).asnumpy()
    elif hasattr(values, "detach"):
        values = _from_torch(values, what)
    if not _is_plain(values):
        values = of_numpy(values, what, kinds)
        hidden = masked(values)
        if hidden is not None:
            return filled(hidden, what)
    try:
        array = np.asarray(values)
    except ValueError:  # numpy before 1.24 gives an array of objects, refused below
        raise TypeError(f"got a ragged list as {what}, want an array of numbers") from None
    if array.dtype.kind not in kinds:
        array = _from_unknown(array, values, what)
    return array


def as_doubles(values: Any, what: str) -> "np.ndarray[Any, Any]":
    """`values` as an array of float64 of its own; numbers beyond it are infinite. Errors as for
    `as_array`."""
    array = as_array(values, what)
    with np.errstate(all="ignore"):  # a warning may be raised: `-W error`
        return array.astype(np.float64)


# Types that numpy reads itself; most lists hold no others.
_KNOWN = {float, int, bool, str, bytes, np.float64, np.float32, np.int64, np.ndarray}
_NUMBERS = _KNOWN - {str, bytes, np.ndarray} | {list, tuple}
_MOST_AXES = 64  # of an array of numpy 2


def of_numpy(values: Any, what: str = "values", kinds: str = "biuf", _outer: Tuple[int, ...] = ()
             ) -> Any:
    """`values`, with arrays of numpy in place of foreign ones in its lists.

    Numpy would iterate over a foreign array item by item, each a small array of its own; a sparse
    one of MXNet has items without end.
    """
    if not isinstance(values, (list, tuple)) or set(map(type, values)) <= _KNOWN:
        return values
    if id(values) in _outer:
        raise TypeError(f"got {what} in a list that contains itself, want an array of numbers")
    inside = (*_outer, id(values))
    return [as_array(item, what, kinds) if _is_foreign(item)
            else of_numpy(item, what, kinds, inside) for item in values]


def masked(values: Any) -> Any:
    """`values` as an array of numpy.ma if any element is masked, else None.

    values: such an array, or a list with one in it, at any depth.
    """
    if type(values) is np.ndarray:
        return None
    if isinstance(values, (list, tuple)):
        if not any(issubclass(one, np.ma.MaskedArray) for one in _types(values)):
            return None
        values = _joined(of_numpy(values))
    if isinstance(values, np.ma.MaskedArray) and values.mask.any():
        return values
    return None


def listed(values: Any) -> Any:
    """`values`, but a list of numbers as an array: `masked` and `as_array` look at each item of a
    list."""
    if isinstance(values, (list, tuple)) and _types(values) <= _NUMBERS:
        with suppress(ValueError):  # a ragged list, which `as_array` refuses
            array = np.asarray(values)
            return array if array.dtype.kind in "biuf" else values
    return values


def _is_plain(values: Any) -> bool:
    """Whether it is a list that numpy reads itself, without masked elements."""
    return isinstance(values, (list, tuple)) and _types(values) <= _KNOWN | {list, tuple}


def _types(values: Any, _outer: Tuple[int, ...] = ()) -> Set[type]:
    """The types of the items of a list, and of those of the lists in it; `object` for one that
    contains itself."""
    found = set(map(type, values))
    inside = (*_outer, id(values))
    if not found <= _KNOWN and len(inside) < _MOST_AXES:
        for item in values:
            if isinstance(item, (list, tuple)):
                found |= {object} if id(item) in inside else _types(item, inside)
    return found


def _joined(values: Any) -> Any:
    """A list with masked arrays in it as one; None if it is ragged, which `as_array` refuses."""
    ma: Any = np.ma  # partly without types

    def data(item: Any) -> Any:
        return False if item is ma.masked else ma.getdata(item)  # its 0.0 makes integers floats

    try:
        array, hidden = np.asarray(_each(data, values)), np.asarray(_each(ma.getmaskarray, values))
    except ValueError:
        return None
    if hidden.dtype != bool:  # of objects, by numpy before 1.24
        return None
    return ma.array(array, mask=hidden)


def _each(function: Callable[[Any], Any], values: Any) -> Any:
    """The result for each item of a list, in lists like those."""
    return [_each(function, item) if isinstance(item, (list, tuple)) else function(item)
            for item in values]


def bounds(array: "np.ndarray[Any, Any]") -> Tuple[Any, Any]:
    """The smallest and the largest value; NaN is left out unless all values are NaN."""
    low, high = np.minimum.reduce(array, axis=None), np.maximum.reduce(array, axis=None)
    if low != low:  # fmin and fmax are slower
        low, high = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
    return low, high


def filled(hidden: Any, what: str) -> "np.ndarray[Any, Any]":
    """The array with NaN for its masked elements. ValueError for integers, which have none."""
    if hidden.dtype.kind not in "fc":
        raise ValueError(f"got {what} with masked elements of type {hidden.dtype}, want them filled"
                         " or left out: .filled(number) or .compressed()")
    return np.asarray(hidden.filled(np.nan))


def _is_symbol(values: Any) -> bool:
    """MXNet's Symbol has the methods of an array, and each of them raises."""
    return hasattr(values, "list_arguments")


def _is_foreign(values: Any) -> bool:
    """Whether it is an array of MXNet or torch."""
    return hasattr(values, "asnumpy") or hasattr(values, "detach")


def _from_torch(tensor: Any, what: str) -> Any:
    """Numpy's view of a torch tensor, after the conversions that numpy needs."""
    tensor = tensor.detach()
    if str(tensor.device) == "meta":
        raise TypeError(f"got {what} on torch's meta device, which holds no numbers, want an array "
                        "with data")
    if str(tensor.layout) != "torch.strided":
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    # Conjugated and negated lazily, which numpy does not see.
    for resolve in ("resolve_conj", "resolve_neg"):
        if hasattr(tensor, resolve):
            tensor = getattr(tensor, resolve)()
    tensor, name = tensor.cpu(), str(tensor.dtype).rpartition(".")[2]
    if name == "bfloat16" or name.startswith("float8"):
        tensor = tensor.float()  # holds them exactly
    elif name[:-1] in ("int", "uint") and name[-1] < "8":  # one element per byte, in its low bits
        return _narrow(tensor.view(sys.modules["torch"].uint8).numpy(), int(name[-1]), name[0])
    return tensor.numpy()


def _narrow(data: "np.ndarray[Any, Any]", bits: int, kind: str) -> "np.ndarray[Any, Any]":
    """Integers of 1 to 7 bits, each in the low bits of a byte; kind: "i" with a sign, "u" not."""
    data = data & np.uint8((1 << bits) - 1)
    sign = np.uint8(1 << bits - 1)
    return data if kind == "u" else (data ^ sign).astype(np.int8) - sign.astype(np.int8)


def _from_unknown(array: "np.ndarray[Any, Any]", values: Any, what: str) -> "np.ndarray[Any, Any]":
    """Arrays of ml_dtypes, which jax uses, and of pandas with its own missing values."""
    if array.dtype.type.__module__.startswith("ml_dtypes"):
        return array.astype(np.int8 if "int" in array.dtype.name else np.float32)
    if array.dtype.kind == "O" and hasattr(values, "to_numpy") and _has_numbers(array, values):
        try:
            return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError):
            pass
    raise TypeError(f"got {what} of dtype {array.dtype} ({type(values).__name__}), "
                    "want integers, floats or bools")


def _has_numbers(array: "np.ndarray[Any, Any]", values: Any) -> bool:
    """Whether pandas' `values`, which are `array` as objects, are numbers, some missing. Its
    own conversion makes numbers of texts and dates too."""
    dtypes = list(values.dtypes) if getattr(values, "ndim", 1) == 2 else \
        [getattr(values, "dtype", None)]
    kinds = {getattr(dtype, "kind", "O") for dtype in dtypes}
    return kinds <= set("biuf") or kinds <= set("biufO") and all(map(_is_number, array.flat))


def _is_number(item: Any) -> bool:
    """Whether an object is a number, or pandas' or Python's mark of a missing one."""
    try:
        as_float(item)
    except (TypeError, ValueError):
        return item is None or type(item).__name__ == "NAType"
    return True


def tensor(array: "np.ndarray[Any, Any]") -> Parts:
    """A numpy array of numbers or bools as Summary.Value's tensor, of its shape and dtype.

    Raises TypeError for another dtype.
    """
    check_tensor_type(array.dtype)
    content = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    # make_ndarray reads uint32 and uint64 from the content alone, which is empty here.
    name = array.dtype.name if array.size or array.dtype.kind != "u" else "int64"
    return messages.tensor(TENSOR_TYPES[name], array.shape, content)


def check_tensor_type(dtype: "np.dtype[Any]") -> None:
    """TypeError for a dtype that no tensor has."""
    if dtype.name not in TENSOR_TYPES:
        raise TypeError(f"got a tensor of dtype {dtype}, want one of {', '.join(TENSOR_TYPES)}")
