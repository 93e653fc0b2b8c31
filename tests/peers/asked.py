"""How a writer is asked for each feature: the base of all, with the calls that most of them share.

A method takes a log directory of its own and does what a user would do to get the feature. What it
returns is for the judge. That it raises means that the writer has not got the feature: no such
call, no such argument, or it does not take the value.
"""
from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import re
import sys
import time
from importlib.metadata import version
from typing import Any, Callable, Iterator, List, Sequence

from tests.peers import given
import numpy as np

# What the name of a call or of an argument would hold, if a writer had the feature. Where some
# name does, the measurement ends with an error: then the feature must be tried.
NAMES = {
    "boxes": r"box", "figure": r"figure|matplotlib", "video": r"video", "labels": r"label",
    "hparams_group": r"group|trial", "hparams_status": r"status", "own_graph": r"node",
    "keras_graph": r"keras", "rotation": r"max_file|file_(size|bytes)|rotat",
    "purge": r"purge|resume", "read_back": r"\b(read|load|iter)|iterator",
    "profile": r"(?<!graph_)profil",
    "fit": r"\bfit|(?<!keras)callback", "monitor": r"monitor", "activations": r"activation|hook",
}


# Of which version a package must be.
HELPERS = {"moviepy": "1."}


class Absent(Exception):
    """The writer has no call and no argument of such a name."""


class Unmeasured(Exception):
    """A package that the question needs is not installed."""


def version_1(method: Callable[..., Any]) -> Callable[..., Any]:
    """The way there is TensorFlow's API of version 1, or a message written raw."""
    method.version_1 = True  # type: ignore[attr-defined]
    return method


def need(name: str) -> Any:
    """A package, without which the question can't be asked."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Unmeasured(name) from None


@contextlib.contextmanager
def hidden(*names: str) -> Iterator[None]:
    """As if packages that a writer does not require were not installed."""
    held = {name: sys.modules.get(name) for name in names}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in held.items():
            del sys.modules[name]
            if module:
                sys.modules[name] = module


def api(*modules: Any) -> List[str]:
    """The public names of modules, with methods and arguments: "SummaryWriter.add_text(tag)"."""
    found = []
    for module in modules:
        for name, value in vars(module).items():
            if name.startswith("_") or inspect.ismodule(value):
                continue
            members = {name: value}
            if inspect.isclass(value):
                members.update({f"{name}.{member}": getattr(value, member) for member in dir(value)
                                if not member.startswith("_")})
            found += [name + _arguments(member) for name, member in members.items()]
    return found


def _arguments(member: Any) -> str:
    try:
        return f"({', '.join(inspect.signature(member).parameters)})"
    except (TypeError, ValueError):
        return ""


class Writer:
    """Asks a writer of the shape of torch's SummaryWriter."""

    package = ""            # its name for pip
    batch, single = "NCHW", "CHW"   # a layout that it takes
    helpers: Sequence[str] = ()     # packages that it may use and does not require

    def modules(self) -> List[Any]:
        """Where its public names are."""
        raise NotImplementedError

    def open(self, logdir: str, **options: Any) -> Any:
        """The user's writer; it closes at the end of a with."""
        raise NotImplementedError

    def plain(self, logdir: str) -> Any:
        """A writer of scalars, with add_scalar, flush and close."""
        return self.open(logdir)

    def absent(self, feature: str) -> None:
        """Absent, because no public name is anything like it."""
        self.without(feature)
        raise Absent(f"no name like {NAMES[feature]}")

    def without(self, feature: str) -> None:
        """Make sure that there is none."""
        alike = [name for name in api(*self.modules()) if re.search(NAMES[feature], name, re.I)]
        if alike:
            raise SystemExit(f"{self.package} has {alike}, which was not tried for {feature}")

    def scalars(self, logdir: str) -> None:
        """A curve of Python's numbers, and one of numpy's."""
        with self.open(logdir) as writer:
            for step, value in enumerate(given.CURVE):
                writer.add_scalar("python", value, step)
                writer.add_scalar("numpy", np.float32(value), step)

    def description(self, logdir: str) -> None:
        """A scalar with a description."""
        with self.open(logdir) as writer:
            writer.add_scalar("tag", 1.0, 0, summary_description=given.DESCRIPTION)

    def histogram(self, logdir: str) -> None:
        """A histogram of 101 values."""
        with self.open(logdir) as writer:
            writer.add_histogram("tag", given.VALUES, 3)

    def image(self, logdir: str, layout: str, channels: int) -> None:
        """A picture, or two where there is an N, in a layout."""
        with self.open(logdir) as writer:
            add = writer.add_images if "N" in layout else writer.add_image
            add("tag", given.laid_out(layout, channels), 0, dataformats=layout)

    def channels(self, logdir: str, channels: int) -> None:
        """A picture of so many channels, in a layout that the writer takes."""
        self.image(logdir, self.single, channels)

    def batch_of_channels(self, logdir: str, channels: int) -> None:
        """The same as a batch."""
        self.image(logdir, self.batch, channels)

    def grid(self, logdir: str) -> None:
        """Four pictures at once, to be one."""
        with self.open(logdir) as writer:
            writer.add_images("tag", given.several().transpose(0, 3, 1, 2), 0)

    def samples(self, logdir: str) -> None:
        """Four pictures at once, to be four."""
        self.grid(logdir)

    def deep(self, logdir: str, channels: int) -> None:
        """A picture of 16 bits a channel."""
        with self.open(logdir) as writer:
            writer.add_image("tag", given.deep(channels), 0, dataformats="HWC")

    def file(self, logdir: str, kind: str) -> None:
        """A picture that is a file already."""
        with self.open(logdir) as writer:
            writer.add_image("tag", given.file(kind), 0)

    def boxes(self, logdir: str) -> None:
        """A black picture with a box drawn on it."""
        with self.open(logdir) as writer:
            writer.add_image_with_boxes("tag", np.zeros((3, 20, 30), np.uint8),
                                        np.array([given.BOX]), 0)

    def figure(self, logdir: str) -> None:
        """A figure of matplotlib."""
        need("matplotlib")
        from matplotlib.figure import Figure
        figure = Figure()
        figure.subplots().plot([1, 4, 9])
        with self.open(logdir) as writer:
            writer.add_figure("tag", figure, 0)

    def video(self, logdir: str, helper: str) -> None:
        """helper: one of its `helpers` that is there, or "" for none."""
        with self.helped(helper), self.open(logdir) as writer:
            writer.add_video("tag", given.video(), 0)

    @contextlib.contextmanager
    def helped(self, helper: str) -> Iterator[None]:
        """With this one of its helpers, and no other."""
        if helper in self.helpers:
            need(helper)
            if helper in HELPERS and not version(helper).startswith(HELPERS[helper]):
                raise Unmeasured(f"{helper} {HELPERS[helper]}")
        with hidden(*(name for name in self.helpers if name != helper)):
            yield

    def sound(self, logdir: str, clip: Any) -> None:
        """A clip, at the given rate."""
        with self.open(logdir) as writer:
            writer.add_audio("tag", clip, 0, sample_rate=given.RATE)

    def audio(self, logdir: str, helper: str) -> None:
        """One clip of one channel. helper: as for a video."""
        with self.helped(helper):
            self.sound(logdir, given.SOUND)

    def stereo(self, logdir: str) -> None:
        """One clip of two channels."""
        with self.helped("soundfile"):
            self.sound(logdir, given.STEREO)

    def clips(self, logdir: str) -> None:
        """Two clips under one tag."""
        with self.helped("soundfile"):
            self.sound(logdir, np.stack([given.SOUND, -given.SOUND])[:, :, None])

    def text(self, logdir: str) -> None:
        """A text in Markdown."""
        with self.open(logdir) as writer:
            writer.add_text("tag", given.TEXT, 0)

    def table(self, logdir: str) -> None:
        """Rows and columns of texts."""
        with self.open(logdir) as writer:
            writer.add_text("tag", given.TABLE, 0)

    def pr_curve(self, logdir: str, thresholds: int) -> None:
        """A PR curve of so many thresholds."""
        with self.open(logdir) as writer:
            writer.add_pr_curve("tag", given.LABELS, given.PREDICTIONS, global_step=0,
                                num_thresholds=thresholds)

    def pr_curve_raw(self, logdir: str) -> None:
        """A PR curve whose counts are known."""
        with self.open(logdir) as writer:
            writer.add_pr_curve_raw("tag", *given.COUNTS, global_step=0, num_thresholds=5)

    def mesh(self, logdir: str, kind: str) -> None:
        """Points, also with colours, or with triangles between them."""
        more = {"points": {}, "colors": {"colors": self.array(given.COLORS[None])},
                "faces": {"faces": self.array(given.FACES[None])}}[kind]
        with self.open(logdir) as writer:
            writer.add_mesh("tag", self.array(given.POINTS[None]), global_step=0, **more)

    def array(self, array: Any) -> Any:
        """An array in the writer's own type, where it takes no numpy."""
        return array

    def hparams(self, logdir: str, **more: Any) -> None:
        """In a directory below: TensorBoard leaves out the metrics of a log directory's own run."""
        with self.open(os.path.join(logdir, "trial")) as writer:
            writer.add_hparams(given.HPARAMS, given.METRICS, **more)

    def hparams_one_run(self, logdir: str, where: str) -> None:
        """where: what names the run of the hyperparameters, "" for what it is by itself."""
        with self.open(logdir) as writer:
            writer.add_scalar("loss", 1, 0)
            time.sleep(1.1)  # some name their files by the second
            self.add_trial(writer, where)

    def add_trial(self, writer: Any, where: str) -> None:
        """Hyperparameters and a metric, in a run of that name."""
        writer.add_hparams(given.HPARAMS, given.METRICS, **{"run_name": where} if where else {})

    def hparams_domain(self, logdir: str) -> None:
        """Hyperparameters, with the values that one may have."""
        self.hparams(logdir, hparam_domain_discrete=given.DOMAIN)

    def hparams_status(self, logdir: str) -> None:
        """A trial that failed."""
        self.absent("hparams_status")

    def hparams_group(self, logdir: str) -> None:
        """Two trials that belong together."""
        self.absent("hparams_group")

    def custom_scalars(self, logdir: str) -> None:
        """A chart of one curve, and one of a curve with its margin."""
        with self.open(logdir) as writer:
            writer.add_custom_scalars(given.LAYOUT)
            writer.add_scalar("loss", 1, 0)

    def embedding(self, logdir: str, kind: str) -> Any:
        """Five points, also with labels, or with a picture each."""
        more = {"points": {}, "labels": {"metadata": given.NAMES},
                "pictures": {"label_img": self.array(given.tiles())}}[kind]
        with self.open(logdir) as writer:
            writer.add_embedding(given.MATRIX, global_step=0, tag="tag", **more)

    def embedding_binary(self, logdir: str) -> Any:
        """More points, to be written as floats and not as text."""
        with self.open(logdir) as writer:
            writer.add_embedding(given.LARGE_MATRIX, global_step=0, tag="tag")

    def mxnet_graph(self, logdir: str, kind: str) -> None:
        """The graph of a Symbol, or of a Gluon block."""
        from tests.peers import nets
        with self.open(logdir) as writer:
            writer.add_graph(nets.symbol() if kind == "symbol" else nets.block())

    def torch_graph(self, logdir: str) -> None:
        """The graph of a torch module."""
        torch = need("torch")
        with self.open(logdir) as writer:
            writer.add_graph(torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.zeros(1, 3))

    def own_graph(self, logdir: str) -> None:
        """A graph of two nodes of one's own."""
        self.absent("own_graph")

    def several_graphs(self, logdir: str) -> None:
        """Two graphs in one run."""
        torch = need("torch")
        with self.open(logdir) as writer:
            for width in (2, 4):
                writer.add_graph(torch.nn.Linear(3, width), torch.zeros(1, 3))

    def keras_graph(self, logdir: str) -> None:
        """The layers of a Keras model."""
        self.absent("keras_graph")

    def costs(self, logdir: str) -> None:
        """A graph, with the time and memory that its nodes took."""
        self.torch_graph(logdir)

    def mxnet_array(self, logdir: str, kind: str) -> None:
        """An array of MXNet as scalar, histogram or picture."""
        from tests.peers import nets
        with self.open(logdir) as writer:
            if kind == "scalar":
                writer.add_scalar("tag", nets.array([0.5]), 0)
            elif kind == "histogram":
                writer.add_histogram("tag", nets.array(given.VALUES), 0)
            else:
                self.add_picture(writer, nets.array(given.laid_out("CHW", 3), "uint8"))

    def add_picture(self, writer: Any, pixels: Any, tag: str = "tag") -> None:
        """One picture, as the user would."""
        writer.add_image(tag, pixels, 0)

    def tag(self, logdir: str, kind: str) -> None:
        """A tag with spaces and marks, for a kind of data."""
        with self.open(logdir) as writer:
            if kind == "scalars":
                writer.add_scalar(given.TAG, 1, 0)
            elif kind == "histograms":
                writer.add_histogram(given.TAG, given.VALUES, 0)
            elif kind == "text":
                writer.add_text(given.TAG, given.TEXT, 0)
            else:
                self.add_picture(writer, given.laid_out("CHW", 3), given.TAG)

    def values(self, logdir: str) -> None:
        """Two scalars in one call."""
        with self.open(logdir) as writer:
            writer.add_scalars("main", {"one": 1, "two": 2}, 0)

    def counted(self, logdir: str, kind: str) -> None:
        """Three values without a step."""
        with self.open(logdir) as writer:
            for value in range(3):
                if kind == "scalars":
                    writer.add_scalar("tag", value)
                else:
                    writer.add_histogram("tag", given.VALUES + value)

    def tensor(self, logdir: str) -> None:
        """Any array."""
        with self.open(logdir) as writer:
            writer.add_tensor("tag", self.array(given.POINTS), 0)

    def plugin(self, logdir: str) -> None:
        """Any array, for a plugin of that name and with its content."""
        with self.open(logdir) as writer:
            writer.add_tensor("tag", self.array(given.POINTS), 0, plugin_name="mine", content=b"c")

    def rotation(self, logdir: str) -> None:
        """200 scalars with a limit of 2,000 bytes for a file."""
        self.absent("rotation")

    def resume(self, logdir: str) -> None:
        """Steps 0 to 9; then a new writer continues from step 5, up to step 7."""
        with self.plain(logdir) as writer:
            for step in range(10):
                writer.add_scalar("tag", step, step)
        time.sleep(1.1)  # some name their files by the second
        with self.resumed(logdir, 5) as writer:
            for step in range(5, 8):
                writer.add_scalar("tag", 100 + step, step)

    def resumed(self, logdir: str, step: int) -> Any:
        """A plain writer that continues from a step."""
        return self.open(logdir, purge_step=step)

    def hostile(self, logdir: str, kind: str) -> None:
        """Tags and names of curves that lead out of the log directory `logs/run`."""
        with self.open(os.path.join(logdir, "logs", "run")) as writer:
            for tag, curve in [("tame", "tame"), *((tag, "tame") for tag in given.HOSTILE),
                               *(("tame", tag) for tag in given.HOSTILE)]:
                with contextlib.suppress(Exception):  # to refuse a tag is fair
                    self.add_hostile(writer, kind, tag, curve)

    def add_hostile(self, writer: Any, kind: str, tag: str, curve: str) -> None:
        """A call that makes files named by a tag."""
        if kind == "curves":
            writer.add_scalars(tag, {curve: 1}, 0)
        else:
            writer.add_embedding(given.MATRIX, global_step=0, tag=tag)

    def read_back(self, logdir: str) -> Any:
        """The values of a curve, read from its file."""
        self.absent("read_back")

    def flush(self, logdir: str) -> List[int]:
        """How many of 50 scalars were not in the file when flush() returned, 20 times."""
        missing = []
        with self.plain(logdir) as writer:
            for round_ in range(20):
                for step in range(50):
                    writer.add_scalar("flushed", step, 50 * round_ + step)
                writer.flush()
                written = b"".join(_read(entry.path) for entry in os.scandir(logdir))
                missing.append(50 * (round_ + 1) - written.count(b"flushed"))
        return missing

    def silent(self, logdir: str, kind: str) -> None:
        """A writer that is configured to write nothing, and a value."""
        os.makedirs(logdir)
        os.chdir(logdir)
        writer = self.open(os.path.join(logdir, "run"), write_to_disk=False)
        if kind == "scalars":
            writer.add_scalar("tag", 1, 0)
        else:
            writer.add_hparams(given.HPARAMS, given.METRICS)
        writer.close()

    def fit(self, logdir: str) -> None:
        """All that there is for Module.fit."""
        self.absent("fit")

    def fit_histograms(self, logdir: str) -> None:
        """The functions for Module.fit, for its histograms."""
        self.absent("fit")

    def monitor(self, logdir: str) -> None:
        """A Monitor of MXNet that logs what flows through a network."""
        self.absent("monitor")

    def activations(self, logdir: str) -> None:
        """The outputs of the blocks of a hybridized net."""
        self.absent("activations")

    def profile(self, logdir: str) -> None:
        """A profile with training step 3, and a span "load" inside it."""
        self.absent("profile")

    def profile_mxnet(self, logdir: str) -> None:
        """A profile of some batches of Module.fit."""
        self.absent("profile")


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
