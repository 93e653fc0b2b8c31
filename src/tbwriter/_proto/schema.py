"""The tables of the format: field numbers, types, plugins, reserved tags.

A class names the fields of one message by their numbers: `schema.Event.STEP`. Only fields that
this package writes or reads are listed. Which dashboard shows a tag follows from `PLUGINS`. The
messages that belong to a single plugin are in `plugin_schema`.

Source: the .proto files of TensorFlow and TensorBoard 2.21, named at each group.
"""
from __future__ import annotations

from typing import Dict, FrozenSet, Optional


# event.proto

class Event:
    WALL_TIME, STEP, FILE_VERSION, GRAPH_DEF, SUMMARY = 1, 2, 3, 4, 5
    LOG_MESSAGE, SESSION_LOG, TAGGED_RUN_METADATA, META_GRAPH_DEF, SOURCE_METADATA = 6, 7, 8, 9, 10

    # The members of the oneof `what`: an event carries one of them.
    WHAT = (FILE_VERSION, GRAPH_DEF, SUMMARY, LOG_MESSAGE, SESSION_LOG, TAGGED_RUN_METADATA,
            META_GRAPH_DEF)


class SourceMetadata:
    WRITER = 1


class LogMessage:
    LEVEL, MESSAGE = 1, 2


class SessionLog:
    STATUS, CHECKPOINT_PATH, MSG = 1, 2, 3


class SessionStatus:
    START, STOP, CHECKPOINT = 1, 2, 3


class TaggedRunMetadata:
    TAG, RUN_METADATA = 1, 2


# summary.proto

class Summary:
    VALUE = 1


class Value:
    TAG, SIMPLE_VALUE, IMAGE, HISTO, AUDIO, NODE_NAME, TENSOR, METADATA = 1, 2, 4, 5, 6, 7, 8, 9
    OBSOLETE_OLD_STYLE_HISTOGRAM = 3


class Image:
    HEIGHT, WIDTH, COLORSPACE, ENCODED_IMAGE_STRING = 1, 2, 3, 4


class Audio:
    SAMPLE_RATE, NUM_CHANNELS, LENGTH_FRAMES, ENCODED_AUDIO_STRING, CONTENT_TYPE = 1, 2, 3, 4, 5


class SummaryMetadata:
    PLUGIN_DATA, DISPLAY_NAME, SUMMARY_DESCRIPTION, DATA_CLASS = 1, 2, 3, 4


class PluginData:
    PLUGIN_NAME, CONTENT = 1, 2


class DataClass:
    """Which of TensorBoard's three stores a tag belongs to."""

    UNKNOWN, SCALAR, TENSOR, BLOB_SEQUENCE = 0, 1, 2, 3


# histogram.proto

class Histogram:
    MIN, MAX, NUM, SUM, SUM_SQUARES, BUCKET_LIMIT, BUCKET = 1, 2, 3, 4, 5, 6, 7


# tensor.proto, tensor_shape.proto, types.proto

class Tensor:
    DTYPE, TENSOR_SHAPE, VERSION_NUMBER, TENSOR_CONTENT = 1, 2, 3, 4
    FLOAT_VAL, DOUBLE_VAL, INT_VAL, STRING_VAL, SCOMPLEX_VAL, INT64_VAL = 5, 6, 7, 8, 9, 10
    BOOL_VAL, DCOMPLEX_VAL, HALF_VAL, UINT32_VAL, UINT64_VAL = 11, 12, 13, 16, 17
    RESOURCE_HANDLE_VAL, VARIANT_VAL, FLOAT8_VAL = 14, 15, 18


class TensorShape:
    DIM, UNKNOWN_RANK = 2, 3


class Dim:
    SIZE, NAME = 1, 2


class DataType:
    """The type of a tensor's elements.

    number: in the enum DataType. name: numpy's (or ml_dtypes') name. stored: the numpy type of
    `tensor_content`, "" where numpy has none. listed: the field that holds the elements where
    there is no content; 0 for types that a summary does not hold.
    """

    __slots__ = ("number", "name", "stored", "listed")

    def __init__(self, number: int, name: str, stored: str, listed: int) -> None:
        self.number = number
        self.name = name
        self.stored = stored
        self.listed = listed


DT_FLOAT, DT_DOUBLE, DT_INT32, DT_UINT8, DT_STRING = 1, 2, 3, 4, 7
DT_BFLOAT16, DT_HALF = 14, 19

# By number. No dashboard shows the missing types (resources, variants, quantized numbers).
DATA_TYPES: Dict[int, DataType] = {one.number: one for one in (
    DataType(DT_FLOAT, "float32", "<f4", Tensor.FLOAT_VAL),
    DataType(DT_DOUBLE, "float64", "<f8", Tensor.DOUBLE_VAL),
    DataType(DT_INT32, "int32", "<i4", Tensor.INT_VAL),
    DataType(DT_UINT8, "uint8", "u1", Tensor.INT_VAL),
    DataType(5, "int16", "<i2", Tensor.INT_VAL),
    DataType(6, "int8", "i1", Tensor.INT_VAL),
    DataType(DT_STRING, "string", "", Tensor.STRING_VAL),
    DataType(8, "complex64", "<c8", Tensor.SCOMPLEX_VAL),
    DataType(9, "int64", "<i8", Tensor.INT64_VAL),
    DataType(10, "bool", "?", Tensor.BOOL_VAL),
    DataType(DT_BFLOAT16, "bfloat16", "<u2", Tensor.HALF_VAL),
    DataType(17, "uint16", "<u2", Tensor.INT_VAL),
    DataType(18, "complex128", "<c16", Tensor.DCOMPLEX_VAL),
    DataType(DT_HALF, "float16", "<f2", Tensor.HALF_VAL),
    DataType(22, "uint32", "<u4", Tensor.UINT32_VAL),
    DataType(23, "uint64", "<u8", Tensor.UINT64_VAL),
    DataType(24, "float8_e5m2", "", 0),
    DataType(25, "float8_e4m3fn", "", 0),
)}
DATA_TYPE_NUMBERS: Dict[str, int] = {one.name: one.number for one in DATA_TYPES.values()}


# The plugins of TensorBoard.

class Plugin:
    """A plugin that reads event files.

    name: as written in a tag's metadata. kind: our word for its data. data_class: the store that it
    reads. versioned: whether the metadata's content is a message with a version in field 1, which
    must be 0; else the content is `content`, or anything where that is None.
    """

    __slots__ = ("name", "kind", "data_class", "versioned", "content")

    def __init__(self, name: str, kind: str, data_class: int, versioned: bool = False,
                 content: Optional[bytes] = None) -> None:
        self.name = name
        self.kind = kind
        self.data_class = data_class
        self.versioned = versioned
        self.content = content


SCALARS, HISTOGRAMS, IMAGES, AUDIO, TEXT = "scalars", "histograms", "images", "audio", "text"
PR_CURVES, MESH, HPARAMS, CUSTOM_SCALARS = "pr_curves", "mesh", "hparams", "custom_scalars"
GRAPHS, TAGGED_RUN_METADATA = "graphs", "graph_tagged_run_metadata"
RUN_METADATA, RUN_METADATA_GRAPH = "graph_run_metadata", "graph_run_metadata_graph"
KERAS_MODEL = "graph_keras_model"

PLUGINS: Dict[str, Plugin] = {one.name: one for one in (
    Plugin(SCALARS, "scalar", DataClass.SCALAR, True),
    Plugin(HISTOGRAMS, "histogram", DataClass.TENSOR, True),
    Plugin(IMAGES, "image", DataClass.BLOB_SEQUENCE, True),
    Plugin(AUDIO, "audio", DataClass.BLOB_SEQUENCE, True),
    Plugin(TEXT, "text", DataClass.TENSOR, True),
    Plugin(PR_CURVES, "pr_curve", DataClass.TENSOR, True),
    Plugin(MESH, "mesh", DataClass.TENSOR, True),
    Plugin(HPARAMS, "hparams", DataClass.TENSOR, True),
    Plugin(CUSTOM_SCALARS, "layout", DataClass.TENSOR),
    Plugin(RUN_METADATA, "graph", DataClass.BLOB_SEQUENCE, content=b"1"),
    Plugin(RUN_METADATA_GRAPH, "graph", DataClass.BLOB_SEQUENCE, content=b"1"),
    Plugin(KERAS_MODEL, "graph", DataClass.BLOB_SEQUENCE, content=b"1"),
    # TensorBoard makes these two from events of their own.
    Plugin(GRAPHS, "graph", DataClass.BLOB_SEQUENCE),
    Plugin(TAGGED_RUN_METADATA, "run_metadata", DataClass.BLOB_SEQUENCE),
)}

# The fields of Value that are older than plugins, and the plugin that shows each.
FORMS: Dict[int, str] = {Value.SIMPLE_VALUE: SCALARS, Value.IMAGE: IMAGES, Value.HISTO: HISTOGRAMS,
                         Value.AUDIO: AUDIO}


def kind_of(form: int, plugin: str) -> str:
    """Our word for the kind of a value: from its field of Value, or for tensors from its plugin."""
    found = PLUGINS.get(FORMS.get(form, plugin))
    return found.kind if found else "tensor"


class MapEntry:
    """An entry of any map field."""

    KEY, VALUE = 1, 2


# Tags that TensorBoard looks for by name.
RUN_GRAPH_TAG = "__run_graph__"
LAYOUT_TAG = "custom_scalars__config__"
EXPERIMENT_TAG = "_hparams_/experiment"
SESSION_START_TAG = "_hparams_/session_start_info"
SESSION_END_TAG = "_hparams_/session_end_info"
HPARAMS_TAGS: FrozenSet[str] = frozenset((EXPERIMENT_TAG, SESSION_START_TAG, SESSION_END_TAG))

# The name of the projector's configuration, in a run's directory.
PROJECTOR_CONFIG = "projector_config.pbtxt"

FILE_VERSION = "brain.Event:2"
