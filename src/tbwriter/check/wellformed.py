"""Messages inside values: whether protobuf can read them."""
from __future__ import annotations

from typing import Any, Dict

from .._proto import parse, wire
from .._proto.plugin_schema import (Category, Chart, DeviceStepStats, Experiment, FunctionGraphs,
                                    GraphDef, HParamInfo, HParamsPluginData, JsonList, JsonValue,
                                    Layout, MarginChart, MarginSeries, MeshPluginData, MetricInfo,
                                    MetricName, MultilineChart, NodeDef, NodeExecStats,
                                    RunMetadata, SessionStartInfo, StepStats, XPlane, XSpace)
from .._proto.schema import MapEntry

# The fields of a message that have to be well-formed: strings (str), or messages with fields.
Fields = Dict[int, Any]

_JSON: Fields = {JsonValue.STRING_VALUE: str}
HPARAMS: Fields = {
    HParamsPluginData.EXPERIMENT: {
        Experiment.DESCRIPTION: str, Experiment.USER: str, Experiment.NAME: str,
        Experiment.HPARAM_INFOS: {
            HParamInfo.NAME: str, HParamInfo.DISPLAY_NAME: str, HParamInfo.DESCRIPTION: str,
            HParamInfo.DOMAIN_DISCRETE: {JsonList.VALUES: _JSON}, HParamInfo.DOMAIN_INTERVAL: {}},
        Experiment.METRIC_INFOS: {
            MetricInfo.NAME: {MetricName.GROUP: str, MetricName.TAG: str},
            MetricInfo.DISPLAY_NAME: str, MetricInfo.DESCRIPTION: str}},
    HParamsPluginData.SESSION_START_INFO: {
        SessionStartInfo.HPARAMS: {MapEntry.KEY: str, MapEntry.VALUE: _JSON},
        SessionStartInfo.MODEL_URI: str, SessionStartInfo.MONITOR_URL: str,
        SessionStartInfo.GROUP_NAME: str},
    HParamsPluginData.SESSION_END_INFO: {}}
MESH: Fields = {MeshPluginData.NAME: str, MeshPluginData.JSON_CONFIG: str}
LAYOUT: Fields = {Layout.CATEGORY: {
    Category.TITLE: str,
    Category.CHART: {
        Chart.TITLE: str, Chart.MULTILINE: {MultilineChart.TAG: str},
        Chart.MARGIN: {MarginChart.SERIES: {
            MarginSeries.VALUE: str, MarginSeries.LOWER: str, MarginSeries.UPPER: str}}}}}
GRAPH: Fields = {
    GraphDef.NODE: {
        NodeDef.NAME: str, NodeDef.OP: str, NodeDef.INPUT: str, NodeDef.DEVICE: str,
        NodeDef.ATTR: {MapEntry.KEY: str, MapEntry.VALUE: {}}},
    GraphDef.LIBRARY: {}, GraphDef.VERSIONS: {}}
RUN_METADATA: Fields = {
    RunMetadata.STEP_STATS: {StepStats.DEV_STATS: {
        DeviceStepStats.DEVICE: str,
        DeviceStepStats.NODE_STATS: {
            NodeExecStats.NODE_NAME: str, NodeExecStats.TIMELINE_LABEL: str}}},
    RunMetadata.COST_GRAPH: {},
    RunMetadata.PARTITION_GRAPHS: GRAPH,
    RunMetadata.FUNCTION_GRAPHS: {FunctionGraphs.PRE_OPTIMIZATION_GRAPH: GRAPH}}
XSPACE: Fields = {
    XSpace.PLANES: {XPlane.NAME: str, XPlane.LINES: {}, XPlane.EVENT_METADATA: {},
                    XPlane.STAT_METADATA: {}},
    XSpace.ERRORS: str, XSpace.WARNINGS: str, XSpace.HOSTNAMES: str}


def walk(data: parse.Data, fields: Fields) -> None:
    """WireError where protobuf would refuse a message with these fields."""
    for number, wire_type, _, value in wire.fields(data):
        inner = fields.get(number)
        if inner is None or wire_type != wire.LENGTH:
            continue
        if inner is str:
            parse.text(value)
        else:
            walk(value, inner)
