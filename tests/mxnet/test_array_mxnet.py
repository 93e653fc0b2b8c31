"""Snapshots of real MXNet arrays: no call waits, and no snapshot changes afterwards."""
from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

from tests.support.judges import events
from tbwriter import FileWriter, summary
from tbwriter._values.array import as_array, snapshot
from tbwriter._proto.messages import Message


class _Values:
    """A payload that keeps what its snapshot gives on the writer's thread."""

    tags = ("values",)
    nbytes = 0
    data = b"\x0a\x03\x0a\x01v"

    def __init__(self, array):
        self.snapshot = snapshot(array)
        self.seen = self.thread = None

    def event_field(self):
        self.seen, self.thread = self.snapshot.numpy(), threading.current_thread().name
        return Message(5, self.data).event_field()


@pytest.mark.parametrize("flavour", ["nd", "np"])
def test_values_are_those_of_the_call(tmp_path, flavour):
    """Writes in place right after the call, of which the engine may not have begun the first, do
    not reach what was added; order is that of the calls."""
    array = getattr(mx, flavour).zeros((300, 300))
    payloads = []
    with FileWriter(tmp_path) as writer:
        for number in range(40):
            payloads.append(_Values(array))
            writer.add(payloads[-1], number)
            array += 1
            array[:] = array * 1
    for number, payload in enumerate(payloads):
        assert payload.seen.shape == (300, 300) and (payload.seen == number).all()
    assert [event.step for event in events(tmp_path)[1:]] == list(range(40))


def test_arrays_without_dimensions_or_elements(tmp_path):
    """In NumPy mode, which holds only for the caller's thread, () and (0, 3) are shapes: the
    writer's thread sees the same."""
    was_on = mx.util.is_np_array()  # MXNet 2's default
    mx.npx.set_np()
    try:
        arrays = [mx.np.array(3.0), mx.np.zeros((0, 3)), mx.np.ones((2, 0))]
        payloads = [_Values(array) for array in arrays]
        with FileWriter(tmp_path) as writer:
            for payload in payloads:
                writer.add(payload)
    finally:
        if not was_on:
            mx.npx.reset_np()
    assert [payload.seen.shape for payload in payloads] == [(), (0, 3), (2, 0)]
    assert payloads[0].seen == 3 and payloads[0].thread != threading.current_thread().name


def test_the_call_does_not_fetch():
    """Shape, dtype and size are known without asnumpy; asnumpy happens in numpy()."""
    array = mx.nd.ones((3, 4), dtype="float16")
    held = snapshot(array)
    assert (held.shape, held.dtype, held.nbytes) == ((3, 4), np.dtype("float16"), 24)
    assert type(held._held) is mx.nd.NDArray and held._held is not array
    assert np.array_equal(held.numpy(), np.ones((3, 4)))


def test_a_snapshot_of_a_snapshot_is_itself():
    """An array that was snapshot early is not copied again by a kind."""
    held = snapshot(mx.nd.ones(3))
    assert snapshot(held) is held


def test_sparse_arrays_are_dense_copies():
    """Row-sparse and CSR arrays give all of their elements."""
    dense = np.array([[0, 0], [1, 2], [0, 3]], np.float32)
    for stype in ("row_sparse", "csr"):
        sparse = mx.nd.array(dense).tostype(stype)
        assert np.array_equal(snapshot(sparse).numpy(), dense)
        assert np.array_equal(as_array(sparse), dense)


def test_bfloat16_becomes_float32():
    """numpy has no bfloat16; its values fit a float32."""
    values = [1.5, -2.0, 0.0078125]
    array = mx.nd.array(values).astype(np.dtype([("bfloat16", np.uint16)]))
    assert snapshot(array).dtype == np.float32
    assert snapshot(array).numpy().tolist() == as_array(array).tolist() == values


def test_lists_of_arrays_are_stacked():
    """A list of equal arrays gains an axis; unequal ones are refused with the usual words."""
    stacked = as_array([mx.nd.array([1, 2]), mx.nd.array([3, 4])])
    assert stacked.tolist() == [[1, 2], [3, 4]]
    with pytest.raises(TypeError, match="want"):
        as_array([mx.nd.array([1, 2]), mx.nd.array([3])])


def test_a_snapshot_is_not_recorded_by_autograd():
    """Logging inside autograd.record() leaves no copy in the graph, and gradients are right."""
    weight = mx.nd.array([3.0])
    weight.attach_grad()
    with mx.autograd.record():
        square = weight * weight
        held = snapshot(square)
        loss = square * 2
    loss.backward()
    with pytest.raises(mx.base.MXNetError):
        held._held.backward()
    assert weight.grad.asscalar() == 12 and held.numpy().tolist() == [9]


def test_arrays_are_fetched_when_the_program_ends(tmp_path):
    """A program that ends right after its calls, without close, has its arrays on disk: they are
    fetched from the engine before it shuts down."""
    program = (
        "import mxnet as mx\n"
        "from tbwriter import FileWriter\n"
        "from tbwriter._values.array import snapshot\n"
        "from tbwriter._proto.messages import Message\n"
        "class Payload:\n"
        "    tags, nbytes = ('v',), 0\n"
        "    def __init__(self, array): self.held = snapshot(array)\n"
        "    def event_field(self):\n"
        "        return Message(5, b'\\n\\x03\\n\\x01%d' % self.held.numpy().max()).event_field()\n"
        f"writer = FileWriter({str(tmp_path)!r}, flush_secs=60)\n"
        "array = mx.nd.zeros((500, 500))\n"
        "for step in range(9):\n"
        "    array = mx.nd.dot(array, array) * 0 + step\n"
        "    writer.add(Payload(array), step)\n")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
    tags = [event.summary.value[0].tag for event in events(tmp_path)[1:]]
    assert tags == [str(step) for step in range(9)]


@pytest.mark.parametrize("limit", [1 << 20, 64 << 20])
def test_a_crowded_writer_does_not_fetch_in_the_call(tmp_path, monkeypatch, limit):
    """Also where more waits than fits into the buffer, arrays are fetched on the writer's thread:
    the training waits for room at most, and every value is the one of its call."""
    threads = set()
    fetch = mx.nd.NDArray.asnumpy

    def asnumpy(array):
        threads.add(threading.get_ident())
        return fetch(array)
    monkeypatch.setattr(mx.nd.NDArray, "asnumpy", asnumpy)
    array = mx.nd.zeros(100_000)
    with FileWriter(tmp_path, max_buffer=limit) as writer:
        for step in range(40):
            array += 1
            writer.add(summary.histogram("values", array), step)
    monkeypatch.undo()
    assert threads and threading.get_ident() not in threads
    seen = [value.histo for event in events(tmp_path) for value in event.summary.value]
    assert [(histo.min, histo.num) for histo in seen] == [(step + 1, 100_000) for step in range(40)]


@pytest.mark.parametrize("place", [lambda array: [array], lambda array: [1.0, array],
                                   lambda array: [[array]], lambda array: [[1.0], array],
                                   lambda array: [np.ones(2), array]])
@pytest.mark.parametrize("kind", ["tensor", "histogram", "image", "audio", "text", "mesh"])
def test_a_sparse_array_in_a_list_has_an_end(kind, place):
    """Wherever it is in the list, it is read as a dense one is: numpy alone would index it for
    ever."""
    dense = mx.nd.ones((2, 3))
    found = []
    for array in (dense, dense.tostype("csr")):
        try:
            found.append(getattr(summary, kind)("a", place(array)).SerializeToString())
        except (TypeError, ValueError) as error:
            assert str(error).startswith("got ")
            found.append(type(error))
    assert found[0] == found[1]
