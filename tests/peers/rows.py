"""The rows of the feature tables: what is asked of each writer, and what makes the answer a yes.

A row has parts. Each names the method of `asked.Writer` that asks, and a judge below looks at what
came of it: in stock TensorBoard, with both of its loaders, or in the files. The writer has the
feature if all parts are right, and has it partly if some are.
"""
from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Tuple

from tests.peers import given
import numpy as np
from google.protobuf import text_format
from tests.support.judges import Board, events
from PIL import Image, ImageSequence
from tests.profile.messages import events_of, parsed
from tests.peers.served import Plugin, embedding as projected
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import config_pb2, graph_pb2
from tensorboard.plugins.custom_scalar import custom_scalars_plugin
from tensorboard.plugins.graph import graphs_plugin
from tensorboard.plugins.hparams import hparams_plugin
from tensorboard.util import tensor_util

Judge = Callable[..., None]
STATUSES = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]


class Part(NamedTuple):
    """One question.

    name: in words, where a row has several. ask: the method, or the scenario of a fault.
    judge: a function below. args: for both; wanted: for the judge alone. alone: in a process of its
    own, without the packages that are named. fault: a scenario of `faults`, with so many seconds to
    end.
    """

    name: str
    ask: str
    judge: Judge
    args: Tuple[Any, ...] = ()
    wanted: Tuple[Any, ...] = ()
    alone: Tuple[str, ...] = ()
    fault: int = 0


class Shown(NamedTuple):
    """The result of one part: its log directory, the values in the loader, and the answer."""

    logdir: Path
    board: Board
    said: Any

    def plugin(self, kind: Any) -> Plugin:
        return Plugin(kind, self.logdir, self.board._data)

    def tags(self, plugin: str) -> Dict[str, Any]:
        """{tag: its time series} of the only run that has any."""
        found = [(run, self.board.tags(plugin, run)) for run in self.board.runs()]
        (_, tags), = [one for one in found if one[1]]
        return tags

    def blobs(self, plugin: str, tag: str = "tag") -> List[bytes]:
        """The pictures or clips of the only step."""
        (_, blobs), = self.board.blobs(plugin, ".", tag)
        return blobs[2:] if plugin == "images" else blobs

    def tensors(self, plugin: str) -> List[Any]:
        """Those of all tags of the log directory's own run."""
        return [array for tag in self.tags(plugin)
                for _, array in self.board.tensors(plugin, ".", tag)]


def once(judge: Judge) -> Judge:
    """It looks at files, so one loader or the other makes no difference."""
    judge.once = True  # type: ignore[attr-defined]
    return judge


def is_curve(shown: Shown) -> None:
    """Every step has its value."""
    for tag in ("python", "numpy"):
        points = shown.board.scalars(".", tag)
        assert [step for step, _ in points] == list(range(5))
        np.testing.assert_allclose([value for _, value in points], given.CURVE, rtol=1e-6)


def is_described(shown: Shown) -> None:
    """The dashboard gets the text."""
    assert shown.tags("scalars")["tag"].description == given.DESCRIPTION


def is_histogram(shown: Shown) -> None:
    """Buckets hold all values, where they lie."""
    (step, buckets), = shown.board.tensors("histograms", ".", "tag")
    assert step == 3 and buckets[:, 2].sum() == len(given.VALUES)
    below = buckets[buckets[:, 1] <= 0.001, 2].sum()
    assert 48 <= below <= 53


def _rgba(pixels: Any) -> Any:
    """(height, width, 1 to 4) as Pillow has them in four channels."""
    mode = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
    return np.asarray(Image.fromarray(mode).convert("RGBA"))


def _pixels(file: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGBA"))


def _holds(large: Any, small: Any) -> bool:
    height, width = small.shape[:2]
    return any(np.array_equal(large[top:top + height, left:left + width], small)
               for top in range(large.shape[0] - height + 1)
               for left in range(large.shape[1] - width + 1))


def is_picture(shown: Shown, layout: str, channels: int) -> None:
    """The pixels are the same; of a batch one picture is somewhere in what is shown."""
    files = shown.blobs("images")
    wanted = _rgba(given.picture(channels))
    if "N" in layout:
        assert any(_holds(_pixels(file), wanted) for file in files)
    else:
        np.testing.assert_array_equal(_pixels(files[0]), wanted)


def has_channels(shown: Shown, channels: int) -> None:
    """The same, alone and in a batch."""
    is_picture(shown, "N", channels)


def is_grid(shown: Shown) -> None:
    """One picture holds all four."""
    file, = shown.blobs("images")
    assert all(_holds(_pixels(file), _rgba(pixels)) for pixels in given.several())


def are_samples(shown: Shown) -> None:
    """All four stand side by side."""
    files = shown.blobs("images")
    assert len(files) > 1, "one picture"
    assert all(np.array_equal(_pixels(file), _rgba(pixels))
               for file, pixels in zip(files, given.several()))


def is_deep(shown: Shown, channels: int) -> None:
    """Grey is exact; of colours Pillow gives the higher byte."""
    file, = shown.blobs("images")
    assert file[:8] == b"\x89PNG\r\n\x1a\n" and file[24] == 16, f"{file[24]} bits a channel"
    pixels, wanted = np.asarray(Image.open(io.BytesIO(file))), given.deep(channels)
    if channels == 1:
        np.testing.assert_array_equal(pixels, wanted[:, :, 0])
    else:
        assert abs(pixels.astype(int) - (wanted >> 8)).max() <= 1


def is_file(shown: Shown, kind: str) -> None:
    """It is served byte for byte."""
    assert shown.blobs("images") == [given.file(kind)]


def has_box(shown: Shown) -> None:
    """Its sides are coloured, what lies inside and outside is not."""
    pixels = _pixels(shown.blobs("images")[0])[:, :, :3].any(axis=2)
    left, top, right, bottom = given.BOX
    for x in (left, right):
        assert pixels[top + 2:bottom - 2, x - 1:x + 2].any(axis=1).all()
    for y in (top, bottom):
        assert pixels[y - 1:y + 2, left + 2:right - 2].any(axis=0).all()
    assert not pixels[top + 4:bottom - 4, left + 4:right - 4].any()
    assert not pixels[:, :left - 3].any() and not pixels[:, right + 4:].any()


def is_drawn(shown: Shown) -> None:
    """A picture of some size and some colours."""
    pixels = _pixels(shown.blobs("images")[0])
    assert min(pixels.shape[:2]) > 100 and len(np.unique(pixels.reshape(-1, 4), axis=0)) > 3


def is_video(shown: Shown, helper: str) -> None:
    """Every frame has its colour, as far as 256 colours do."""
    frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(
        Image.open(io.BytesIO(shown.blobs("images")[0])))]
    assert len(frames) == len(given.FRAMES)
    for frame, color in zip(frames, given.FRAMES):
        assert abs(frame.reshape(-1, 3).mean(axis=0) - color).max() < 10


def _heard(file: bytes) -> Any:
    """(samples, channels) from -1 to 1."""
    with wave.open(io.BytesIO(file)) as sound:
        assert (sound.getframerate(), sound.getsampwidth()) == (given.RATE, 2)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        return samples.reshape(-1, sound.getnchannels()) / 32767


def is_sound(shown: Shown, helper: str) -> None:
    """One clip, sample for sample."""
    _are_sounds(shown, [given.SOUND[:, None]])


def is_stereo(shown: Shown) -> None:
    """Both channels."""
    _are_sounds(shown, [given.STEREO])


def are_clips(shown: Shown) -> None:
    """Both clips."""
    _are_sounds(shown, [given.SOUND[:, None], -given.SOUND[:, None]])


def _are_sounds(shown: Shown, wanted: List[Any]) -> None:
    files = shown.blobs("audio")
    assert len(files) == len(wanted)
    for file, sound in zip(files, wanted):
        np.testing.assert_allclose(_heard(file), sound, atol=2 / 32767)


def is_text(shown: Shown) -> None:
    """Also under its tag, or a name that begins so."""
    assert all(tag.startswith("tag") for tag in shown.tags("text")), set(shown.tags("text"))
    assert shown.tensors("text")[0].reshape(-1)[0] == given.TEXT.encode()


def is_table(shown: Shown) -> None:
    """Rows and columns are kept."""
    assert shown.tensors("text")[0].tolist() == [[cell.encode() for cell in row]
                                                 for row in given.TABLE]


def is_pr_curve(shown: Shown, thresholds: int) -> None:
    """True and false positives at each threshold are those that counting gives."""
    array, = shown.tensors("pr_curves")
    assert array.shape == (6, thresholds), f"{array.shape[1]} thresholds"
    over = given.PREDICTIONS[None] >= np.linspace(0, 1, thresholds)[:, None]
    np.testing.assert_array_equal(array[0], (over & given.LABELS).sum(axis=1))
    np.testing.assert_array_equal(array[1], (over & ~given.LABELS).sum(axis=1))


def is_pr_curve_raw(shown: Shown) -> None:
    """All six rows are kept."""
    np.testing.assert_allclose(shown.tensors("pr_curves")[0], given.COUNTS, rtol=1e-6)


def is_mesh(shown: Shown, kind: str) -> None:
    """Points and what was given with them are kept."""
    wanted: Dict[str, Any] = {"points": given.POINTS, "colors": given.COLORS, "faces": given.FACES}
    arrays = shown.tensors("mesh")
    for name in {"points", kind}:
        assert any(np.array_equal(array.reshape(-1, 3), wanted[name]) for array in arrays), name


def _trials(shown: Shown) -> List[Any]:
    plugin = shown.plugin(hparams_plugin.HParamsPlugin)
    return plugin.post("/session_groups", startIndex=0, sliceSize=10,
                       allowedStatuses=STATUSES)["sessionGroups"]


def is_trial(shown: Shown) -> None:
    """The table of trials has one, with its hyperparameters and its metric."""
    trial, = _trials(shown)
    assert {name: trial["hparams"][name] for name in ("lr", "net")} == \
        {name: given.HPARAMS[name] for name in ("lr", "net")}
    assert {metric["name"]["tag"]: metric["value"] for metric in trial["metricValues"]} == \
        given.METRICS


def is_one_run(shown: Shown, where: str) -> None:
    """The curve, the metric and the hyperparameters are in one run."""
    assert len(shown.board.runs()) == 1, f"{len(shown.board.runs())} runs"
    assert {"loss", *given.METRICS} <= set(shown.board.tags("scalars"))
    assert shown.board.tags("hparams")


def is_bool(shown: Shown) -> None:
    """True is not 1."""
    trial, = _trials(shown)
    assert trial["hparams"]["nesterov"] is True, f"got {trial['hparams']['nesterov']!r}"


def has_domain(shown: Shown) -> None:
    """The dashboard offers these values."""
    infos = shown.plugin(hparams_plugin.HParamsPlugin).post("/experiment")["hparamInfos"]
    assert [info["domainDiscrete"] for info in infos if info["name"] == "lr"] == \
        [given.DOMAIN["lr"]]


def has_failed(shown: Shown) -> None:
    """The dashboard shows it."""
    assert _trials(shown)[0]["sessions"][0]["status"] == "STATUS_FAILURE"


def is_group(shown: Shown) -> None:
    """Both trials are sessions of one group."""
    group, = _trials(shown)
    assert group["name"] == "both" and len(group["sessions"]) == 2


def are_charts(shown: Shown) -> None:
    """The layout is served with both charts."""
    plugin = shown.plugin(custom_scalars_plugin.CustomScalarsPlugin)
    category, = plugin.get("/layout").get_json()["category"]
    assert category["title"] == "losses"
    assert category["chart"] == [
        {"title": "all", "multiline": {"tag": ["loss"]}},
        {"title": "band", "margin": {"series": [{"value": "mean", "lower": "low",
                                                 "upper": "high"}]}}]


@once
def is_projected(shown: Shown, kind: str) -> None:
    """TensorFlow's own checkpoints are served where TensorFlow is, and so in its process."""
    served = shown.said or projected(shown.logdir)
    np.testing.assert_allclose(served["points"], given.MATRIX, rtol=1e-6)
    if kind == "labels":
        assert served["labels"] == given.NAMES
    if kind == "pictures":
        width, height = served["tile"]
        sprite = np.asarray(Image.open(io.BytesIO(bytes.fromhex(served["sprite"]))).convert("RGB"))
        across = sprite.shape[1] // width
        for number, color in enumerate(given.TILES):
            top, left = number // across * height, number % across * width
            tile = sprite[top:top + height, left:left + width].reshape(-1, 3)
            assert len(tile) == width * height and abs(tile - color.astype(int)).max() <= 2


@once
def is_binary(shown: Shown) -> None:
    """Some file has the floats, and the projector serves them."""
    served = shown.said or projected(shown.logdir)
    np.testing.assert_array_equal(np.float32(served["points"]), given.LARGE_MATRIX)
    assert any(given.LARGE_MATRIX.tobytes() in file.read_bytes() for file in _files(shown)), "text"


def _files(shown: Shown) -> Iterator[Path]:
    return (path for path in shown.logdir.rglob("*") if path.is_file())


def _nodes(shown: Shown, **query: Any) -> List[Any]:
    """Of the run's graph, or of the tag that is asked for."""
    plugin = shown.plugin(graphs_plugin.GraphsPlugin)
    answer = plugin.get("/graph", **{"run": _graph_run(shown), **query})
    return list(text_format.Parse(answer.get_data().decode(), graph_pb2.GraphDef()).node)


def _graphs(shown: Shown) -> Dict[str, Any]:
    return shown.plugin(graphs_plugin.GraphsPlugin).get("/info").get_json()


def _graph_run(shown: Shown) -> str:
    return next(iter(_graphs(shown)))


def is_mxnet_graph(shown: Shown, kind: str) -> None:
    """Both layers, each with what it is and what it gets."""
    dense = [node for node in _nodes(shown) if node.op == "FullyConnected"]
    assert len(dense) == 2 and all(node.input for node in dense), \
        sorted({node.op for node in _nodes(shown)})


def is_torch_graph(shown: Shown) -> None:
    """Its linear layer is a node."""
    assert any("linear" in node.op or "addmm" in node.op for node in _nodes(shown))


def is_own_graph(shown: Shown) -> None:
    """Both nodes, and the edge between them."""
    nodes = {node.name: node for node in _nodes(shown)}
    assert set(nodes) == {"mine/in", "mine/out"} and list(nodes["mine/out"].input) == ["mine/in"]


def are_graphs(shown: Shown) -> None:
    """Two are offered."""
    info = _graphs(shown)[_graph_run(shown)]
    tags = [tag for tag, one in info["tags"].items() if one["op_graph"]]
    assert len(tags) + info["run_graph"] == 2, f"{len(tags) + info['run_graph']} graph"


def is_keras_graph(shown: Shown) -> None:
    """The layer is a node of a conceptual graph."""
    (run, info), = [one for one in _graphs(shown).items()
                    if any(tag["conceptual_graph"] for tag in one[1]["tags"].values())]
    tag, = [tag for tag, one in info["tags"].items() if one["conceptual_graph"]]
    nodes = _nodes(shown, run=run, tag=tag, conceptual="true")
    assert any("dense" in node.name for node in nodes)


def has_costs(shown: Shown) -> None:
    """A node of some tag has a time or takes memory."""
    plugin = shown.plugin(graphs_plugin.GraphsPlugin)
    run = _graph_run(shown)
    nodes = []
    for tag, info in _graphs(shown)[run]["tags"].items():
        if info["profile"]:
            answer = plugin.get("/run_metadata", run=run, tag=tag).get_data().decode()
            stats = text_format.Parse(answer, config_pb2.RunMetadata()).step_stats
            nodes += [node for device in stats.dev_stats for node in device.node_stats]
    assert any(node.all_end_rel_micros for node in nodes), f"{len(nodes)} nodes with costs"


def is_mxnet_value(shown: Shown, kind: str) -> None:
    """The values are those of the array."""
    if kind == "scalar":
        assert shown.board.scalars(".", "tag") == [(0, 0.5)]
    elif kind == "histogram":
        (_, buckets), = shown.board.tensors("histograms", ".", "tag")
        assert buckets[:, 2].sum() == len(given.VALUES)
    else:
        np.testing.assert_array_equal(_pixels(shown.blobs("images")[0]), _rgba(given.picture(3)))


def is_tag(shown: Shown, plugin: str) -> None:
    """The dashboard lists the very tag."""
    assert set(shown.tags(plugin)) == {given.TAG}, set(shown.tags(plugin))


@once
def is_one_event(shown: Shown) -> None:
    """One event has both values."""
    found = [[value.tag for value in event.summary.value] for event in events(shown.logdir)
             if event.summary.value]
    assert found == [["one", "two"]], f"{len(found)} events"


def is_counted(shown: Shown, plugin: str) -> None:
    """They have the steps 0, 1 and 2."""
    points = shown.board.scalars(".", "tag") if plugin == "scalars" else \
        shown.board.tensors(plugin, ".", "tag")
    assert [step for step, _ in points] == [0, 1, 2], [step for step, _ in points]


@once
def is_tensor(shown: Shown) -> None:
    """For a program that reads with TensorBoard's event_accumulator."""
    found = event_accumulator.EventAccumulator(str(shown.logdir)).Reload().Tensors("tag")
    np.testing.assert_array_equal(tensor_util.make_ndarray(found[0].tensor_proto), given.POINTS)


def is_plugins(shown: Shown) -> None:
    """The plugin gets its array and its content."""
    assert shown.tags("mine")["tag"].plugin_content == b"c"
    np.testing.assert_array_equal(shown.tensors("mine")[0], given.POINTS)


def _profiled(shown: Shown) -> List[Any]:
    """(name, start, duration, statistics) of each event in the profiles that are there."""
    found = []
    for path in shown.logdir.rglob("plugins/profile/*/*.xplane.pb"):
        for plane in parsed(path.read_bytes(), strict=False).planes:
            found += [event for line in plane.lines for event in events_of(plane, line)]
    assert found, "no profile"
    return found


@once
def is_profile(shown: Shown) -> None:
    """XProf's file has step 3, and the span inside it."""
    found = _profiled(shown)
    (_, start, length, _), = [event for event in found if event[3].get("step_num") == 3]
    (_, inner, inner_length, _), = [event for event in found if event[0] == "load"]
    assert start <= inner and inner + inner_length <= start + length


@once
def has_operators(shown: Shown, kind: str) -> None:
    """XProf's file has operators of this kind."""
    assert any(str(event[3].get("tf_op", "")).endswith(f":{kind}") for event in _profiled(shown))


@once
def is_rotated(shown: Shown) -> None:
    """There are several files."""
    assert len(list(_files(shown))) > 2


def is_resumed(shown: Shown) -> None:
    """Up to step 4 the first values, from step 5 to 7 the second, and no more."""
    assert shown.board.scalars(".", "tag") == [(step, step) for step in range(5)] + [
        (step, 100 + step) for step in range(5, 8)]


@once
def stays_inside(shown: Shown, kind: str) -> None:
    """`logs/run` is the log directory, deep enough for what leaves it to be found."""
    run = shown.logdir / "logs" / "run"
    outside = [file for file in _files(shown) if run not in file.parents]
    assert not outside, f"wrote {outside[0].relative_to(shown.logdir)}"
    assert any(True for _ in _files(shown))


@once
def is_read(shown: Shown) -> None:
    """They are the values of the curve."""
    np.testing.assert_allclose(shown.said, given.CURVE, rtol=1e-6)


@once
def is_flushed(shown: Shown) -> None:
    """Nothing was missing."""
    assert not any(shown.said), f"up to {max(shown.said)} of 50 missing"


@once
def is_silent(shown: Shown, kind: str) -> None:
    """There is no file."""
    assert not list(_files(shown)), [file.name for file in _files(shown)]


def _steps(shown: Shown, word: str) -> List[Tuple[str, List[int]]]:
    """[(run, steps)] of the scalars with that word in the tag."""
    return [(run, [step for step, _ in shown.board.scalars(run, tag)])
            for run in shown.board.runs() for tag in shown.board.tags("scalars", run)
            if word in tag]


def has_batches(shown: Shown) -> None:
    """Training has a value at each batch, on a step of its own."""
    assert ("train", list(range(10))) in _steps(shown, "accuracy"), _steps(shown, "accuracy")


def has_validation(shown: Shown) -> None:
    """One value after each of the two epochs."""
    assert [len(steps) for run, steps in _steps(shown, "accuracy") if run == "validation"] == [2]


def has_scalars(shown: Shown, word: str) -> None:
    """There is a curve with that word in its tag."""
    assert _steps(shown, word), f"no {word}"


def has_histograms(shown: Shown, *words: str) -> None:
    """There is a histogram of each."""
    tags = [tag for run in shown.board.runs() for tag in shown.board.tags("histograms", run)]
    for word in words:
        assert any(word in tag for tag in tags), f"no histogram of {word}"


def _ended(shown: Shown) -> Dict[str, Any]:
    """Of a fault: what the scenario saw. It must have come to its end."""
    assert not shown.said["hang"], "hangs"
    assert shown.said["code"] == 0, (shown.said["stderr"].splitlines() or ["died"])[-1][:100]
    return shown.said


@once
def hangs_not(shown: Shown) -> None:
    """The program came to its end."""
    assert not shown.said["hang"], "hangs"


@once
def none_raises(shown: Shown) -> None:
    """It came there without an error."""
    raised = _ended(shown)["raised"]
    assert not raised, f"{raised} calls raise"


@once
def keeps(shown: Shown, *counts: int) -> None:
    """All values are there, once: the number of them of each tag, or of all together."""
    said = _ended(shown)
    kept = sorted(said["kept"].values())
    for wrong in ("corrupt", "doubled", "hung"):
        assert not said.get(wrong), f"{said[wrong]} {wrong}"
    assert kept == sorted(counts) or [sum(kept)] == list(counts), f"{kept} kept"


@once
def are_light(shown: Shown) -> None:
    """200 curves took one thread and 64 descriptors at most."""
    said = _ended(shown)
    assert said["threads"] <= 1 and said["fds"] <= 64, \
        f"{said['threads']} threads, {said['fds']} descriptors"


MESHES = [("points", "points"), ("colours", "colors"), ("triangles", "faces")]
FRAMEWORKS = ("torch", "mxnet", "tensorflow", "jax", "keras", "paddle", "chainer")

ROWS: Dict[str, List[Part]] = {
    "Scalars": [Part("", "scalars", is_curve)],
    "Descriptions of scalars, in both loaders": [Part("", "description", is_described)],
    "Histograms and distributions": [Part("", "histogram", is_histogram)],
    "Images of any layout, 1 to 4 channels": [
        *(Part(layout, "image", is_picture, (layout, 1 if layout == "HW" else 3))
          for layout in ("HW", "HWC", "CHW", "NHWC", "NCHW")),
        *(Part(f"{channels} channel{'s' * (channels > 1)}", "channels", has_channels, (channels,))
          for channels in (1, 2, 4)),
        Part("a batch with alpha", "batch_of_channels", has_channels, (4,))],
    "A batch as a grid": [Part("", "grid", is_grid)],
    "Several pictures under one tag": [Part("", "samples", are_samples)],
    "16 bits a channel": [Part("grey", "deep", is_deep, (1,)), Part("colour", "deep", is_deep,
                                                                    (3,))],
    "PNG, JPEG, GIF and BMP files as they are": [
        Part(kind, "file", is_file, (kind,)) for kind in ("PNG", "JPEG", "GIF", "BMP")],
    "Boxes on pictures": [Part("", "boxes", has_box)],
    "matplotlib figures": [Part("", "figure", is_drawn)],
    "Video": [Part("on its own", "video", is_video, ("",)),
              Part("with moviepy 1", "video", is_video, ("moviepy",))],
    "Audio": [Part("on its own", "audio", is_sound, ("",)),
              Part("with soundfile", "audio", is_sound, ("soundfile",))],
    "Stereo, several clips": [Part("stereo", "stereo", is_stereo),
                              Part("several clips", "clips", are_clips)],
    "Text, shown by today's TensorBoard": [Part("", "text", is_text)],
    "Tables of texts": [Part("", "table", is_table)],
    "PR curves": [Part("", "pr_curve", is_pr_curve, (101,))],
    "PR curves of more than 127 thresholds": [Part("", "pr_curve", is_pr_curve, (200,))],
    "PR curves counted elsewhere": [Part("", "pr_curve_raw", is_pr_curve_raw)],
    "Meshes and point clouds": [Part(name, "mesh", is_mesh, (kind,)) for name, kind in MESHES],
    "Hyperparameters": [Part("", "hparams", is_trial)],
    "Hyperparameters and metrics in one run": [
        Part("by itself", "hparams_one_run", is_one_run, ("",)),
        Part("with \".\" as the run's name", "hparams_one_run", is_one_run, (".",))],
    "Hyperparameters: bools stay bools": [Part("", "hparams", is_bool)],
    "Hyperparameters: domains, status, groups": [
        Part("domains", "hparams_domain", has_domain),
        Part("a trial that failed", "hparams_status", has_failed),
        Part("groups", "hparams_group", is_group)],
    "Custom scalar charts": [Part("", "custom_scalars", are_charts)],
    "Embeddings with labels and pictures": [
        Part(kind, "embedding", is_projected, (kind,)) for kind in ("points", "labels",
                                                                    "pictures")],
    "Embeddings as binary float32": [Part("", "embedding_binary", is_binary)],
    "Graph of an MXNet Symbol or block": [
        Part(kind, "mxnet_graph", is_mxnet_graph, (kind,)) for kind in ("symbol", "block")],
    "Graph of a torch module": [Part("", "torch_graph", is_torch_graph)],
    "Graph of your own nodes, several in a run, Keras models": [
        Part("own nodes", "own_graph", is_own_graph),
        Part("several in a run", "several_graphs", are_graphs),
        Part("Keras models", "keras_graph", is_keras_graph)],
    "Time and memory of a graph's nodes": [Part("", "costs", has_costs)],

    "Profile: steps and spans of any Python program": [Part("", "profile", is_profile)],
    "Works without protobuf": [Part("", "scalars", is_curve, alone=("google.protobuf",))],
    "Works without TensorFlow": [Part("", "scalars", is_curve, alone=("tensorflow",))],
    "Works without a deep learning framework": [Part("", "scalars", is_curve, alone=FRAMEWORKS)],
    "MXNet arrays": [Part(kind + "s", "mxnet_array", is_mxnet_value, (kind,))
                     for kind in ("scalar", "histogram", "image")],
    "Tags as they are given": [Part(plugin, "tag", is_tag, (plugin,))
                               for plugin in ("scalars", "histograms", "images", "text")],
    "A dictionary of scalars as one event": [Part("", "values", is_one_event)],
    "Automatic steps": [Part(plugin, "counted", is_counted, (plugin,))
                        for plugin in ("scalars", "histograms")],
    "Data for a plugin of one's own": [Part("arrays", "tensor", is_tensor),
                                       Part("under the plugin's name", "plugin", is_plugins)],
    "`add_scalars` without a thread and a file open for each curve": [
        Part("", "many_curves", are_light, fault=60)],

    "Names that never collide": [
        Part("two writers in a process", "twin_writers", keeps, wanted=(350,), fault=30),
        Part("two processes", "both_processes", keeps, wanted=(300, 300), fault=60),
        Part("two containers", "both_containers", keeps, wanted=(300, 300), fault=60)],
    "Another file at a size": [Part("", "rotation", is_rotated)],
    "A run resumed at a step, in both loaders": [Part("", "resume", is_resumed)],
    "A log directory that no tag leaves": [
        Part("curves", "hostile", stays_inside, ("curves",)),
        Part("embeddings", "hostile", stays_inside, ("embeddings",))],
    "Reading event files back": [Part("", "read_back", is_read)],

    "flush() means flushed": [Part("", "flush", is_flushed)],
    "Nothing lost without close()": [
        Part("a writer that is dropped", "dropped_writers", keeps, wanted=(200,), fault=60),
        Part("a program that ends", "ends", keeps, wanted=(1000,), fault=30)],
    "A full disk hangs nothing": [Part("", "small_disk", hangs_not, fault=15)],
    "A full disk ends no training, and loses nothing": [
        Part("no call raises", "small_disk", none_raises, fault=15),
        Part("nothing is lost", "small_disk", keeps, wanted=(700,), fault=15)],
    "Threads": [Part("", "threads", keeps, wanted=(200,) * 64, fault=90)],
    "After a fork": [Part("", "fork_logging", keeps, wanted=(40, 50, 50), fault=25)],
    "Pickled": [Part("", "pickled", keeps, wanted=(20, 50), fault=60)],
    "A writer that is silent": [Part(kind, "silent", is_silent, (kind,))
                                for kind in ("scalars", "hyperparameters")],

    "Module.fit: metrics of each batch, validation, speed, learning rate": [
        Part("metrics of each batch", "fit", has_batches),
        Part("validation", "fit", has_validation),
        Part("speed", "fit", has_scalars, wanted=("speed",)),
        Part("learning rate", "fit", has_scalars, wanted=("learning_rate",))],
    "Module.fit: histograms of parameters and gradients": [
        Part("", "fit_histograms", has_histograms, wanted=("parameters", "gradients"))],
    "A Monitor that logs": [Part("", "monitor", has_histograms, wanted=("fc1_output",))],
    "Activations of every block, also of a hybridized net": [
        Part("", "activations", has_histograms, wanted=("activations/0", "activations/1"))],
    "MXNet's operators in the Profile dashboard": [
        Part("", "profile_mxnet", has_operators, wanted=("FullyConnected",))],
}
