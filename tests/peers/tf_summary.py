"""tf.summary of TensorFlow 2, with what TensorBoard adds to it: meshes, hyperparameters, projector.

What has no call of today's API is tried with that of version 1, whose functions make messages that
are written raw.
"""
from __future__ import annotations

import contextlib
import os
from typing import Any, Dict, Iterator, List

from tests.peers import given
from tests.peers import nets
import numpy as np
from tests.peers import served
import tensorflow as tf
from tests.peers.asked import Absent, Writer, version_1
from tensorboard.plugins import projector
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import summary as custom_scalar_v1
from tensorboard.plugins.hparams import api as hp
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import summary as hparams_v1
from tensorboard.plugins.mesh import summary_v2 as mesh
from tensorboard.plugins.pr_curve import summary as pr_curve_v1

TENSOR_CLASS = 2  # DATA_CLASS_TENSOR of summary.proto


class TensorFlow(Writer):
    package = "tensorflow-cpu"
    batch, single = "NHWC", "NHWC"

    def modules(self) -> List[Any]:
        return [tf.summary, tf.summary.experimental, mesh, projector, hp]

    @contextlib.contextmanager
    def open(self, logdir: str, **options: Any) -> Iterator[None]:
        """A writer that the calls within write to."""
        with contextlib.closing(tf.summary.create_file_writer(logdir, **options)) as writer, \
                writer.as_default():
            yield

    def raw(self, logdir: str, *summaries: Any) -> None:
        with self.open(logdir):
            for summary in summaries:
                tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step=0)

    def scalars(self, logdir: str) -> None:
        with self.open(logdir):
            for step, value in enumerate(given.CURVE):
                tf.summary.scalar("python", value, step=step)
                tf.summary.scalar("numpy", np.float32(value), step=step)

    def description(self, logdir: str) -> None:
        with self.open(logdir):
            tf.summary.scalar("tag", 1.0, step=0, description=given.DESCRIPTION)

    def histogram(self, logdir: str) -> None:
        with self.open(logdir):
            tf.summary.histogram("tag", given.VALUES, step=3)

    def image(self, logdir: str, layout: str, channels: int) -> None:
        with self.open(logdir):
            tf.summary.image("tag", given.laid_out(layout, channels), step=0)

    def grid(self, logdir: str) -> None:
        with self.open(logdir):
            tf.summary.image("tag", given.several(), step=0, max_outputs=4)

    def deep(self, logdir: str, channels: int) -> None:
        with self.open(logdir):
            tf.summary.image("tag", given.deep(channels)[None], step=0)

    def file(self, logdir: str, kind: str) -> None:
        with self.open(logdir):
            tf.summary.image("tag", given.file(kind), step=0)

    def boxes(self, logdir: str) -> None:
        self.absent("boxes")

    def figure(self, logdir: str) -> None:
        self.absent("figure")

    def video(self, logdir: str, helper: str) -> None:
        self.absent("video")

    def sound(self, logdir: str, clip: Any) -> None:
        with self.open(logdir):
            tf.summary.audio("tag", clip, given.RATE, step=0)

    def audio(self, logdir: str, helper: str) -> None:
        self.sound(logdir, given.SOUND[None, :, None])

    def stereo(self, logdir: str) -> None:
        self.sound(logdir, given.STEREO[None])

    def text(self, logdir: str) -> None:
        with self.open(logdir):
            tf.summary.text("tag", given.TEXT, step=0)

    def table(self, logdir: str) -> None:
        with self.open(logdir):
            tf.summary.text("tag", given.TABLE, step=0)

    @version_1
    def pr_curve(self, logdir: str, thresholds: int) -> None:
        self.raw(logdir, pr_curve_v1.pb("tag", given.LABELS, given.PREDICTIONS, thresholds))

    @version_1
    def pr_curve_raw(self, logdir: str) -> None:
        self.raw(logdir, pr_curve_v1.raw_data_pb("tag", *given.COUNTS, num_thresholds=5))

    def mesh(self, logdir: str, kind: str) -> None:
        kinds: Dict[str, Dict[str, Any]] = {
            "points": {}, "colors": {"colors": given.COLORS[None]},
            "faces": {"faces": given.FACES[None]}}
        with self.open(logdir):
            mesh.mesh("tag", given.POINTS[None], step=0, **kinds[kind])

    def hparams(self, logdir: str, **more: Any) -> None:
        with self.open(os.path.join(logdir, "trial")):
            self.add_trial(None, "")

    def hparams_one_run(self, logdir: str, where: str) -> None:
        with self.open(logdir):
            tf.summary.scalar("loss", 1, step=0)
            self.add_trial(None, "")

    def add_trial(self, writer: Any, where: str) -> None:
        hp.hparams(given.HPARAMS)
        for tag, value in given.METRICS.items():
            tf.summary.scalar(tag, value, step=0)

    def hparams_domain(self, logdir: str) -> None:
        with self.open(logdir):
            hp.hparams_config([hp.HParam(name, hp.Discrete(values))
                               for name, values in given.DOMAIN.items()],
                              [hp.Metric(tag) for tag in given.METRICS])
        self.hparams(logdir)

    @version_1
    def hparams_status(self, logdir: str) -> None:
        self.hparams(logdir)
        self.raw(os.path.join(logdir, "trial"), hparams_v1.session_end_pb(api_pb2.STATUS_FAILURE))

    def hparams_group(self, logdir: str) -> None:
        for trial in ("first", "second"):
            with self.open(f"{logdir}/{trial}"):
                hp.hparams(given.HPARAMS, trial_id="both")

    @version_1
    def custom_scalars(self, logdir: str) -> None:
        """The layout itself is a message."""
        margin = layout_pb2.MarginChartContent
        self.raw(logdir, custom_scalar_v1.pb(layout_pb2.Layout(category=[layout_pb2.Category(
            title="losses", chart=[
                layout_pb2.Chart(title="all", multiline=layout_pb2.MultilineChartContent(
                    tag=["loss"])),
                layout_pb2.Chart(title="band", margin=margin(series=[margin.Series(
                    value="mean", lower="low", upper="high")]))])])))

    def embedding(self, logdir: str, kind: str) -> Any:
        """A checkpoint, which only a TensorBoard that has TensorFlow can read. Labels and pictures
        are files that the user writes."""
        if kind != "points":
            self.absent("labels")
        self._checkpoint(logdir, given.MATRIX)
        return served.embedding(logdir)

    def _checkpoint(self, logdir: str, matrix: Any) -> None:
        tf.train.Checkpoint(tag=tf.Variable(matrix)).save(os.path.join(logdir, "embedding.ckpt"))
        config = projector.ProjectorConfig()
        config.embeddings.add().tensor_name = "tag/.ATTRIBUTES/VARIABLE_VALUE"
        projector.visualize_embeddings(logdir, config)

    def embedding_binary(self, logdir: str) -> Any:
        self._checkpoint(logdir, given.LARGE_MATRIX)
        return served.embedding(logdir)

    def mxnet_graph(self, logdir: str, kind: str) -> None:
        with self.open(logdir):
            tf.summary.graph(nets.symbol() if kind == "symbol" else nets.block())

    def torch_graph(self, logdir: str) -> None:
        import torch
        with self.open(logdir):
            tf.summary.graph(torch.nn.Linear(3, 2))

    def own_graph(self, logdir: str) -> None:
        with tf.Graph().as_default() as graph:
            source = tf.compat.v1.placeholder(tf.float32, name="mine/in")
            tf.identity(source, name="mine/out")
        with self.open(logdir):
            tf.summary.graph(graph)

    def several_graphs(self, logdir: str) -> None:
        for name in ("first", "second"):
            tf.summary.trace_on(graph=True)
            tf.function(tf.square)(tf.ones(3))
            with self.open(logdir):
                tf.summary.trace_export(name, step=0)

    def keras_graph(self, logdir: str) -> None:
        model = tf.keras.Sequential([tf.keras.layers.Input((3,)), tf.keras.layers.Dense(2)])
        model.compile(loss="mse")
        model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0,
                  callbacks=[tf.keras.callbacks.TensorBoard(logdir, write_graph=True)])

    @version_1
    def costs(self, logdir: str) -> None:
        v1 = tf.compat.v1
        with tf.Graph().as_default() as graph, v1.Session() as session, \
                v1.summary.FileWriter(logdir, graph) as writer:
            metadata = v1.RunMetadata()
            session.run(tf.matmul(tf.ones((20, 20)), tf.ones((20, 20))), run_metadata=metadata,
                        options=v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE))
            writer.add_run_metadata(metadata, "step")

    def mxnet_array(self, logdir: str, kind: str) -> None:
        with self.open(logdir):
            if kind == "scalar":
                tf.summary.scalar("tag", nets.array([0.5]), step=0)
            elif kind == "histogram":
                tf.summary.histogram("tag", nets.array(given.VALUES), step=0)
            else:
                tf.summary.image("tag", nets.array(given.laid_out("NHWC", 3), "uint8"), step=0)

    def tag(self, logdir: str, kind: str) -> None:
        add, value = {"scalars": (tf.summary.scalar, 1),
                      "histograms": (tf.summary.histogram, given.VALUES),
                      "text": (tf.summary.text, given.TEXT),
                      "images": (tf.summary.image, given.laid_out("NHWC", 3))}[kind]
        with self.open(logdir):
            add(given.TAG, value, step=0)

    def values(self, logdir: str) -> None:
        with self.open(logdir):
            tf.summary.scalar("main", {"one": 1, "two": 2}, step=0)

    def counted(self, logdir: str, kind: str) -> None:
        with self.open(logdir):
            for value in range(3):
                if kind == "scalars":
                    tf.summary.scalar("tag", value)
                else:
                    tf.summary.histogram("tag", given.VALUES + value)

    def tensor(self, logdir: str) -> None:
        self.plugin(logdir)

    def plugin(self, logdir: str) -> None:
        metadata = tf.compat.v1.SummaryMetadata(
            data_class=TENSOR_CLASS,
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="mine", content=b"c"))
        with self.open(logdir):
            tf.summary.write("tag", given.POINTS, step=0, metadata=metadata)

    def resumed(self, logdir: str, step: int) -> Any:
        """It has no argument for the step."""
        self.without("purge")
        return self.plain(logdir)

    def add_hostile(self, writer: Any, kind: str, tag: str, curve: str) -> None:
        """The projector's calls take no tag."""
        tf.summary.scalar(f"{tag}/{curve}", 1, step=0)

    @version_1
    def read_back(self, logdir: str) -> Any:
        self.scalars(logdir)
        file, = os.listdir(logdir)
        return [tf.make_ndarray(value.tensor).item()
                for event in tf.compat.v1.train.summary_iterator(os.path.join(logdir, file))
                for value in event.summary.value if value.tag == "python"]

    def plain(self, logdir: str) -> Any:
        return contextlib.closing(Adapter(logdir))

    def silent(self, logdir: str, kind: str) -> None:
        os.makedirs(logdir)
        os.chdir(logdir)
        with tf.summary.create_noop_writer().as_default():
            if kind == "scalars":
                tf.summary.scalar("tag", 1, step=0)
            else:
                self.add_trial(None, "")

    def profile(self, logdir: str) -> None:
        """Its call starts TensorFlow's profiler, whose own calls make steps and spans."""
        trace = tf.profiler.experimental.Trace
        with self.open(logdir):
            tf.summary.trace_on(graph=False, profiler=True, profiler_outdir=logdir)
            with trace("train", step_num=3, _r=1), trace("load"):
                pass
            tf.summary.trace_off()

    def profile_mxnet(self, logdir: str) -> None:
        raise Absent("its profiler knows TensorFlow's operators")


class Adapter:
    """The calls that the scenarios of faults make, in TensorFlow's words."""

    def __init__(self, logdir: str) -> None:
        self.writer = tf.summary.create_file_writer(logdir)

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        with self.writer.as_default():
            tf.summary.scalar(tag, value, step=step)

    def flush(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


WRITER = TensorFlow()
