"""TensorProto to numpy, as TensorBoard's `make_ndarray` does it, and without its copies.

A shape is compared with the available bytes before anything is allocated for it, so memory stays in
proportion to the bytes.

Source: tensor.proto, tensor_shape.proto, types.proto of TensorFlow.
"""
from __future__ import annotations

from itertools import islice
from typing import Any, Iterator, Tuple, Union

import numpy as np

from . import parse, schema, wire
from .parse import Data
from .schema import DATA_TYPES, DT_BFLOAT16, DT_HALF, DT_STRING
from .wire import FIXED32, FIXED64, LENGTH, VARINT, WireError

# "A single element is broadcast to the shape": to how many elements at most. TensorBoard allocates
# all of them, however large the shape is.
MAX_FILL = 1 << 20
# How many strings of one tensor become objects, each of which takes much more than the two bytes
# that an empty one has in the file.
MAX_STRINGS = 1 << 19
# The axes that every numpy can have.
_MAX_RANK = 32
# The fields of TensorProto that hold floats, and the wire type of an element that is not packed.
_FLOATS = {schema.Tensor.FLOAT_VAL: ("<f4", FIXED32), schema.Tensor.SCOMPLEX_VAL: ("<f4", FIXED32),
           schema.Tensor.DOUBLE_VAL: ("<f8", FIXED64), schema.Tensor.DCOMPLEX_VAL: ("<f8", FIXED64)}
# Those that hold integers.
_INTEGERS = {one.listed for one in DATA_TYPES.values()} - set(_FLOATS) - {
    0, schema.Tensor.STRING_VAL}
# How many bytes of packed integers are decoded at once.
_BLOCK = 1 << 16


class Tensor:
    """A TensorProto: its type and shape, and where its elements are.

    dtype: DataType. shape: as the message says, which need not fit; of more than 32 axes, the first
    33. strings: the number of elements of `string_val`. The message is read once; elements are
    decoded when they are needed.
    """

    __slots__ = ("dtype", "shape", "strings", "_content", "_data", "_count")

    def __init__(self, data: Data) -> None:
        self._data = data
        self.dtype = self.strings = 0
        self._count = -1
        self._content: Data = b""
        shape: wire.Buffer = b""
        for number, wire_type, integer, value in wire.fields(data):
            if wire_type == LENGTH:
                if number == schema.Tensor.STRING_VAL:
                    self.strings += 1
                elif number == schema.Tensor.TENSOR_SHAPE:
                    shape = parse.merged(shape, value) if shape else value
                elif number == schema.Tensor.TENSOR_CONTENT:
                    self._content = value
                else:
                    _check_packed(number, value)
            elif wire_type == VARINT and number == schema.Tensor.DTYPE:
                self.dtype = wire.signed(integer)
        dims = islice(parse.each(shape, schema.TensorShape.DIM), _MAX_RANK + 1)
        self.shape = tuple([parse.int_of(dim, schema.Dim.SIZE) for dim in dims])

    @property
    def nbytes(self) -> int:
        """The bytes of the message."""
        return len(self._data)

    def texts(self) -> Iterator[Data]:
        """The elements of a string tensor, one by one."""
        return parse.each(self._data, schema.Tensor.STRING_VAL)

    def listed_texts(self) -> Iterator[Data]:
        """The same where all are kept. WireError for more than `MAX_STRINGS`."""
        if self.strings > MAX_STRINGS:
            raise WireError(f"got a tensor of {self.strings} strings, want at most {MAX_STRINGS}")
        return self.texts()

    @property
    def is_ascii(self) -> bool:
        """Whether all bytes of the message are below 128: then all its strings are UTF-8."""
        return all(bytes(self._data[at:at + _BLOCK]).isascii()
                   for at in range(0, len(self._data), _BLOCK))

    @property
    def size(self) -> int:
        """How many elements the shape asks for. WireError for a shape that no array can have."""
        if len(self.shape) > _MAX_RANK:
            raise WireError(f"got a tensor of more than {_MAX_RANK} axes")
        size = 1
        for length in self.shape:
            if length < 0:
                raise WireError(f"got a tensor of shape {self.shape}, want known lengths")
            size *= length
        return size

    @property
    def count(self) -> int:
        """The number of elements in the message. WireError for a type without elements."""
        if self._count < 0:
            self._count = self._counted()
        return self._count

    def _counted(self) -> int:
        known = _known(self.dtype)
        if known.number == DT_STRING:
            return self.strings
        if known.listed not in _FLOATS and not self._content:
            return _count_integers(self._data, known.listed)
        nbytes = len(self._content) or _floats(self._data, known.listed).nbytes
        width = np.dtype(known.stored).itemsize
        if nbytes % width:
            raise WireError(f"got {nbytes} bytes of {known.name}, want a multiple of {width}")
        return nbytes // width

    @property
    def filled(self) -> bool:
        """Whether one listed element fills the whole shape. Content is never repeated."""
        return self.count == 1 and not self._content

    def check(self) -> None:
        """WireError unless `array` can give the elements."""
        size, count = self.size, self.count
        if self.filled and size > MAX_FILL:
            raise WireError(f"got 1 element for all {size} of a tensor of shape {self.shape}")
        if count != size and not self.filled:
            raise WireError(f"got {count} elements for a tensor of shape {self.shape}")

    def array(self) -> "np.ndarray[Any, Any]":
        """The elements as an array; strings as an array of bytes objects; bfloat16 as float32.

        Raises WireError for a type that has no array, and for more or fewer elements than the
        shape has. One element for a whole shape is a view that takes no memory; it may fill at most
        `MAX_FILL`.
        """
        self.check()
        flat = self._elements()
        if flat.size == self.size:
            return flat.reshape(self.shape)
        return np.broadcast_to(flat.reshape((1,) * len(self.shape)), self.shape)

    def blocks(self) -> "Iterator[np.ndarray[Any, Any]]":
        """The elements of a tensor of numbers in their order, a block at a time: in another type
        than their bytes, all together may take several times the memory of the message."""
        known = _known(self.dtype)
        if not self._content and known.listed not in _FLOATS:
            for part in _integer_parts(self._data, known.listed):
                yield _typed(_stored(part, known), self.dtype)
            return
        flat = np.frombuffer(self._content, known.stored) if self._content \
            else _floats(self._data, known.listed)
        for at in range(0, len(flat), _BLOCK):  # an even number, as pairs of complex numbers want
            yield _typed(flat[at:at + _BLOCK], self.dtype)

    def _elements(self) -> "np.ndarray[Any, Any]":
        known = _known(self.dtype)
        if known.number == DT_STRING:
            texts = self.listed_texts()
            strings = np.empty(self.strings, dtype=object)
            for at, value in enumerate(texts):
                strings[at] = bytes(value)
            return strings
        if self._content:
            return _typed(np.frombuffer(self._content, known.stored), self.dtype)
        if known.listed in _FLOATS:
            listed = _floats(self._data, known.listed)
        else:
            listed = _integers(self._data, known)
        return _typed(listed, self.dtype)


def _check_packed(number: int, data: memoryview) -> None:
    """WireError for a packed field that ends inside a number."""
    if number in _FLOATS:
        cut = len(data) % np.dtype(_FLOATS[number][0]).itemsize
    elif number in _INTEGERS:
        cut = len(data) and data[-1] >= 0x80
    else:
        return
    if cut:
        raise WireError(f"got the field {number} of a tensor, which ends inside a number")


def _known(dtype: int) -> schema.DataType:
    found = DATA_TYPES.get(dtype)
    if found is None or not found.listed:
        raise WireError(f"got a tensor of DataType {dtype}, want numbers or strings")
    return found


def shape_of(data: Data) -> Tuple[int, Tuple[int, ...]]:
    """(DataType, shape) of a TensorProto."""
    tensor = Tensor(data)
    return tensor.dtype, tensor.shape


def array_of(data: Data) -> "np.ndarray[Any, Any]":
    """A TensorProto as an array: see `Tensor.array`."""
    return Tensor(data).array()


def scalar_of(data: Data) -> float:
    """The number of a scalar's tensor, whatever its type. WireError for none or several."""
    return float(exact_scalar_of(data))


def exact_scalar_of(data: Data) -> Union[int, float]:
    """The same without rounding: an int where it is stored as one."""
    tensor = Tensor(data)
    if tensor.size != 1 or tensor.dtype == DT_STRING:
        raise WireError(f"got a tensor of shape {tensor.shape} and DataType {tensor.dtype}, "
                        "want one number")
    array = tensor.array()
    if array.dtype.kind not in "biuf":
        raise WireError(f"got a tensor of type {array.dtype}, want one number")
    number: Union[int, float] = array.reshape(-1)[0].item()
    return number


def doubles_of(data: Data, number: int) -> "np.ndarray[Any, Any]":
    """A repeated double field of a message, packed or not."""
    return _numbers(data, number, "<f8", FIXED64)


def _floats(data: Data, number: int) -> "np.ndarray[Any, Any]":
    """A repeated field of TensorProto that holds floats."""
    return _numbers(data, number, *_FLOATS[number])


def _numbers(data: Data, number: int, dtype: str, single: int) -> "np.ndarray[Any, Any]":
    """A repeated field of floats: a view of `data` where it is packed, as writers pack it."""
    first, more = memoryview(b""), bytearray()
    for field, wire_type, _, value in wire.fields(data):
        if field == number and wire_type in (single, LENGTH):
            if not first:
                first = value
            else:
                more += value
    packed = b"".join((first, more)) if more else first
    if len(packed) % np.dtype(dtype).itemsize:
        raise WireError(f"got {len(packed)} bytes of packed numbers, want a multiple of "
                        f"{np.dtype(dtype).itemsize}")
    return np.frombuffer(packed, dtype)


def _count_integers(data: Data, number: int) -> int:
    """How many integers a repeated field holds, packed or not."""
    count = 0
    for field, wire_type, _, value in wire.fields(data):
        if field == number and wire_type == LENGTH:
            count += sum([int(np.count_nonzero(np.frombuffer(value[at:at + _BLOCK], np.int8) >= 0))
                          for at in range(0, len(value), _BLOCK)])
        elif field == number and wire_type == VARINT:
            count += 1
    return count


def _integers(data: Data, known: schema.DataType) -> "np.ndarray[Any, Any]":
    """A repeated field of integers, in the type of the tensor; of halves, the bits."""
    found = _stored(np.empty(0, np.uint64), known)
    found = np.empty(_count_integers(data, known.listed), found.dtype)
    at = 0
    for part in _integer_parts(data, known.listed):
        found[at:at + len(part)] = _stored(part, known)
        at += len(part)
    return found


def _integer_parts(data: Data, number: int) -> "Iterator[np.ndarray[Any, Any]]":
    """The integers of a repeated field, packed or not, as uint64, a part at a time."""
    for field, wire_type, integer, value in wire.fields(data):
        if field == number and wire_type == LENGTH:
            yield from _varints(np.frombuffer(value, np.uint8))
        elif field == number and wire_type == VARINT:
            yield np.array([integer], np.uint64)


def _stored(integers: "np.ndarray[Any, Any]", known: schema.DataType) -> "np.ndarray[Any, Any]":
    """Integers of 64 bits in the type in which a tensor's content would have them; of halves,
    their bits."""
    halves = known.listed == schema.Tensor.HALF_VAL
    return integers.view(np.int64).astype("<u2" if halves else known.stored)


def _varints(data: "np.ndarray[Any, Any]") -> "Iterator[np.ndarray[Any, Any]]":
    """The unsigned integers of a packed field, a block at a time."""
    begin = 0
    while begin < len(data):
        block = data[begin:begin + _BLOCK]
        ends = np.flatnonzero(block < 0x80)
        if not len(ends):
            raise WireError("got a packed field that ends inside a varint")
        starts = np.concatenate([[0], ends[:-1] + 1])
        lengths = ends - starts + 1
        longest = int(lengths.max())
        if longest > 10:
            raise WireError("got a varint of more than ten bytes")
        values = np.zeros(len(ends), np.uint64)
        for i in range(longest):
            rows = np.flatnonzero(lengths > i)
            groups = (block[starts[rows] + i] & 0x7F).astype(np.uint64)
            values[rows] |= groups << np.uint64(7 * i)
        yield values
        begin += int(ends[-1]) + 1


def _typed(flat: "np.ndarray[Any, Any]", dtype: int) -> "np.ndarray[Any, Any]":
    """Elements in the type of the tensor: some are stored as others."""
    if dtype == DT_BFLOAT16:
        return (flat.astype(np.uint32) << np.uint32(16)).view(np.float32)
    want = np.dtype(DATA_TYPES[dtype].stored)
    if flat.dtype == want:
        return flat
    if dtype == DT_HALF:  # half_val holds the bit patterns
        return flat.view(np.float16)
    if want.kind == "c":  # pairs of real and imaginary
        return flat.view(want)
    return flat.astype(want)
