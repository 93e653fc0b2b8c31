"""TensorProto to numpy, as TensorBoard's `make_ndarray` does it, and without its copies.

Source: tensor.proto, tensor_shape.proto, types.proto of TensorFlow.
"""
from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

from . import parse, wire
from .parse import Data
from .wire import FIXED32, FIXED64, LENGTH, VARINT, WireError

DT_STRING = 7

_DTYPES = {
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 8: "<c8", 9: "<i8", 10: "?",
    17: "<u2", 18: "<c16", 19: "<f2", 22: "<u4", 23: "<u8",
}
_BFLOAT16 = 14
# Which repeated field holds the elements of a type that has no `tensor_content`.
_FLOATS = {5: ("<f4", FIXED32), 6: ("<f8", FIXED64), 9: ("<f4", FIXED32), 12: ("<f8", FIXED64)}
_FIELDS = {1: 5, 2: 6, 3: 7, 4: 7, 5: 7, 6: 7, 7: 8, 8: 9, 9: 10, 10: 11, 14: 13, 17: 7, 18: 12,
           19: 13, 22: 16, 23: 17}


def shape_of(data: Data) -> Tuple[int, Tuple[int, ...]]:
    """(DataType, shape) of a TensorProto."""
    shape = parse.bytes_of(data, 2)
    dims = () if shape is None else tuple(
        parse.int_of(dim, 1) for dim in parse.all_of(shape, 2))
    return parse.int_of(data, 1), dims


def strings_of(data: Data) -> List[bytes]:
    """The elements of a string tensor."""
    return [bytes(item) for item in parse.all_of(data, 8)]


def array_of(data: Data) -> "np.ndarray[Any, Any]":
    """The tensor as an array; strings as an array of bytes objects; bfloat16 as float32.

    Raises WireError for a type without an array, and for more or fewer elements than the shape
    has. One element for all of a shape is a view that takes no memory.
    """
    dtype, shape = shape_of(data)
    if dtype not in _FIELDS:
        raise WireError(f"got a tensor of DataType {dtype}, want numbers or strings")
    if any(size < 0 for size in shape):
        raise WireError(f"got a tensor of shape {shape}, want known lengths")
    flat = _elements(data, dtype)
    size = 1
    for length in shape:
        size *= length
    if flat.size != size and flat.size != 1:
        raise WireError(f"got {flat.size} elements for a tensor of shape {shape}")
    try:
        if flat.size == size:
            return flat.reshape(shape)
        return np.broadcast_to(flat.reshape((1,) * len(shape)), shape)
    except (ValueError, OverflowError) as error:
        raise WireError(f"got a tensor of shape {shape}: {error}") from None


def _elements(data: Data, dtype: int) -> "np.ndarray[Any, Any]":
    if dtype == DT_STRING:
        strings = strings_of(data)
        flat = np.empty(len(strings), dtype=object)
        flat[:] = strings
        return flat
    content = parse.bytes_of(data, 4)
    if content:
        width = np.dtype("<u2" if dtype == _BFLOAT16 else _DTYPES[dtype])
        if len(content) % width.itemsize:
            raise WireError(f"got {len(content)} bytes of content, "
                            f"want a multiple of {width.itemsize}")
        return _typed(np.frombuffer(content, width), dtype)
    return _typed(_listed(data, _FIELDS[dtype]), dtype)


def doubles_of(data: Data, number: int) -> "np.ndarray[Any, Any]":
    """A repeated double field of a message, packed or not."""
    return _floats(data, number, "<f8", FIXED64)


def _listed(data: Data, number: int) -> "np.ndarray[Any, Any]":
    """A repeated field of TensorProto."""
    if number in _FLOATS:
        return _floats(data, number, *_FLOATS[number])
    numbers: List[int] = []
    for field, wire_type, value in wire.fields(data):
        if field != number:
            continue
        if not isinstance(value, int):
            numbers += parse.varints(value)
        elif wire_type == VARINT:
            numbers.append(value)
    return np.array(numbers, np.uint64).view(np.int64)


def _floats(data: Data, number: int, dtype: str, single: int) -> "np.ndarray[Any, Any]":
    width = np.dtype(dtype).itemsize
    pieces = [value.to_bytes(width, "little") if isinstance(value, int) else bytes(value)
              for field, wire_type, value in wire.fields(data)
              if field == number and wire_type in (single, LENGTH)]
    joined = b"".join(pieces)
    if len(joined) % width:
        raise WireError(f"got {len(joined)} bytes of packed numbers, want a multiple of {width}")
    return np.frombuffer(joined, dtype)


def _typed(flat: "np.ndarray[Any, Any]", dtype: int) -> "np.ndarray[Any, Any]":
    """Elements in the type of the tensor: some are stored as others."""
    if dtype == _BFLOAT16:
        return (flat.astype(np.uint32) << np.uint32(16)).view(np.float32)
    want = np.dtype(_DTYPES[dtype])
    if flat.dtype == want:
        return flat
    if dtype == 19:  # half_val holds the bit patterns
        return flat.astype(np.uint16).view(np.float16)
    if want.kind == "c":  # pairs of real and imaginary
        if flat.size % 2:
            raise WireError(f"got {flat.size} halves of complex numbers, want pairs")
        return flat.view(want)
    return flat.astype(want)


def scalar_of(data: Data) -> float:
    """The number of a scalar's tensor, whatever its type. WireError for none or several."""
    array = array_of(data)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise WireError(f"got a tensor of shape {array.shape} and type {array.dtype}, "
                        "want one number")
    return float(array.reshape(-1)[0])
