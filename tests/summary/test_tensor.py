"""tensor: what real protobuf and both loaders make of it."""
from __future__ import annotations

import numpy as np
import pytest
from tests.support.judges import board, both_loaders, events, http
from tensorboard.compat.proto import summary_pb2
from tensorboard.util import tensor_util

from tbwriter import FileWriter, summary


def value_of(*args, **kwargs):
    value, = summary_pb2.Summary.FromString(
        summary.tensor("tag", *args, **kwargs).SerializeToString()).value
    return value


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int16", "int32",
                                   "int64", "uint8", "uint16", "uint32", "uint64", "bool",
                                   "complex64", "complex128", ">f4", ">i8"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 1)])
def test_numbers_come_back(dtype, shape):
    """TensorBoard's make_ndarray gives the very array: dtype, shape and values. It can't give
    empty ones of unsigned integers, which become int64."""
    data = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    array = tensor_util.make_ndarray(value_of(data).tensor)
    assert np.array_equal(array, data) and array.shape == data.shape
    wanted = data.dtype.newbyteorder("=") if data.size or data.dtype.kind != "u" else np.int64
    assert array.dtype == wanted


@pytest.mark.parametrize(("data", "wanted"), [
    ("é", "é".encode()), (b"\0\xff\0", b"\0\xff\0"), (["a", b"b"], [b"a", b"b"]),
    ([["a"], ["b"]], [[b"a"], [b"b"]]), (np.array(["p", "qq"]), [b"p", b"qq"]),
    ([1, 2.5], [1, 2.5]), (7, 7),
])
def test_strings_and_lists_come_back(data, wanted):
    """Texts and bytes of any shape are kept, zero bytes too, and lists of numbers."""
    assert tensor_util.make_ndarray(value_of(data).tensor).tolist() == wanted


def test_metadata():
    """Plugin, content and names are those that were given."""
    value = value_of([1], plugin_name="mine", content=b"\x08\x01", display_name="N",
                     description="D")
    assert value.metadata == summary_pb2.SummaryMetadata(
        plugin_data={"plugin_name": "mine", "content": b"\x08\x01"}, display_name="N",
        summary_description="D", data_class="DATA_CLASS_TENSOR")


@pytest.mark.parametrize(("data", "error"), [
    (np.array([None]), TypeError), ({"a": 1}, TypeError), ([1, "a"], TypeError),
    ([[1], [2, 3]], TypeError), (None, TypeError),
])
def test_mistakes_are_refused(data, error):
    """Anything but a tensor is an error at the call that says got and want."""
    with pytest.raises(error, match="got .* want "):
        summary.tensor("tag", data)


def test_blobs_are_one_axis_of_bytes():
    """Other data as blobs is an error at the call, since the fast loader would drop it."""
    for data in ([1, 2], [["a"]], "a"):
        with pytest.raises(ValueError, match="got blobs=True .* want "):
            summary.tensor("tag", data, blobs=True)


@both_loaders
def test_what_a_plugin_reads(tmp_path, loader):
    """Both loaders hand a plugin of one's own its arrays, its blobs and its content."""
    with FileWriter(tmp_path) as writer:
        for step in (3, 4):
            writer.add(summary.tensor("array", np.arange(6.0).reshape(2, 3) * step,
                                      plugin_name="mine", content=b"c", description="D"), step)
            writer.add(summary.tensor("files", [b"x\0", b"y"], plugin_name="mine", blobs=True),
                       step)
            writer.add(summary.tensor("bare", [step]), step)
    assert len(events(tmp_path)) == 7
    with board(tmp_path, loader, plugins=["mine", "tensor"]) as b:
        tags = b.tags("mine")
        assert tags["array"].plugin_content == b"c" and tags["array"].description == "D"
        (_, first), (step, second) = b.tensors("mine", ".", "array")
        assert step == 4 and np.array_equal(first / 3 * 4, second)
        assert second.tolist() == [[0, 4, 8], [12, 16, 20]]
        assert b.blobs("mine", ".", "files") == [(3, [b"x\0", b"y"]), (4, [b"x\0", b"y"])]
        assert [array.tolist() for _, array in b.tensors("tensor", ".", "bare")] == [[3], [4]]


def test_no_dashboard_shows_them(tmp_path):
    """TensorBoard has nothing to show for a tensor of no plugin of its own."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.tensor("bare", [1.0]), 0)
    with http(tmp_path, "python") as shown:
        listed = shown.json("/data/plugins_listing")
    assert not [name for name, plugin in listed.items() if plugin["enabled"]]
