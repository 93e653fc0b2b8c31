"""Arrays without conversion, for dashboards of your own. Shown by the plugin that they name."""
from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

import numpy as np

from .._foreign import checked, let_signals
from .._parts import Parts, texts_size
from .._proto import messages, schema
from .._proto.messages import Summary, Value
from .._proto.wire import check_size
from .._values.array import Snapshot, as_array, check_tensor_type, snapshot
from .._values.array import tensor as tensor_field
from .._values.number import as_flag

Array = Any  # np.ndarray, whose generic form numpy 1.19 does not have

_MOST_AXES = 64  # of an array; a list may hold itself


@checked
def tensor(tag: str, data: Any, *, plugin_name: str = "tensor", content: bytes = b"",
           blobs: bool = False, display_name: str = "", description: str = "") -> Summary:
    """An array of any shape and dtype. Shown by the plugin it is written for.

    data: numbers, bools, complex numbers, str or bytes, in a numpy, MXNet, torch or jax array or in
        lists. Elements masked by numpy.ma become NaN.
    plugin_name: the plugin that reads it. TensorBoard has none for "tensor".
    content: data about the tag for the plugin, as bytes.
    blobs: give the plugin the elements of `data`, one axis of bytes, one by one (as for images)
        instead of all of them at once (as for histograms; such a tensor should be small, some kB).
    display_name, description: for the plugin to show.

    Raises TypeError for an array of other objects, ValueError for one of 2 GiB or more.

    Example: `tensor("confusion", counts, plugin_name="my_plugin")`.
    """
    strings = _strings(data)
    blobs = as_flag(blobs, "blobs")
    if blobs and (strings is None or strings.ndim != 1):
        raise ValueError("got blobs=True with other data than one axis of bytes, want a list of "
                         "bytes")
    metadata = messages.metadata(
        plugin_name, content, display_name=display_name, description=description,
        # Without it the fast loader shows the tags of known plugins only.
        data_class=schema.DataClass.BLOB_SEQUENCE if blobs else schema.DataClass.TENSOR)
    encode, nbytes = _of_numbers(data) if strings is None else _of_strings(strings)
    return Summary([Value(tag, lambda: [*encode(), metadata], nbytes + len(metadata))])


def _strings(data: Any) -> Optional[Array]:
    """`data` as an array of str and bytes objects; None where it holds something else."""
    if not isinstance(data, (str, bytes, list, tuple, np.ndarray)):
        return None
    if not _holds_texts(data, 0):
        return None
    try:
        # Objects, since numpy's own strings lose zero bytes at their end.
        array = np.array(data, dtype=object)
        texts = array.size > 0 and all(isinstance(item, (str, bytes)) for item in array.flat)
    except Exception as error:  # ragged, or with foreign objects inside, which are refused later
        let_signals(error)
        return None
    return array if texts else None


def _holds_texts(data: Any, depth: int) -> bool:
    """Whether every item of nested lists may be a text. Numpy is not used: it would iterate over
    any object that has an index, and some have items without end."""
    if isinstance(data, (list, tuple)):
        return depth < _MOST_AXES and all(_holds_texts(item, depth + 1) for item in data)
    if isinstance(data, np.ndarray):
        return data.dtype.kind in "USO"
    return isinstance(data, (str, bytes))


def _of_strings(array: Array) -> Tuple[Callable[[], Parts], int]:
    check_size(sum(map(len, array.flat)), "a tensor")
    strings = [str.encode(item, "utf-8", "replace") if isinstance(item, str) else bytes(item)
               for item in array.flat]
    shape = array.shape
    return lambda: messages.string_tensor(shape, strings), texts_size(strings)


def _is_complex(data: Any) -> bool:
    for _ in range(_MOST_AXES):
        if not isinstance(data, (list, tuple)) or not data:
            break
        data = data[0]
    dtype = getattr(data, "dtype", None)
    return isinstance(data, complex) or getattr(dtype, "kind", "") == "c" \
        or str(dtype).startswith("torch.complex")


def _of_numbers(data: Any) -> Tuple[Callable[[], Parts], int]:
    if _is_complex(data):
        array = np.array(as_array(data, "a tensor", "biufc"), order="C")
        held = Snapshot(array, array.shape, array.dtype)
    else:
        held = snapshot(data, "a tensor")
    check_tensor_type(held.dtype)
    return lambda: tensor_field(held.numpy()), held.nbytes
