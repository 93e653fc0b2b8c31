"""Meshes and point clouds. Shown in Mesh.

Source: tensorboard/plugins/mesh/summary_v2.py and plugin_data.proto of TensorBoard 2.21.
"""
from __future__ import annotations

import json
from typing import Any, Callable, Mapping, NamedTuple, Optional

import numpy as np

from .._foreign import checked, let_signals
from .._parts import Parts
from .._proto import messages, schema, wire
from .._proto.messages import Summary, Value
from .._proto.plugin_schema import MeshContentType, MeshPluginData
from .._proto.schema import DT_FLOAT, DT_INT32, DT_UINT8
from .._proto.wire import check_size
from .._values.array import as_array


class _Part(NamedTuple):
    """One content type of a mesh, as TensorBoard calls it; each is a tag of its own."""

    name: str
    content_type: int
    tensor_type: int
    data: "np.ndarray[Any, Any]"


@checked
def mesh(tag: str, vertices: Any, colors: Any = None, faces: Any = None,
         config_dict: Optional[Mapping[str, Any]] = None, *, display_name: str = "",
         description: str = "") -> Summary:
    """Triangles in space, or points if there are no faces. Shown in Mesh.

    vertices: [batch, n, 3] or [n, 3] coordinates, finite as float32.
    colors: of the vertices, [batch, n, 3] or [n, 3], red, green and blue from 0 to 255.
    faces: [batch, m, 3] or [m, 3] whole numbers: which three vertices are a triangle.
    config_dict: for three.js, e.g. {"material": {"cls": "MeshStandardMaterial"}}; see
        TensorBoard's documentation of the Mesh plugin.
    display_name, description: shown with the mesh; the description is Markdown.

    Raises ValueError for other shapes and values, TypeError for values that are not numbers and for
    a config_dict that is not JSON.

    Example: `mesh("cloud", points, colors=colors)` with points and uint8 colors (n, 3).
    """
    points = _batch("vertices", vertices)
    with np.errstate(all="ignore"):
        points = points.astype("<f4")
    if not np.isfinite(points).all():
        raise ValueError("got vertices with NaN, infinities or numbers beyond float32, want finite "
                         "coordinates, which the dashboard needs to place the camera")
    parts = [_Part("VERTEX", MeshContentType.VERTEX, DT_FLOAT, points)]
    if faces is not None:
        corners = _batch("faces", faces)
        _check_batch("faces", corners, points)
        _check_whole("faces", corners, points.shape[1] - 1, "the number of a vertex")
        parts.append(_Part("FACE", MeshContentType.FACE, DT_INT32, corners.astype("<i4")))
    if colors is not None:
        paint = _batch("colors", colors)
        if paint.shape != points.shape:
            raise ValueError(f"got colors of shape {paint.shape}, want {points.shape} like the "
                             "vertices")
        _check_colors(paint)
        parts.append(_Part("COLOR", MeshContentType.COLOR, DT_UINT8, paint.astype("u1")))
    config = _config(config_dict)
    components = sum(1 << part.content_type for part in parts)
    return Summary([_value(tag, part, components, config, display_name, description)
                    for part in parts])


def _value(tag: str, part: _Part, components: int, config: str, display_name: str,
           description: str) -> Value:
    tag = messages.check_tag(tag)
    shape = b"".join(map(wire.varint, part.data.shape))
    content = (wire.string_field(MeshPluginData.NAME, tag)
               + wire.int_field(MeshPluginData.CONTENT_TYPE, part.content_type)
               + wire.string_field(MeshPluginData.JSON_CONFIG, config)
               + wire.bytes_field(MeshPluginData.SHAPE, shape)
               + wire.int_field(MeshPluginData.COMPONENTS, components))
    metadata = messages.metadata(schema.MESH, content, display_name=display_name,
                                 description=description)
    return Value(f"{tag}_{part.name}", _encoder(part, metadata),
                 part.data.nbytes + len(metadata))


def _encoder(part: _Part, metadata: bytes) -> Callable[[], Parts]:
    return lambda: [*messages.tensor(part.tensor_type, part.data.shape, part.data.tobytes()),
                    metadata]


def _batch(what: str, values: Any) -> "np.ndarray[Any, Any]":
    """`values` as [batch, n, 3]."""
    array = as_array(values, what)
    check_size(array.nbytes, what)
    if array.ndim not in (2, 3) or array.shape[-1] != 3 or not array.size:
        raise ValueError(f"got {what} of shape {array.shape}, want (batch, n, 3) or (n, 3)")
    return array.reshape((-1,) + array.shape[-2:])


def _check_batch(what: str, array: "np.ndarray[Any, Any]", points: "np.ndarray[Any, Any]") -> None:
    if len(array) != len(points):
        raise ValueError(f"got {what} of {len(array)} meshes, want {len(points)} like the vertices")


def _check_whole(what: str, array: "np.ndarray[Any, Any]", most: int, meaning: str) -> None:
    lowest, highest = array.min(), array.max()
    with np.errstate(all="ignore"):  # numpy 2 makes a float16 of the limit, too
        inside = lowest >= 0 and highest <= most
    if not inside:
        raise ValueError(f"got {what} from {lowest} to {highest}, want {meaning}, 0 to {most}")
    if array.dtype.kind == "f" and (array != np.floor(array)).any():
        raise ValueError(f"got {what} with fractions, want {meaning}, 0 to {most}")


def _check_colors(paint: "np.ndarray[Any, Any]") -> None:
    lowest, highest = paint.min(), paint.max()
    if not (lowest >= 0 and highest <= 255):
        raise ValueError(f"got colors from {lowest} to {highest}, want 0 to 255")
    if paint.dtype.kind == "f" and 0 < highest <= 1 and (paint != np.floor(paint)).any():
        # Everything would be black.
        raise ValueError(f"got colors from {lowest} to {highest}, want 0 to 255 (times 255)")


def _config(config_dict: Optional[Mapping[str, Any]]) -> str:
    if config_dict is None:
        return "{}"
    # Not by its items: a sparse MXNet array has them without end.
    if not isinstance(config_dict, Mapping):
        raise TypeError(f"got a config_dict of type {type(config_dict).__name__}, want a dict of "
                        "JSON values")
    try:
        return json.dumps(dict(config_dict), sort_keys=True, allow_nan=False)
    except Exception as error:  # RecursionError and foreign ones too
        let_signals(error)
        raise TypeError(f"got a config_dict that is not JSON ({error}), want a dict of JSON values"
                        ) from None
