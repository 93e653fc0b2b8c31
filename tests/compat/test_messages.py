"""Summaries that can be read: what their `value` says is what protobuf reads in the same bytes."""
from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from google.protobuf import __version__ as protobuf_version
from google.protobuf import text_format
from google.protobuf.internal import api_implementation
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util

from tbwriter.compat import _messages, mxboard, tensorboard, tensorboardX, torch
from tbwriter.compat._messages import Message
from tbwriter._values.lookup import default_edges
from tests.support.judges import events, values as real

NOISE = np.random.RandomState(0)


SUMMARIES = [
    torch.summary.scalar("loss", 0.5),
    torch.summary.histogram("weights", NOISE.randn(100), "tensorflow"),
    torch.summary.image("grid", NOISE.rand(2, 3, 4, 5)),
    torch.summary.audio("sound", NOISE.uniform(-1, 1, 50), 8000),
    torch.summary.text("notes", "**bold**"),
    torch.summary.tensor_proto("array", np.arange(6.0, dtype=np.float32).reshape(2, 3)),
    torch.summary.pr_curve("pr", [0, 1, 1], [0.2, 0.4, 0.9], 5),
    torch.summary.mesh("mesh", NOISE.rand(1, 4, 3), None, None, None),
    *torch.summary.hparams({"rate": 0.1}, {"loss": 1.0}),
    tensorboardX.summary.scalar("loss", 1, "Loss", "of *all*"),
    tensorboardX.summary.video("clip", NOISE.rand(1, 3, 3, 8, 8)),
    mxboard.summary.scalar_summary("loss", 2),
    tensorboard.summary.image(tag="picture", tensor=np.zeros((28, 28, 1), np.uint8)),
]


@pytest.mark.parametrize("summary", SUMMARIES, ids=lambda one: one.tags[0])
def test_values(summary: Any) -> None:
    """Every field that protobuf has in these messages, `value` has, with the same value."""
    assert len(summary.value) == len(real(summary)) > 0
    for ours, theirs in zip(summary.value, real(summary)):
        assert_same(ours, theirs)


def assert_same(ours: Any, theirs: Any) -> None:
    for field in theirs.DESCRIPTOR.fields:
        if not hasattr(ours, field.name):
            assert not theirs.ListFields() or field not in dict(theirs.ListFields()), field.name
            continue
        one, other = getattr(ours, field.name), getattr(theirs, field.name)
        if field.name.endswith("_val") and not len(other) and len(one):
            # Ours also reads the numbers that are kept as bytes.
            assert one == tensor_util.make_ndarray(theirs).ravel().tolist()
        elif field.message_type is not None and hasattr(other, "ListFields"):
            assert_same(one, other)
        elif field.message_type is not None:
            assert len(one) == len(other)
            for item, its in zip(one, other):
                assert_same(item, its)
        elif hasattr(other, "__len__") and not isinstance(other, (str, bytes)):
            assert list(one) == list(other)
        else:
            assert one == other and type(one) is type(other)


@pytest.mark.parametrize("summary", SUMMARIES, ids=lambda one: one.tags[0])
def test_text(summary: Any) -> None:
    """Printed, a Summary is in protobuf's text format, which protobuf reads as the same message."""
    for one, wanted in ((summary, summary_pb2.Summary(value=real(summary))),
                        (summary.value[0], real(summary)[0])):
        assert text_format.Parse(str(one), type(wanted)()) == wanted and repr(one) == str(one)


def test_text_as_protobuf_prints_it() -> None:
    """A line for each field, indented by the message that it is in: types by their names, numbers
    in as few digits as distinguish them, no zeros except that of a scalar."""
    data = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="a", simple_value=0.5)])
    made = Message(data.SerializeToString(), _messages._SUMMARY)
    assert str(made) == str(data) == 'value {\n  tag: "a"\n  simple_value: 0.5\n}\n'
    if api_implementation.Type() != "upb" or int(protobuf_version.partition(".")[0]) < 6:
        pytest.skip("older protobuf prints 1.0, or quotes without a backslash")
    for number in (0.0, 1.0, 1 / 3, 1e-9, 16777217.0, 3e38, float("nan"), float("-inf")):
        data.value.add(tag='\t"é\n', simple_value=number)
        data.value.add(histo=summary_pb2.HistogramProto(sum=number, bucket=[number, 0.1]))
    data.value.add(tensor=tensor_util.make_tensor_proto(np.array([True])))
    data.value[-1].tensor.bool_val.extend([False, True])
    made = Message(data.SerializeToString(), _messages._SUMMARY)
    assert str(made) == str(data)
    for summary in SUMMARIES:
        assert str(summary) == str(summary_pb2.Summary(value=real(summary)))


def test_half_values() -> None:
    """`half_val` holds what `int_to_half` reads, as in torch; the file holds float16."""
    summary = torch.summary.tensor_proto("array", np.array([1.0, -0.5, 3.0], np.float16))
    tensor = summary.value[0].tensor
    assert [torch.summary.int_to_half(one) for one in tensor.half_val] == [1.0, -0.5, 3.0]
    assert tensor_util.make_ndarray(real(summary)[0].tensor).tolist() == [1.0, -0.5, 3.0]
    assert tensor.float_val == [] and torch.summary.scalar("a", 1).value[0].tensor.half_val == []


@pytest.mark.parametrize("kind, name", [
    (np.uint32, "uint32_val"), (np.uint64, "uint64_val"), (np.complex128, "dcomplex_val"),
    (np.complex64, "scomplex_val"), (np.bool_, "bool_val"), (np.int16, "int_val")])
def test_values_of_tensors(kind: Any, name: str) -> None:
    """Each field of a TensorProto that lists numbers can be read."""
    summary = torch.summary.tensor_proto("array", np.array([0, 1, 1], kind))
    parts = [0, 0, 1, 0, 1, 0] if "complex" in name else [0, 1, 1]
    assert getattr(summary.value[0].tensor, name) == parts


@pytest.mark.parametrize("bins", ["auto", "fd", "doane", "tensorflow", 10, 11, [0, 3, 5, 9, 12]])
@pytest.mark.parametrize("max_bins", [1, 3, 5, 100])
def test_joined_buckets(bins: Any, max_bins: int) -> None:
    """With max_bins=, the buckets with values in them are those of tensorboardX."""
    their = pytest.importorskip("tensorboardX.summary", reason="tensorboardX is not installed")
    for values in (np.arange(1024.0), NOISE.randn(5000), np.array([1, 2, 2, 11])):
        if isinstance(bins, list):
            values = np.clip(values, 0, 12)  # beyond the edges it counts nothing
        made = torch.summary.make_histogram(values, bins, max_bins)
        edges = default_edges()[1:-1] if bins == "tensorflow" else bins
        wanted = their.make_histogram(values, edges, max_bins)
        assert [(limit, count) for limit, count in zip(made.bucket_limit, made.bucket) if count] \
            == [(limit, count) for limit, count in zip(wanted.bucket_limit, wanted.bucket) if count]


def test_no_empty_bucket_before_the_first() -> None:
    """tensorboardX begins with an empty bucket up to the first edge; here the first one has
    values, and TensorBoard lets it begin at the smallest of them."""
    their = pytest.importorskip("tensorboardX.summary", reason="tensorboardX is not installed")
    values = np.array([1.0, 2.0, 2.5])
    ours, theirs = (one.make_histogram(values, 3) for one in (torch.summary, their))
    assert list(theirs.bucket) == [0, 1, 0, 2] and list(ours.bucket) == [1, 0, 2]
    assert list(theirs.bucket_limit) == [1, *ours.bucket_limit] and ours.min == 1


def test_forms_of_the_same_values() -> None:
    """A grey picture has one channel, and the pixels that tensorboardX has in three."""
    their = pytest.importorskip("tensorboardX.summary", reason="tensorboardX is not installed")
    grey = NOISE.randint(0, 256, (1, 8, 9)).astype(np.uint8)
    ours, theirs = (one.image("a", grey, dataformats="CHW").value[0].image
                    for one in (torch.summary, their))
    assert (ours.colorspace, theirs.colorspace) == (1, 3)
    one, other = (np.asarray(Image.open(BytesIO(image.encoded_image_string)).convert("RGB"))
                  for image in (ours, theirs))
    assert np.array_equal(one, other)


def test_bfloat16() -> None:
    """It becomes float32, which holds it exactly."""
    real_torch = pytest.importorskip("torch", reason="torch is not installed")
    array = real_torch.tensor([1.0, -0.5], dtype=real_torch.bfloat16)
    tensor = torch.summary.tensor_proto("a", array).value[0].tensor
    assert tensor.dtype == 1 and tensor.float_val == [1.0, -0.5]


def test_fields_that_are_not_set() -> None:
    """They are empty, and HasField is False; a name that is not a field raises AttributeError."""
    value, = torch.summary.scalar("loss", 0.5).value
    assert value.HasField("simple_value") and not value.HasField("image")
    assert value.image.height == 0 and value.histo.bucket == [] and value.node_name == ""
    with pytest.raises(AttributeError, match="no field 'colour'"):
        value.colour


def test_what_was_read_is_what_is_written(tmp_path: Any) -> None:
    """A Summary that was read is written with the same bytes, and once: GIFs and histograms are
    encoded only one time."""
    summary = torch.summary.video("clip", NOISE.rand(1, 3, 3, 8, 8))
    picture = summary.value[0].image.encoded_image_string
    with torch.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(summary, 3)
        writer.add_summary(summary, 4)
    first, second = events(tmp_path)[1:]
    assert [first.step, second.step] == [3, 4]
    assert first.summary.SerializeToString() == second.summary.SerializeToString()
    assert first.summary.value[0].image.encoded_image_string == picture
    assert len(list(Image.open(BytesIO(picture)).size)) == 2


def test_equal() -> None:
    """Summaries are equal where their bytes are, also to one of protobuf's."""
    assert torch.summary.scalar("a", 1) == torch.summary.scalar("a", 1.0)
    assert torch.summary.scalar("a", 1) != torch.summary.scalar("a", 2)
    value = summary_pb2.Summary.Value(tag="a", simple_value=1.0)
    assert torch.summary.scalar("a", 1) == summary_pb2.Summary(value=[value])
    assert torch.summary.scalar("a", 1) != "a"
    white = np.full((1, 1, 3), 255, np.uint8)
    assert tensorboardX.summary.image("", white, dataformats="HWC") == \
        tensorboardX.summary.image("", white / 255.0, dataformats="HWC")


def test_parsing() -> None:
    """`tensorboard.src.summary_pb2.Summary` of 2017 parses what was serialized; ValueError for
    anything else."""
    from tbwriter.compat.tensorboard.src import summary_pb2 as ours
    found = ours.Summary()
    found.ParseFromString(tensorboard.summary.scalar("loss", 0.25).SerializeToString())
    assert [(value.tag, value.simple_value) for value in found.value] == [("loss", 0.25)]
    assert found.tags == ("loss",)
    with pytest.raises(ValueError):
        found.ParseFromString(b"\xff\xff")


def test_three_summaries() -> None:
    """hparams gives the columns, the start and the end of a trial, as the plugin reads them."""
    experiment, start, end = torch.summary.hparams({"rate": 0.1, "bold": True, "name": "x"},
                                                   {"loss": 1.0}, {"rate": [0.1, 0.2]})
    kinds = ["experiment", "session_start_info", "session_end_info"]
    for summary, kind in zip((experiment, start, end), kinds):
        content = real(summary)[0].metadata.plugin_data.content
        data = plugin_data_pb2.HParamsPluginData.FromString(content)
        assert data.WhichOneof("data") == kind and summary.value[0].tag.startswith("_hparams_/")
        if kind == "experiment":
            assert [info.name for info in data.experiment.hparam_infos] == ["rate", "bold", "name"]
            assert [info.name.tag for info in data.experiment.metric_infos] == ["loss"]
            assert [number.number_value for number in
                    data.experiment.hparam_infos[0].domain_discrete.values] == [0.1, 0.2]
        if kind == "session_start_info":
            assert data.session_start_info.hparams["bold"].bool_value is True
    for wrong in ((None, {}), ({}, None), ({}, {}, {"rate": [1]})):
        with pytest.raises(TypeError):
            torch.summary.hparams(*wrong)


def test_parts_of_summaries() -> None:
    """make_histogram, make_image, make_video and compute_curve give what a Summary holds;
    draw_boxes draws on a picture of Pillow."""
    for module in (torch.summary, tensorboardX.summary):
        assert module.make_histogram(np.arange(10.0), 5).num == 10
        picture = np.zeros((20, 30, 3), np.uint8)
        assert (module.make_image(picture).width, module.make_image(picture).height) == (30, 20)
        boxed = module.make_image(picture, rescale=2, rois=np.array([[2, 2, 9, 9]]))
        pixels = np.asarray(Image.open(BytesIO(boxed.encoded_image_string)))
        assert pixels.shape[:2] == (40, 60) and tuple(pixels[4, 10, :3]) == (255, 0, 0)
        assert module.make_image(picture, rescale=0.5).width == 15
        assert module.make_video(NOISE.rand(4, 8, 8, 3), 4).encoded_image_string[:3] == b"GIF"
        curve = module.compute_curve(np.array([0, 1, 1]), np.array([0.1, 0.4, 0.9]), 5)
        assert curve.shape == (6, 5) and curve[0].tolist() == [2, 2, 1, 1, 0]
        drawn = module.draw_boxes(Image.new("RGB", (30, 20)), np.array([[2, 2, 9, 9]]))
        assert drawn.size == (30, 20) and drawn.getpixel((2, 5))[:3] == (255, 0, 0)


def test_halves() -> None:
    """half_to_int and int_to_half are inverse, and read the bits of a float32."""
    assert torch.summary.half_to_int(1.0) == 0x3F800000
    assert torch.summary.int_to_half(torch.summary.half_to_int(0.5)) == 0.5


def test_events_keep_their_summaries(tmp_path: Any) -> None:
    """add_event and add_summary take messages of protobuf and bytes, in all four APIs."""
    value = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="a", simple_value=1.0)])
    for number, module in enumerate((torch, tensorboardX, mxboard.writer, tensorboard)):
        writer = module.FileWriter(str(tmp_path / str(number)))
        writer.add_summary(value, 1)
        writer.add_summary(value.SerializeToString(), 2)
        writer.add_event(event_pb2.Event(summary=value, step=3, wall_time=9.0))
        writer.flush()
        writer.close()
        found = events(tmp_path / str(number))[1:]
        assert [event.step for event in found] == [1, 2, 3]
        assert all(event.summary == value for event in found)
        assert writer.get_logdir() == str(tmp_path / str(number))
