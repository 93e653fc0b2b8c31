"""custom_scalars against TensorBoard's own Layout message, both loaders and the dashboard."""
from __future__ import annotations

import re

import pytest
from tests.support import judges
from tests.support.judges import board, both_loaders, events, http
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as their_summary
from tensorboard.util import tensor_util

from tbwriter import FileWriter, SummaryWriter, summary

LAYOUT = {"losses": {"all": ["Multiline", ["loss/.*"]],
                     "band": ["Margin", ["mean", "low", "high"]]},
          "täglich": {"two": ["Margin", [("a", "b", "c"), ("d", "e", "f")]]}}

Multiline, Margin, Chart = (layout_pb2.MultilineChartContent, layout_pb2.MarginChartContent,
                            layout_pb2.Chart)
PROTO = layout_pb2.Layout(category=[
    layout_pb2.Category(title="losses", chart=[
        Chart(title="all", multiline=Multiline(tag=["loss/.*"])),
        Chart(title="band", margin=Margin(
            series=[Margin.Series(value="mean", lower="low", upper="high")]))]),
    layout_pb2.Category(title="täglich", closed=True, chart=[
        Chart(title="two", margin=Margin(series=[
            Margin.Series(value="a", lower="b", upper="c"),
            Margin.Series(value="d", lower="e", upper="f")]))])])


def test_equals_tensorboards_own():
    """The layout is the very message that real protobuf makes; tag and plugin are those of
    tensorboard.plugins.custom_scalar.summary."""
    kind = summary.custom_scalars(LAYOUT, closed=["täglich"])
    value, = judges.values(kind)
    content = tensor_util.make_ndarray(value.tensor).item()
    assert layout_pb2.Layout.FromString(content) == PROTO
    assert value.tag == "custom_scalars__config__"
    assert value.metadata.plugin_data.plugin_name == "custom_scalars"
    assert their_summary.metadata.CONFIG_SUMMARY_TAG == value.tag


@both_loaders
def test_dashboard(tmp_path, loader):
    """The dashboard gets the layout, and the scalars that its charts ask for."""
    with FileWriter(tmp_path) as writer:
        writer.add(summary.custom_scalars(LAYOUT), step=0)
        for step in range(3):
            writer.add_scalar("loss/train", step, step)
            writer.add_scalar("loss/test", step + 0.5, step)
    events(tmp_path)
    with board(tmp_path, loader) as b:
        assert len(b.tensors("custom_scalars", ".", "custom_scalars__config__")) == 1
    with http(tmp_path, loader) as h:
        layout = h.json("custom_scalars/layout")
        first, second = layout["category"]
        assert (first["title"], second["title"]) == ("losses", "täglich")
        assert first["chart"][0] == {"title": "all", "multiline": {"tag": ["loss/.*"]}}
        assert second["chart"][0]["margin"]["series"][1] == {"value": "d", "lower": "e",
                                                             "upper": "f"}
        found = h.json("custom_scalars/scalars", run=".", tag="loss/.*")
        assert found["regex_valid"] is True
        assert [point[1:] for point in found["tag_to_events"]["loss/test"]] == \
            [[0, 0.5], [1, 1.5], [2, 2.5]]


@pytest.mark.parametrize("layout, error, message", [
    (["losses"], TypeError, "got a layout of type list"),
    ({"a": ["Multiline", ["x"]]}, TypeError, "got the category 'a' as a list"),
    ({"a": {"b": ["x"]}}, ValueError, "got the chart 'b' as ['x']"),
    ({"a": {"b": ["Pie", ["x"]]}}, ValueError, "got the form 'Pie' for the chart 'b'"),
    ({"a": {"b": ["Multiline", "x"]}}, ValueError, "got 'x' as the tags of the chart 'b'"),
    ({"a": {"b": ["Multiline", []]}}, ValueError, "at least one"),
    ({"a": {"b": ["Multiline", [1]]}}, TypeError, "got a tag of type int"),
    ({"a": {"b": ["Margin", ["x", "y"]]}}, ValueError, "want three tags"),
    ({"a": {"b": ["Multiline", ["\ud800"]]}}, ValueError, "lone surrogate"),
])
def test_bad_input(layout, error, message):
    """Mistakes raise at the call, with what was given and what is wanted."""
    with pytest.raises(error, match=re.escape(message)):
        summary.custom_scalars(layout)


def test_a_writer_keeps_no_list_of_its_caller(tmp_path):
    """A list that changes after the call changes no chart of a later layout, and no later call
    raises for it."""
    tags, margin, nested = ["a", "b"], ["m", "l", "u"], [["x", "y", "z"]]
    layout = {"given": {"one": ["Multiline", ["c"]], "two": ["Margin", nested]}}
    with SummaryWriter(tmp_path) as writer:
        writer.add_custom_scalars_multilinechart(tags, "own", "first")
        writer.add_custom_scalars_marginchart(margin, "own", "band")
        writer.add_custom_scalars(layout)
        tags[0] = "other"
        margin.clear()
        nested[0][0] = 5
        layout["given"]["one"][1].clear()
        writer.add_scalars("loss", {"train": 1.0}, 1, overlay="custom")
    message = [value.tensor.string_val[0] for event in events(tmp_path)
               for value in event.summary.value if value.tag == "custom_scalars__config__"][-1]
    last = layout_pb2.Layout.FromString(message)
    assert [(chart.title, list(chart.multiline.tag),
             [(one.value, one.lower, one.upper) for one in chart.margin.series])
            for category in last.category for chart in category.chart] == [
        ("first", ["a", "b"], []), ("band", [], [("m", "l", "u")]),
        ("one", ["c"], []), ("two", [], [("x", "y", "z")]), ("loss", ["loss/train$"], [])]


def test_three_tags_of_any_kind(tmp_path):
    """The three tags of a margin may come from an iterator, which can be read once."""
    made = summary.custom_scalars({"a": {"b": ["Margin", [iter(["x", "y", "z"])]]}})
    wanted = summary.custom_scalars({"a": {"b": ["Margin", ["x", "y", "z"]]}})
    assert made.SerializeToString() == wanted.SerializeToString()
