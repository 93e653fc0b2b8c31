"""The tables of the format, against the compiled messages of an installed TensorBoard."""
from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, List, Mapping, Tuple

import pytest

from tbwriter._proto import plugin_schema, schema

pytest.importorskip("tensorboard.compat.proto.event_pb2")
from tensorboard.compat.proto import (attr_value_pb2, config_pb2, event_pb2,  # noqa: E402
                                      graph_pb2, histogram_pb2, node_def_pb2, step_stats_pb2,
                                      summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2,
                                      versions_pb2)
from tensorboard.plugins.audio import plugin_data_pb2 as audio_pb2  # noqa: E402
from tensorboard.plugins.custom_scalar import layout_pb2  # noqa: E402
from tensorboard.plugins.hparams import api_pb2  # noqa: E402
from tensorboard.plugins.hparams import plugin_data_pb2 as hparams_pb2  # noqa: E402
from tensorboard.plugins.mesh import plugin_data_pb2 as mesh_pb2  # noqa: E402
from tensorboard.plugins.pr_curve import plugin_data_pb2 as pr_curve_pb2  # noqa: E402
from tensorboard.plugins.projector import projector_config_pb2  # noqa: E402
from google.protobuf import struct_pb2  # noqa: E402

PACKAGE = Path(__file__).parents[2] / "src" / "tbwriter"
Margin = layout_pb2.MarginChartContent
MESSAGES: List[Tuple[Any, Any]] = [
    (schema.Event, event_pb2.Event), (schema.SourceMetadata, event_pb2.SourceMetadata),
    (schema.LogMessage, event_pb2.LogMessage), (schema.SessionLog, event_pb2.SessionLog),
    (schema.TaggedRunMetadata, event_pb2.TaggedRunMetadata),
    (schema.Summary, summary_pb2.Summary), (schema.Value, summary_pb2.Summary.Value),
    (schema.Image, summary_pb2.Summary.Image), (schema.Audio, summary_pb2.Summary.Audio),
    (schema.SummaryMetadata, summary_pb2.SummaryMetadata),
    (schema.PluginData, summary_pb2.SummaryMetadata.PluginData),
    (schema.Histogram, histogram_pb2.HistogramProto), (schema.Tensor, tensor_pb2.TensorProto),
    (schema.TensorShape, tensor_shape_pb2.TensorShapeProto),
    (schema.Dim, tensor_shape_pb2.TensorShapeProto.Dim),
    (plugin_schema.GraphDef, graph_pb2.GraphDef), (plugin_schema.NodeDef, node_def_pb2.NodeDef),
    (plugin_schema.AttrValue, attr_value_pb2.AttrValue),
    (plugin_schema.VersionDef, versions_pb2.VersionDef),
    (plugin_schema.RunMetadata, config_pb2.RunMetadata),
    (plugin_schema.FunctionGraphs, config_pb2.RunMetadata.FunctionGraphs),
    (plugin_schema.StepStats, step_stats_pb2.StepStats),
    (plugin_schema.DeviceStepStats, step_stats_pb2.DeviceStepStats),
    (plugin_schema.NodeExecStats, step_stats_pb2.NodeExecStats),
    (plugin_schema.AllocatorMemoryUsed, step_stats_pb2.AllocatorMemoryUsed),
    (plugin_schema.PrCurvePluginData, pr_curve_pb2.PrCurvePluginData),
    (plugin_schema.MeshPluginData, mesh_pb2.MeshPluginData),
    (plugin_schema.HParamsPluginData, hparams_pb2.HParamsPluginData),
    (plugin_schema.SessionStartInfo, hparams_pb2.SessionStartInfo),
    (plugin_schema.SessionEndInfo, hparams_pb2.SessionEndInfo),
    (plugin_schema.Experiment, api_pb2.Experiment), (plugin_schema.HParamInfo, api_pb2.HParamInfo),
    (plugin_schema.Interval, api_pb2.Interval), (plugin_schema.MetricInfo, api_pb2.MetricInfo),
    (plugin_schema.MetricName, api_pb2.MetricName),
    (plugin_schema.JsonValue, struct_pb2.Value), (plugin_schema.JsonList, struct_pb2.ListValue),
    (plugin_schema.Layout, layout_pb2.Layout), (plugin_schema.Category, layout_pb2.Category),
    (plugin_schema.Chart, layout_pb2.Chart),
    (plugin_schema.MultilineChart, layout_pb2.MultilineChartContent),
    (plugin_schema.MarginChart, Margin), (plugin_schema.MarginSeries, Margin.Series),
]
ENUMS: List[Tuple[Mapping[str, Any], Any]] = [
    (vars(schema.SessionStatus), event_pb2.SessionLog.SessionStatus),
    (vars(plugin_schema.MeshContentType), mesh_pb2.MeshPluginData.ContentType),
    ({f"DATA_CLASS_{name}": number for name, number in vars(schema.DataClass).items()
      if name.isupper()}, summary_pb2.DataClass),
    ({f"STATUS_{name}": number for name, number in plugin_schema.SESSION_STATUSES.items()},
     hparams_pb2._STATUS if hasattr(hparams_pb2, "_STATUS") else api_pb2.Status),
]


@pytest.mark.parametrize("ours, theirs", MESSAGES, ids=[row[0].__name__ for row in MESSAGES])
def test_field_numbers(ours: Any, theirs: Any) -> None:
    """Each field has the number that the compiled message has for that name."""
    numbers = {field.name.upper(): field.number for field in theirs.DESCRIPTOR.fields}
    named = {name: number for name, number in vars(ours).items()
             if name.isupper() and isinstance(number, int)}
    assert named and named == {name: numbers[name] for name in named}


def test_no_message_is_left_out() -> None:
    """Each class of field numbers is compared with a compiled message, but for those of XProf,
    which TensorBoard does not bring, and three that are no messages."""
    compared = {ours.__name__ for ours, _ in MESSAGES}
    found = {name for module in (schema, plugin_schema) for name, one in vars(module).items()
             if isinstance(one, type) and one.__module__ == module.__name__}
    assert found - compared == {
        "SessionStatus", "DataClass", "DataType", "Plugin", "MapEntry", "Versioned",
        "AudioPluginData", "MeshContentType", "XSpace", "XPlane", "XLine", "XEvent", "XStat",
        "XEventMetadata", "XStatMetadata"}
    fields = audio_pb2.AudioPluginData.DESCRIPTOR.fields_by_name
    assert fields["encoding"].number == plugin_schema.AudioPluginData.ENCODING
    assert audio_pb2.AudioPluginData.WAV == plugin_schema.AudioPluginData.WAV


def test_data_types() -> None:
    """Numbers of DataTypes are those of the compiled enum."""
    names = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}
    for one in schema.DATA_TYPES.values():
        name = "DT_" + names.get(one.name, one.name.upper())
        assert types_pb2.DataType.Value(name) == one.number


def test_the_projector_config() -> None:
    """The fields of the text format are those of the compiled message, with their types."""
    def compare(ours: Any, theirs: Any) -> None:
        assert set(ours) == {field.name for field in theirs.fields}
        for field in theirs.fields:
            want = ours[field.name]
            value = getattr(theirs._concrete_class(), field.name)
            assert isinstance(want, list) == hasattr(value, "extend")
            want = want[0] if isinstance(want, list) else want
            if field.message_type:
                compare(want, field.message_type)
            else:
                assert want is (str if field.type == field.TYPE_STRING else int)

    compare(plugin_schema.PROJECTOR_CONFIG_FIELDS,
            projector_config_pb2.ProjectorConfig.DESCRIPTOR)


# Functions of wire and parse whose argument at this place is a field number.
NUMBERED = {"key": 0, "int_field": 0, "double_field": 0, "float_field": 0, "length_prefix": 0,
            "bytes_field": 0, "string_field": 0, "message_field": 0, "int_of": 1, "double_of": 1,
            "bytes_of": 1, "each": 1, "string_of": 1, "entries": 1, "doubles_of": 1}


def test_no_bare_field_numbers() -> None:
    """Field numbers are in the tables, and nowhere else."""
    bare = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                at = NUMBERED.get(name)
                if at is not None and len(node.args) > at \
                        and isinstance(node.args[at], ast.Constant) \
                        and isinstance(node.args[at].value, int):  # type: ignore[attr-defined]
                    bare.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
        if re.search(r"\.number (==|!=|in) \(?[1-9]", text):
            bare.append(str(path.relative_to(PACKAGE)))
    assert not bare
