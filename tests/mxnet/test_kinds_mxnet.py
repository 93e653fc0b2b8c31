"""Whatever kind is made from MXNet arrays is what numpy's arrays give."""
from __future__ import annotations

import contextlib
import numpy as np
import pytest
from tests.support.judges import events

from tbwriter import SummaryWriter, summary

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

RNG = np.random.default_rng(0)
IMAGE = RNG.uniform(0, 1, (3, 20, 30)).astype(np.float32)
BYTES = RNG.integers(0, 256, (5, 3, 8, 9), np.uint8)


@pytest.fixture(params=["nd", "np"])
def array(request):
    """Makes an MXNet array of the old or the new kind."""
    module = getattr(mx, request.param)
    return lambda values: module.array(values, dtype=values.dtype)


@pytest.mark.parametrize(("kind", "data", "more"), [
    (summary.image, IMAGE, {}), (summary.image, BYTES, {}), (summary.images, BYTES, {}),
    (summary.image, BYTES, {"dataformats": "NCHW"}), (summary.video, BYTES, {}),
    (summary.audio, IMAGE[0, 0], {}), (summary.tensor, IMAGE, {}), (summary.histogram, IMAGE, {}),
    (summary.mesh, IMAGE[0, :, :3], {}), (summary.embedding, IMAGE[0], {}),
    (summary.scalar, IMAGE[0, 0, :1], {}),
])
def test_same_as_numpy(array, kind, data, more):
    """A kind gives the very same bytes, whatever holds the numbers, and is a snapshot."""
    held = array(data)
    given = kind("tag", held, **more)
    held[:] = 0
    assert bytes_of(given) == bytes_of(kind("tag", data, **more))


def bytes_of(kind):
    """The bytes that it writes: into the event, or into files."""
    if not hasattr(kind, "store"):
        return kind.SerializeToString()
    files = Files()
    kind.store(files)
    return files


class Files(dict):
    """A log directory in memory."""

    def read(self, name):
        return self.get(name)

    def put(self, name, data):
        self[name] = bytes(data)

    def exclusive(self, name):
        return contextlib.nullcontext()


@pytest.mark.parametrize("kind", [summary.pr_curve, summary.image_with_boxes])
def test_two_arrays(array, kind):
    """So do kinds of two arrays: labels and predictions, a picture and its boxes."""
    data = IMAGE[0, :, :4]
    one, other = array(data), array(data if kind is summary.pr_curve else data[:5])
    wanted = kind("tag", data, other.asnumpy())
    given = kind("tag", one, other)
    one[:] = 0
    other[:] = 0
    assert given.SerializeToString() == wanted.SerializeToString()


def test_several_scalars(array):
    """`scalars` of arrays gives the same numbers as of plain ones, and fetches them later."""
    held = array(np.float32([0.5, 2]))
    given = summary.scalars({"a": held[0], "b": 3.0, "c": held[1]})
    assert [value.ready for value in given.values] == [False, True, False]
    held[:] = 0
    assert given.SerializeToString() == \
        summary.scalars({"a": 0.5, "b": 3.0, "c": 2.0}).SerializeToString()


def test_lists(array):
    """Lists of arrays are lists of pictures and of clips."""
    pictures = [array(one) for one in BYTES]
    assert summary.image("tag", pictures).SerializeToString() == \
        summary.image("tag", BYTES).SerializeToString()
    clips = [array(IMAGE[0, 0]), array(IMAGE[1, 0])]
    assert summary.audio("tag", clips).SerializeToString() == \
        summary.audio("tag", list(IMAGE[:2, 0])).SerializeToString()


def test_series(array, tmp_path):
    """Values and steps of a series may be MXNet arrays."""
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalar_series("a", array(np.array([1.5, 2.5], np.float32)),
                                 array(np.array([3, 7], np.int32)))
        writer.add_values({"b": array(np.array([4], np.float32))}, 9)
    assert [(event.step, event.summary.value[0].simple_value) for event in events(tmp_path)[1:]] \
        == [(3, 1.5), (7, 2.5), (9, 4.0)]
