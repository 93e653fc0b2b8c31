"""The messages of single plugins: graphs, hyperparameters, layouts, meshes, the projector, XProf.

A class names the fields of one message by their numbers, as in `schema`. This file is apart from it
so that a program that logs scalars does not load it.

Source: the .proto files of TensorFlow, TensorBoard 2.21 and XProf, named at each group.
"""
from __future__ import annotations

from typing import Dict


# graph.proto, node_def.proto, attr_value.proto, versions.proto

class GraphDef:
    NODE, LIBRARY, VERSIONS = 1, 2, 4


class NodeDef:
    NAME, OP, INPUT, DEVICE, ATTR = 1, 2, 3, 4, 5


class AttrValue:
    """Fields 2 to 7 have the same numbers in the list as in the value."""

    LIST, S, I, F, B, TYPE, SHAPE = 1, 2, 3, 4, 5, 6, 7


class VersionDef:
    PRODUCER = 1


# config.proto, step_stats.proto

class RunMetadata:
    STEP_STATS, COST_GRAPH, PARTITION_GRAPHS, FUNCTION_GRAPHS = 1, 2, 3, 4


class FunctionGraphs:
    PARTITION_GRAPHS, PRE_OPTIMIZATION_GRAPH, POST_OPTIMIZATION_GRAPH = 1, 2, 3


class StepStats:
    DEV_STATS = 1


class DeviceStepStats:
    DEVICE, NODE_STATS = 1, 2


class NodeExecStats:
    NODE_NAME, ALL_START_MICROS, OP_START_REL_MICROS, OP_END_REL_MICROS = 1, 2, 3, 4
    ALL_END_REL_MICROS, MEMORY, TIMELINE_LABEL = 5, 6, 8


class AllocatorMemoryUsed:
    ALLOCATOR_NAME, TOTAL_BYTES = 1, 2


# plugin_data.proto of each plugin: the version is field 1 in all of them

class Versioned:
    VERSION = 1


class AudioPluginData:
    ENCODING, WAV = 2, 11


class PrCurvePluginData:
    NUM_THRESHOLDS = 2


class MeshPluginData:
    NAME, CONTENT_TYPE, JSON_CONFIG, SHAPE, COMPONENTS = 2, 3, 5, 6, 7


class MeshContentType:
    VERTEX, FACE, COLOR = 1, 2, 3


class HParamsPluginData:
    EXPERIMENT, SESSION_START_INFO, SESSION_END_INFO = 2, 3, 4


class SessionStartInfo:
    HPARAMS, MODEL_URI, MONITOR_URL, GROUP_NAME, START_TIME_SECS = 1, 2, 3, 4, 5


class SessionEndInfo:
    STATUS, END_TIME_SECS = 1, 2


SESSION_STATUSES = {"UNKNOWN": 0, "SUCCESS": 1, "FAILURE": 2, "RUNNING": 3}


class Experiment:
    DESCRIPTION, USER, TIME_CREATED_SECS, HPARAM_INFOS, METRIC_INFOS, NAME = 1, 2, 3, 4, 5, 6


class HParamInfo:
    NAME, DISPLAY_NAME, DESCRIPTION, TYPE, DOMAIN_DISCRETE, DOMAIN_INTERVAL = 1, 2, 3, 4, 5, 6


HPARAM_TYPES = {str: 1, bool: 2, float: 3, int: 3}


class Interval:
    MIN_VALUE, MAX_VALUE = 1, 2


class MetricInfo:
    NAME, DISPLAY_NAME, DESCRIPTION, DATASET_TYPE = 1, 3, 4, 5


class MetricName:
    GROUP, TAG = 1, 2


METRIC_DATASETS = {"": 0, "training": 1, "validation": 2}


# google.protobuf.Value and ListValue of struct.proto

class JsonValue:
    NULL_VALUE, NUMBER_VALUE, STRING_VALUE, BOOL_VALUE = 1, 2, 3, 4


class JsonList:
    VALUES = 1


# layout.proto of Custom Scalars

class Layout:
    CATEGORY = 2


class Category:
    TITLE, CHART, CLOSED = 1, 2, 3


class Chart:
    TITLE, MULTILINE, MARGIN = 1, 2, 3


class MultilineChart:
    TAG = 1


class MarginChart:
    SERIES = 1


class MarginSeries:
    VALUE, LOWER, UPPER = 1, 2, 3


# projector_config.proto, which is written as text: {field: int, str, or the message's fields}, in a
# list where it is repeated. Numbers are uint32.

SPRITE_METADATA: Dict[str, object] = {"image_path": str, "single_image_dim": [int]}
EMBEDDING_INFO: Dict[str, object] = {
    "tensor_name": str, "metadata_path": str, "bookmarks_path": str, "tensor_shape": [int],
    "sprite": SPRITE_METADATA, "tensor_path": str}
PROJECTOR_CONFIG_FIELDS: Dict[str, object] = {
    "model_checkpoint_path": str, "embeddings": [EMBEDDING_INFO], "model_checkpoint_dir": str}
# The fields with paths relative to the configuration.
PROJECTOR_PATHS = ("tensor_path", "metadata_path", "bookmarks_path", "image_path")


# xplane.proto of XProf

class XSpace:
    PLANES, ERRORS, WARNINGS, HOSTNAMES = 1, 2, 3, 4


class XPlane:
    ID, NAME, LINES, EVENT_METADATA, STAT_METADATA, STATS = 1, 2, 3, 4, 5, 6


class XLine:
    ID, NAME, TIMESTAMP_NS, EVENTS, DURATION_PS, DISPLAY_ID, DISPLAY_NAME = 1, 2, 3, 4, 9, 10, 11


class XEvent:
    METADATA_ID, OFFSET_PS, DURATION_PS, STATS, NUM_OCCURRENCES = 1, 2, 3, 4, 5


class XStat:
    METADATA_ID, DOUBLE_VALUE, UINT64_VALUE, INT64_VALUE = 1, 2, 3, 4
    STR_VALUE, BYTES_VALUE, REF_VALUE = 5, 6, 7


class XEventMetadata:
    ID, NAME, METADATA, DISPLAY_NAME, STATS, CHILD_ID = 1, 2, 3, 4, 5, 6


class XStatMetadata:
    ID, NAME, DESCRIPTION = 1, 2, 3
