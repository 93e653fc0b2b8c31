"""mesh against TensorBoard's own metadata, both loaders and the dashboard."""
from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tests.support.judges import board, both_loaders, events, http
from tensorboard.compat.proto import summary_pb2
from tensorboard.plugins.mesh import metadata, plugin_data_pb2
from tensorboard.util import tensor_util

from tbwriter import FileWriter, summary

VERTICES = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]] * 2, np.float32)
VERTICES[1] += 0.25
FACES = np.array([[[0, 1, 2], [0, 2, 3]]] * 2, np.int32)
COLORS = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
CONFIG = {"material": {"cls": "PointsMaterial", "size": 0.5}}


def parsed(kind):
    return summary_pb2.Summary.FromString(kind.SerializeToString())


def test_equals_tensorboards_own():
    """Tags, tensors and metadata are those that tensorboard.plugins.mesh.metadata makes."""
    ours = parsed(summary.mesh("solid", VERTICES, COLORS, FACES, CONFIG, description="a *solid*"))
    wanted = [(plugin_data_pb2.MeshPluginData.VERTEX, VERTICES),
              (plugin_data_pb2.MeshPluginData.FACE, FACES),
              (plugin_data_pb2.MeshPluginData.COLOR, COLORS)]
    components = metadata.get_components_bitmask([part for part, _ in wanted])
    for value, (part, array) in zip(ours.value, wanted):
        assert value.tag == metadata.get_instance_name("solid", part)
        assert value.tensor == tensor_util.make_tensor_proto(array)
        their = metadata.create_summary_metadata(
            "solid", None, part, components, list(array.shape), "a *solid*",
            json_config=json.dumps(CONFIG, sort_keys=True))
        their.data_class = summary_pb2.DATA_CLASS_TENSOR  # TensorBoard's loaders add it
        assert value.metadata == their
    assert len(ours.value) == 3


def test_points_alone():
    """Without colors and faces there is one value; [n, 3] is a batch of one."""
    value, = parsed(summary.mesh("cloud", VERTICES[0])).value
    content = plugin_data_pb2.MeshPluginData.FromString(value.metadata.plugin_data.content)
    assert (value.tag, content.name, list(content.shape)) == ("cloud_VERTEX", "cloud", [1, 4, 3])
    assert (content.components, content.json_config) == (1 << 1, "{}")


@both_loaders
def test_coloured_points(tmp_path, loader):
    """Without faces, the dashboard lists points and their colours, and gets both."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.mesh("cloud", VERTICES[0], COLORS[0]), step=1)
    with http(tmp_path, loader) as h:
        listed = h.json("mesh/meshes", run=".", tag="cloud", sample=0)
        assert {entry["content_type"]: entry["components"] for entry in listed} == {
            part: 1 << plugin_data_pb2.MeshPluginData.VERTEX
            | 1 << plugin_data_pb2.MeshPluginData.COLOR
            for part in (plugin_data_pb2.MeshPluginData.VERTEX,
                         plugin_data_pb2.MeshPluginData.COLOR)}
        for part, array in (("VERTEX", VERTICES[0]), ("COLOR", COLORS[0])):
            raw = h.bytes("mesh/data", run=".", tag="cloud", content_type=part, sample=0, step=1)
            np.testing.assert_array_equal(np.frombuffer(raw, array.dtype), array.ravel())


def test_any_dtype_and_later_changes():
    """float64 and int64 become what TensorBoard reads; later changes are not seen."""
    vertices, colors, faces = VERTICES.astype(float), COLORS.astype(float), FACES.astype(np.int64)
    kind = summary.mesh("solid", vertices, colors, faces)
    vertices[:] = colors[:] = faces[:] = 0
    for value, wanted in zip(parsed(kind).value, (VERTICES, FACES, COLORS)):
        given = tensor_util.make_ndarray(value.tensor)
        assert given.dtype == wanted.dtype
        np.testing.assert_array_equal(given, wanted)


@both_loaders
def test_dashboard(tmp_path, loader):
    """One event; the loader and the dashboard's HTTP interface give back each part and sample."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.mesh("a/solid", VERTICES, COLORS, FACES, CONFIG), step=2)
    assert len([event for event in events(tmp_path) if event.HasField("summary")]) == 1
    wanted = {"VERTEX": VERTICES, "FACE": FACES, "COLOR": COLORS}
    with board(tmp_path, loader) as b:
        for part, array in wanted.items():
            (step, given), = b.tensors("mesh", ".", f"a/solid_{part}")
            assert step == 2
            np.testing.assert_array_equal(given, array)
    with http(tmp_path, loader) as h:
        assert h.json("mesh/tags") == {".": {"a/solid": {"samples": 2}}}
        listed = h.json("mesh/meshes", run=".", tag="a/solid", sample=0)
        assert len(listed) == 3
        for entry in listed:
            assert entry["step"] == 2 and entry["components"] == 14
            assert json.loads(entry["config"]) == CONFIG
        for part, array in wanted.items():
            raw = h.bytes("mesh/data", run=".", tag="a/solid", content_type=part, sample=1, step=2)
            np.testing.assert_array_equal(np.frombuffer(raw, array.dtype), array[1].ravel())


class Endless:
    """Has an item for every number, as a sparse MXNet array has."""

    def __getitem__(self, number):
        return "ab"


@pytest.mark.parametrize("arguments, error, message", [
    ((np.zeros((4, 2)),), ValueError, "got vertices of shape (4, 2)"),
    ((np.zeros(3),), ValueError, "got vertices of shape (3,)"),
    ((np.zeros((0, 3)),), ValueError, "got vertices of shape (0, 3)"),
    ((VERTICES * np.nan,), ValueError, "want finite coordinates"),
    ((VERTICES.astype(float) + 1e39,), ValueError, "numbers beyond float32, want finite"),
    ((np.ma.array(VERTICES, mask=VERTICES == 0),), ValueError, "got vertices with"),
    ((VERTICES, COLORS[:1]), ValueError, "got colors of shape (1, 4, 3), want (2, 4, 3)"),
    ((VERTICES, COLORS + 300.0), ValueError, "want 0 to 255"),
    ((VERTICES, COLORS / 255), ValueError, "(times 255)"),
    ((VERTICES, None, FACES[:1]), ValueError, "got faces of 1 meshes, want 2"),
    ((VERTICES, None, FACES + 2), ValueError, "got faces from 2 to 5"),
    ((VERTICES, None, FACES - 1), ValueError, "got faces from -1 to 2"),
    ((VERTICES, None, FACES * 0.5), ValueError, "got faces with fractions"),
    ((VERTICES, None, None, {"a": object()}), TypeError, "got a config_dict that is not JSON"),
    ((VERTICES, None, None, Endless()), TypeError, "got a config_dict of type Endless"),
    (([["x", "y", "z"]],), TypeError, "got vertices of dtype"),
])
def test_bad_input(arguments, error, message):
    """Mistakes raise at the call, with what was given and what is wanted."""
    with pytest.raises(error, match=re.escape(message)):
        summary.mesh("solid", *arguments)
