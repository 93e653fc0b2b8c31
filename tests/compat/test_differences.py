"""The differences from other writers that docs/migrating.md lists: what those write, what this
package writes instead, and that TensorBoard shows both."""
from __future__ import annotations

import wave
from io import BytesIO
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image, ImageSequence
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from tbwriter.compat import mxboard, tensorboard, tensorboardX, torch
from tests.support.judges import Http, board, both_loaders, http

NOISE = np.random.RandomState(0)
TORCH = ("torch.utils.tensorboard", torch)
TENSORBOARDX = ("tensorboardX", tensorboardX)
BOTH = pytest.mark.parametrize("name, ours", [TORCH, TENSORBOARDX], ids=["torch", "tensorboardX"])


def original(name: str) -> Any:
    return pytest.importorskip(name, reason=f"{name.partition('.')[0]} is not installed")


def pixels(summary: Any) -> "np.ndarray[Any, Any]":
    file = BytesIO(summary.value[0].image.encoded_image_string)
    return np.asarray(Image.open(file).convert("RGB")).astype(int)


@BOTH
def test_floats_of_pictures_are_rounded(name: str, ours: Any) -> None:
    """0.5 is 127.5 of 255: it becomes 128 here, and 127 there, where every fraction is cut off."""
    floats = np.full((3, 2, 2), 0.5, np.float32)
    theirs = original(name + ".summary").image("a", floats, dataformats="CHW")
    rounded = ours.summary.image("a", floats, dataformats="CHW")
    assert (pixels(theirs) == 127).all() and (pixels(rounded) == 128).all()


INTEGERS = ["i1", "<u2", ">i2", "i4", "u4", "i8", "u8"]


@pytest.mark.parametrize("dtype", INTEGERS)
@BOTH
def test_integers_of_pictures(name: str, ours: Any, dtype: str) -> None:
    """A mask of the integers 0 and 1 is black and white, here and there; others are from 0 to 255
    here, and there multiplied by 255."""
    mask, white = np.eye(4)[None].astype(dtype), np.eye(4)[:, :, None] * np.full(3, 255)
    for made in (ours.summary.image("a", mask, dataformats="CHW"),
                 ours.summary.image_boxes("a", mask, []), ours.summary.video("a", mask[None, None]),
                 ours.summary.image("a", mask[0].tolist(), dataformats="HW"),
                 ours.summary.image("a", [mask, mask * 0], dataformats="CHW"),
                 ours.summary.image("a", np.ma.array(mask, mask=mask == 2), dataformats="CHW")):
        assert np.array_equal(pixels(made)[:, :4], white)
    assert (pixels(ours.summary.image("a", mask ** 0, 2, "CHW")) == 255).all()
    some = mask * np.array(100, dtype)
    assert stored(ours.summary.image("a", some, dataformats="CHW")).max() == 100
    # A list is judged as a whole.
    assert stored(ours.summary.image("a", [some, mask], dataformats="CHW"))[:, 4:].max() == 1
    theirs = original(name + ".summary").image
    assert np.array_equal(pixels(theirs("a", mask, dataformats="CHW")), white)
    assert pixels(theirs("a", some, dataformats="CHW")).max() != 100


def stored(summary: Any) -> "np.ndarray[Any, Any]":
    return np.asarray(Image.open(BytesIO(summary.value[0].image.encoded_image_string))).astype(int)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_of_pictures_of_2017(dtype: str) -> None:
    """A mask is black and white, as that package multiplied all pictures by 255 but uint8. mxboard
    refuses other integers, which are from 0 to 255 in its API here."""
    mask = np.eye(4).astype(dtype)
    assert np.array_equal(stored(tensorboard.summary.image("a", mask[:, :, None])), mask * 255.0)
    assert stored(tensorboard.summary.image("a", mask.astype("u1")[:, :, None])).max() == 1
    assert stored(mxboard.summary.image_summary("a", mask)).max() == 1


@both_loaders
@pytest.mark.parametrize("ours", [torch, tensorboardX, tensorboard],
                         ids=["torch", "tensorboardX", "2017"])
def test_masks_that_writers_log(tmp_path: Path, ours: Any, loader: str) -> None:
    """All methods that take pictures show a mask of the integers 0 and 1 black and white."""
    mask = np.eye(4, dtype=int)
    with ours.SummaryWriter(str(tmp_path)) as writer:
        writer.add_embedding(np.eye(2, 3), label_img=np.stack([mask, mask])[:, None])
        if ours is tensorboard:
            writer.add_image("one", mask[..., None], 0)
        else:
            writer.add_image("one", mask[None], 0)
            writer.add_images("several", np.stack([mask, 1 - mask])[:, None], 0)
            writer.add_image_with_boxes("boxes", mask[None], [], 0)
            writer.add_video("clip", mask[None, None, None], 0)
    with board(tmp_path, loader) as seen:
        for tag in seen.tags("images"):
            (_, (_, _, file)), = seen.blobs("images", ".", tag)
            shown = np.asarray(Image.open(BytesIO(file)).convert("L"))
            assert np.array_equal(shown[:, :4], mask * 255), tag
    _, _, sprite = next(iter(projector(tmp_path).values()))
    assert sprite.max() == 255


def test_labels_are_drawn_above_the_boxes() -> None:
    """The boxes are the same pixels; a label begins at the upper left corner of its box here, and
    at the lower left one in tensorboardX."""
    grey, box = np.full((3, 60, 60), 100, np.uint8), np.array([[10, 30, 50, 50]])
    ours, theirs = (pixels(one.image_boxes("a", grey, box, labels=["cat"])) == 100
                    for one in (tensorboardX.summary, original("tensorboardX.summary")))
    assert not ours[20:28, 12:20].all() and ours[40:48, 12:20].all()
    assert theirs[20:28, 12:20].all() and not theirs[40:48, 12:20].all()


def test_runs_of_empty_buckets_are_one() -> None:
    """Buckets that hold values have the same edges and counts; those between them are one bucket
    here, and as many as there are edges in tensorboardX."""
    values, edges = np.array([0.5, 1.5, 1.7, 100.5]), np.arange(-10, 111)
    ours, theirs = (one.histogram("a", values, edges).value[0].histo
                    for one in (tensorboardX.summary, original("tensorboardX.summary")))
    filled: List[Dict[float, float]] = [
        {limit: count for limit, count in zip(histo.bucket_limit, histo.bucket) if count}
        for histo in (ours, theirs)]
    assert filled == [{1: 1, 2: 2, 101: 1}] * 2
    assert list(ours.bucket).count(0) == 1 and list(theirs.bucket).count(0) > 90


def test_samples_of_sounds() -> None:
    """Floats become the nearest of +-32767; tensorboardX cuts off the fraction of +-32768."""
    pytest.importorskip("soundfile", reason="soundfile is not installed")
    sound = NOISE.uniform(-1, 1, 2000).astype(np.float32)
    ours, theirs = (samples(one.audio("a", sound, 8000).value[0].audio.encoded_audio_string)
                    for one in (tensorboardX.summary, original("tensorboardX.summary")))
    assert np.array_equal(ours, np.rint(sound * np.float32(32767)))
    assert 1 <= np.abs(ours - theirs).max() <= 2


def samples(file: bytes) -> "np.ndarray[Any, Any]":
    with wave.open(BytesIO(file)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(int)


@both_loaders
def test_series_of_a_mesh(tmp_path: Path, loader: str) -> None:
    """They end in _VERTEX, _FACE and _COLOR here and in torch, in numbers in tensorboardX; the
    dashboard shows the same meshes."""
    points, faces = NOISE.rand(1, 4, 3).astype(np.float32), np.array([[[0, 1, 2], [1, 2, 3]]])
    for name, module in (("ours", tensorboardX), ("theirs", original("tensorboardX"))):
        with module.SummaryWriter(str(tmp_path / name)) as writer:
            writer.add_mesh("mesh", points, np.full((1, 4, 3), 7), faces, global_step=2)
    with board(tmp_path, loader) as seen:
        assert set(seen.tags("mesh", "ours")) == {"mesh_VERTEX", "mesh_FACE", "mesh_COLOR"}
        assert set(seen.tags("mesh", "theirs")) == {"mesh_1", "mesh_2", "mesh_3"}
    with http(tmp_path, loader) as page:
        for content in ("VERTEX", "FACE", "COLOR"):
            ours, theirs = (page.bytes("mesh/data", run=run, tag="mesh", sample=0, step=2,
                                       content_type=content)
                            for run in ("ours", "theirs"))
            assert ours == theirs and ours


def test_embeddings(tmp_path: Path) -> None:
    """Names, points and pictures are tensorboardX's, also without a step and when one is written
    again. Labels that are tensors become numbers."""
    real_torch = original("torch")
    points = NOISE.rand(6, 3).astype(np.float32)
    labels, pictures = real_torch.arange(6), real_torch.rand(6, 1, 4, 4)
    found = {}
    for name, module in (("ours", tensorboardX), ("theirs", original("tensorboardX"))):
        with module.SummaryWriter(str(tmp_path / name)) as writer:
            writer.add_embedding(points, labels, pictures, 3, "a")
            writer.add_embedding(points, tag="no step")
            writer.add_embedding(points + 1, tag="later")
            if module is tensorboardX:
                writer.add_embedding(points + 2, tag="later")
        found[name] = projector(tmp_path / name)
    ours, theirs = found["ours"], found["theirs"]
    assert list(ours) == list(theirs) == ["a:00003", "no step:00000", "later:00000"]
    assert np.array_equal(ours["later:00000"][0], points + 2)
    assert np.array_equal(ours["a:00003"][0], points) and np.allclose(theirs["a:00003"][0], points)
    assert ours["a:00003"][1].split() == [str(label) for label in range(6)]
    assert theirs["a:00003"][1].split() == [f"tensor({label})" for label in range(6)]
    one, other = ours["a:00003"][2], theirs["a:00003"][2]
    assert one.shape == other[:one.shape[0]].shape
    assert np.abs(one - other[:one.shape[0]]).max() <= 1 and not other[one.shape[0]:].any()


def projector(logdir: Path) -> Dict[str, Any]:
    """{name: (points, labels, the picture of all pictures)}"""
    config = text_format.Parse((logdir / "projector_config.pbtxt").read_text(), ProjectorConfig())
    return {item.tensor_name: (
        np.fromfile(logdir / item.tensor_path, "<f4").reshape(item.tensor_shape)
        if item.tensor_path.endswith(".bytes") else np.loadtxt(logdir / item.tensor_path),
        (logdir / item.metadata_path).read_text() if item.metadata_path else "",
        np.asarray(Image.open(logdir / item.sprite.image_path).convert("L")).astype(int)
        if item.sprite.image_path else None) for item in config.embeddings}


@both_loaders
def test_pictures_of_mxboard(tmp_path: Path, loader: str) -> None:
    """The pictures of a batch stand two pixels apart; mxboard draws two around the grid, too.
    Floats are rounded: mxboard makes 127 of 0.5."""
    assert (pixels(mxboard.summary.image_summary("a", np.full((3, 2, 2), 0.5))) == 128).all()
    batch = NOISE.randint(1, 256, (4, 3, 5, 6)).astype(np.uint8)
    with mxboard.SummaryWriter(str(tmp_path)) as writer:
        writer.add_image("batch", batch, 0)
    with board(tmp_path, loader) as seen:
        (_, (_, _, file)), = seen.blobs("images", ".", "batch")
    grid = np.asarray(Image.open(BytesIO(file)).convert("RGB"))
    assert grid.shape == (5, 4 * 6 + 3 * 2, 3)
    assert all(np.array_equal(grid[:, 8 * at:8 * at + 6], one.transpose(1, 2, 0))
               for at, one in enumerate(batch))


def test_nodes_of_graphs() -> None:
    """The modules are torch's. A node is named by its operation, and has no nodes for constants."""
    real_torch, their = original("torch"), original("torch.utils.tensorboard._pytorch_graph")
    from tbwriter.torch import nodes  # torch is not installed everywhere

    model = real_torch.nn.Sequential(real_torch.nn.Conv2d(1, 2, 3), real_torch.nn.ReLU())
    given = real_torch.zeros(1, 1, 5, 5)
    theirs = {node.name: node.op for node in their.graph(model, given)[0].node}
    ours = {node.name: node.op for node in nodes(model, given)}
    modules = ["Sequential/Conv2d[0]", "Sequential/ReLU[1]"]
    for names in (ours, theirs):
        assert sorted({"/".join(name.split("/")[:2]) for name in names
                       if name.startswith("Sequential/")}) == modules
    assert "Sequential/ReLU[1]/relu" in ours and "prim::Constant" not in ours.values()
    assert "prim::Constant" in theirs.values()


@both_loaders
def test_page_of_hyperparameters(tmp_path: Path, loader: str) -> None:
    """Columns and rows of all trials are torch's. Opened alone, a trial's own directory has its
    metrics in torch's only, which repeats the columns in each trial."""
    for name, module in (("ours", torch), ("theirs", original("torch.utils.tensorboard"))):
        with module.SummaryWriter(str(tmp_path / name)) as writer:
            for trial in range(3):
                writer.add_hparams({"rate": 0.1 * trial, "net": "abc"[trial]},
                                   {"accuracy": trial / 2}, run_name=f"trial{trial}")
    pages = {}
    for part in ("ours", "theirs", "ours/trial1", "theirs/trial1"):
        with http(tmp_path / part, loader) as page:
            pages[part] = rows(page)
    assert pages["ours"] == pages["theirs"] == [
        ({"net": "abc"[trial], "rate": 0.1 * trial}, [("accuracy", trial / 2)])
        for trial in range(3)]
    assert pages["theirs/trial1"] == pages["theirs"][1:2]
    assert pages["ours/trial1"] == [(pages["theirs"][1][0], [])]


def rows(page: Http) -> List[Any]:
    """[({hyperparameter: value}, [(metric, value)])] of the dashboard, in its columns."""
    experiment = page.post("hparams/experiment", json={"experimentName": ""})
    columns: List[Dict[str, Any]] = [
        {"hparam": info["name"], "includeInResult": True} for info in experiment["hparamInfos"]]
    columns += [{"metric": info["name"], "includeInResult": True}
                for info in experiment["metricInfos"]]
    answer = page.post("hparams/session_groups", json={
        "experimentName": "", "startIndex": 0, "sliceSize": 100, "colParams": columns,
        "allowedStatuses": ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE",
                            "STATUS_RUNNING"]})
    return sorted(((group["hparams"], [(metric["name"]["tag"], metric["value"])
                                       for metric in group["metricValues"]])
                   for group in answer["sessionGroups"]), key=lambda row: str(row[0]["net"]))


@both_loaders
@BOTH
def test_a_curve_of_one_threshold(tmp_path: Path, name: str, ours: Any, loader: str) -> None:
    """num_thresholds=1 is one threshold, 0, as in tensorboardX."""
    for folder, module in (("ours", ours), ("theirs", original(name))):
        with module.SummaryWriter(str(tmp_path / folder)) as writer:
            writer.add_pr_curve("pr", np.array([0, 1, 1]), np.array([0.2, 0.4, 0.9]), 3, 1)
    with board(tmp_path, loader) as seen:
        (step, one), = seen.tensors("pr_curves", "ours", "pr")
        (_, other), = seen.tensors("pr_curves", "theirs", "pr")
    assert step == 3 and one.shape == (6, 1) and np.allclose(one, other)


def test_frames_that_are_alike() -> None:
    """Frames like the one before them are one frame, shown for as long."""
    frames = np.zeros((1, 4, 3, 8, 8), np.uint8)
    frames[:, 1:] = 200
    clip = tensorboardX.summary.video("a", frames, 4).value[0].image.encoded_image_string
    with Image.open(BytesIO(clip)) as shown:
        assert [frame.info["duration"] for frame in ImageSequence.Iterator(shown)] == [250, 750]


@both_loaders
@BOTH
def test_texts_are_shown_as_they_are(tmp_path: Path, name: str, ours: Any, loader: str) -> None:
    """A text is shown as it is; those of torch and tensorboardX, arrays of one, in a table."""
    for folder, module in (("ours", ours), ("theirs", original(name))):
        with module.SummaryWriter(str(tmp_path / folder)) as writer:
            writer.add_text("note", "*so*", 3)
    with http(tmp_path, loader) as page:
        tag = "note/text_summary"
        (mine,), (their,) = (page.json("text/text", run=run, tag=tag) for run in ("ours", "theirs"))
    assert mine["text"] == "<p><em>so</em></p>" and mine["step"] == their["step"] == 3
    assert their["text"].startswith("<table>") and mine["text"] in their["text"]


def test_summaries_of_torch_and_of_this_one() -> None:
    """The fields with the values are the same. Here `metadata` names the dashboard too, and a
    scalar is `simple_value` with `new_style=True`."""
    theirs = original("torch.utils.tensorboard.summary")
    values = NOISE.rand(100)
    for made, wanted in ((torch.summary.scalar("a", 0.5, new_style=True), theirs.scalar("a", 0.5)),
                         (torch.summary.histogram_raw("a", 0, 1, 2, 1, 1, [0.5, 1], [1, 1]),
                          theirs.histogram_raw("a", 0, 1, 2, 1, 1, [0.5, 1], [1, 1])),
                         (torch.summary.image("a", values.reshape(1, 10, 10), dataformats="CHW"),
                          theirs.image("a", values.reshape(1, 10, 10), dataformats="CHW"))):
        ours, their = made.value[0], wanted.value[0]
        kind = their.WhichOneof("value")
        assert ours.tag == their.tag and not their.HasField("metadata")
        assert made == torch.summary.scalar("a", 0.5) if kind == "simple_value" else \
            ours.metadata.plugin_data.plugin_name in ("histograms", "images")
        assert ours.HasField(kind) and (kind != "histo" or ours.histo == their.histo)


@both_loaders
def test_nodes_of_mxboards_graphs(tmp_path: Path, loader: str) -> None:
    """Operators have mxboard's names, types and inputs, without the box `fc1/fc1` around each. A
    weight is `fc1/weight`, of type Parameter, where mxboard's is `fc1/fc1_weight`, of type null."""
    mx = pytest.importorskip("mxnet", reason="MXNet is not installed")
    net = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=10, name="fc1")
    net = mx.sym.SoftmaxOutput(mx.sym.Activation(net, act_type="relu", name="relu1"), name="soft")
    with mxboard.SummaryWriter(str(tmp_path)) as writer:
        writer.add_graph(net)
    with http(tmp_path, loader) as page:
        drawn = text_format.Parse(page.bytes("graphs/graph", run=".").decode(), GraphDef())
    assert {node.name: (node.op, list(node.input)) for node in drawn.node} == {
        "data": ("Input", []), "fc1/weight": ("Parameter", []), "fc1/bias": ("Parameter", []),
        "fc1": ("FullyConnected", ["data", "fc1/weight", "fc1/bias"]),
        "relu1": ("Activation", ["fc1"]), "soft_label": ("Input", []),
        "soft": ("SoftmaxOutput", ["relu1", "soft_label"]), "soft_output": ("Output", ["soft"])}


def test_embeddings_of_mxboard_and_2017(tmp_path: Path) -> None:
    """The projector shows the names of the original: mxboard's `tag` or `tag_000007`, `tag:00000`
    of the others. The files are there when the call returns."""
    points = NOISE.rand(6, 3).astype(np.float32)
    names: Dict[str, List[str]] = {}
    for module in (mxboard, tensorboard, tensorboardX, torch):
        folder = tmp_path / module.__name__
        writer = module.SummaryWriter(str(folder))
        if module is mxboard:
            writer.add_embedding(tag="codes", embedding=points, labels=np.arange(6), global_step=7)
            writer.add_embedding(tag="plain", embedding=points)
        else:
            writer.add_embedding(points, list("abcdef"), None, 7, "codes")
            writer.add_embedding(points, tag="plain")
        names[module.__name__.rpartition(".")[2]] = list(projector(folder))
        assert (folder / "embeddings").is_dir()
        writer.close()
    assert names.pop("mxboard") == ["codes_000007", "plain"]
    assert set(map(tuple, names.values())) == {("codes:00007", "plain:00000")}


def test_curves_of_mxboard_are_there_at_once(tmp_path: Path) -> None:
    """The run of a curve is on disk when the first call with its name returns. Texts are in the
    event file alone."""
    writer = mxboard.SummaryWriter(str(tmp_path))
    writer.add_scalar("loss", ("train", 0.5), 0)
    writer.add_scalar("loss", {"test": 0.5, "train": 0.4}, 1)
    assert sorted(one.parent.name for one in tmp_path.rglob("*tfevents*")) == ["test", "train"]
    writer.add_text("note", "*so*")
    writer.close()
    assert not (tmp_path / "plugins").exists() and len(list(tmp_path.glob("*tfevents*"))) == 1
