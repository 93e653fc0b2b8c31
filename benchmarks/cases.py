"""The cases, the number of events per writer in each, and the targets.

This file knows neither writers nor processes.
"""
from __future__ import annotations

from itertools import cycle, islice
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from . import values as made
from .peers import OURS

TEN_TAGS = tuple(f"metrics/value{i}" for i in range(10))
MANY_TAGS = tuple(f"layer{i // 10}/weight{i % 10}/mean" for i in range(1000))

# The arguments of a peer's function besides the writer: (tag or tags, values), one pair per thread.
Calls = List[Tuple[Any, Any]]


class Case(NamedTuple):
    """A call that is repeated many times.

    name: its name on the command line; group: the name of its group there.
    title: its name in the table.
    function: of the peers, see `peers/__init__`; instead: for writers without it.
    kind: how the written values are compared: "scalar", "histogram", "image", "audio", "text",
        "embedding".
    ours, theirs, slow: how many times for tbwriter, for its peers, for tf.summary. A number that
        gives each about a second at most.
    arrays: the logged arrays, by their names in `arrays.ARRAYS`; without them, scalars.
    unit: the unit of one time.
    tags: how many tags; threads: how many at once.
    pace: seconds of computing before each call. The caller's latency is measured then, not the
        throughput.
    opened: the function that opens the writer, where it has one.
    home: an environment other than the writer's own, see `interpreters`.
    cores: how many processors the process may use; all without.
    numpy: False keeps numpy out of our process.
    environ: environment variables for tbwriter.
    only: the writers that take part; all without.
    quick: part of the quick run.
    crcmod: raced with crcmod as the only CRC-32C too.
    """

    name: str
    group: str
    title: str
    function: str
    kind: str
    ours: int
    theirs: int
    slow: int
    arrays: str = ""
    unit: str = "call"
    instead: str = ""
    tags: int = 1
    threads: int = 1
    pace: float = 0.0
    opened: str = "open"
    home: str = ""
    cores: int = 0
    numpy: bool = True
    environ: Dict[str, str] = {}
    only: Tuple[str, ...] = ()
    quick: bool = False
    crcmod: bool = False

    def times(self, writer: str) -> int:
        if writer in (OURS, "crcmod"):
            return self.ours
        return self.slow if writer == "tf" else self.theirs

    def calls(self, times: int, arrays: Sequence[Any]) -> Calls:
        """The calls that log `times` events or points, of `arrays` if the case has arrays."""
        if self.arrays:
            return [("values", list(islice(cycle(arrays), times)))]
        if self.kind == "text":
            return [("words", made.texts(times))]
        if self.function == "scalar_tags":
            return [(MANY_TAGS[:self.tags], made.scalars(max(1, times // self.tags)))]
        if self.function in ("scalars_dict", "scalars_message"):
            return [(TEN_TAGS, made.scalars(times))]
        values = made.scalars(times // self.threads)
        return [(f"loss{i}" if self.threads > 1 else "loss", values) for i in range(self.threads)]


def expected(case: Case, calls: Calls) -> Iterator[Tuple[str, int, Any]]:
    """(tag, step, value) of everything that `calls` log, tag by tag."""
    for tags, values in calls:
        for tag in [tags] if isinstance(tags, str) else tags:
            for step, value in enumerate(values):
                yield tag, step, value


CASES: Sequence[Case] = (
    Case("scalar-one", "scalar", "add_scalar", "scalar", "scalar", 200_000, 20_000, 6_000,
         quick=True, crcmod=True),
    Case("scalar-threads", "scalar", "add_scalar from 8 threads", "scalar", "scalar",
         160_000, 16_000, 4_000, threads=8, crcmod=True),
    Case("scalar-tags", "scalar", "add_scalar over 1000 tags", "scalar_tags", "scalar",
         200_000, 20_000, 6_000, tags=1000, crcmod=True),
    Case("scalar-dict", "scalar", "ten values as one event (peers: ten times add_scalar)",
         "scalars_dict", "scalar", 20_000, 2_000, 600, instead="scalar_tags", tags=10,
         unit="event", quick=True, crcmod=True),
    Case("scalar-message", "scalar", "ten values as one event (peers: a message made by hand)",
         "scalars_message", "scalar", 20_000, 5_000, 3_000, tags=10, unit="event"),
    Case("scalar-series", "scalar", "add_scalar_series (peers: add_scalar)", "series", "scalar",
         1_000_000, 20_000, 6_000, instead="scalar", unit="point", quick=True, crcmod=True),
    Case("scalar-through", "scalar", "add_scalar, handed to the kernel in the call", "scalar",
         "scalar", 50_000, 20_000, 6_000, opened="open_write_through", crcmod=True),
    Case("scalar-plain", "scalar", "add_scalar without numpy", "scalar", "scalar",
         100_000, 20_000, 0, numpy=False, only=(OURS, "crcmod", "tensorboardX"), crcmod=True),
    Case("histogram-1e3", "histogram", "add_histogram, 1 000 values", "histogram", "histogram",
         2000, 400, 200, "weights-1e3", quick=True, crcmod=True),
    Case("histogram-1e5", "histogram", "add_histogram, 100 000 values", "histogram", "histogram",
         400, 150, 60, "weights-1e5", crcmod=True),
    Case("histogram-1e7", "histogram", "add_histogram, 10 000 000 values", "histogram",
         "histogram", 6, 4, 1, "weights-1e7", crcmod=True),
    Case("histogram-1e7-one", "histogram", "add_histogram, 10 000 000 values, one core",
         "histogram", "histogram", 6, 4, 0, "weights-1e7", cores=1,
         only=(OURS, "tensorboardX", "torch", "mxboard")),
    Case("histogram-old-numpy", "histogram", "add_histogram, 10 000 000 values, numpy 1.23",
         "histogram", "histogram", 6, 2, 0, "weights-1e7", home="numpy123",
         only=(OURS, "tensorboardX", "mxboard")),
    Case("image-28", "image", "add_image, 28x28 grey", "image", "image", 2000, 400, 200,
         "digits", crcmod=True),
    Case("image-224", "image", "add_image, 224x224x3 noisy-natural", "image", "image", 200, 50, 50,
         "natural-224", quick=True, crcmod=True),
    Case("image-1024", "image", "add_image, 1024x1024x3 noisy-natural", "image", "image", 30, 4, 4,
         "natural-1024", quick=True, crcmod=True),
    Case("image-1024-fast", "image", "add_image, 1024x1024x3 noisy-natural, isal", "image",
         "image", 30, 4, 4, "natural-1024", environ={"TBWRITER_PNG": "isal"},
         only=(OURS, "tensorboardX", "tf")),
    Case("image-noise", "image", "add_image, 1024x1024x3 noise", "image", "image", 30, 4, 8,
         "noise-1024", crcmod=True),
    Case("image-photographs", "image", "add_image, real photographs", "image", "image", 50, 10, 10,
         "photographs", crcmod=True),
    Case("image-plots", "image", "add_image, plots 480x640", "image", "image", 60, 15, 15,
         "plots"),
    Case("image-digit-grids", "image", "add_image, grids of digits 242x242", "image", "image",
         100, 30, 30, "digit-grids"),
    Case("audio", "audio", "add_audio, 1 s at 44.1 kHz", "audio", "audio", 500, 100, 100,
         "sounds", unit="call", quick=True, crcmod=True),
    Case("text", "text", "add_text", "text", "text", 20_000, 5_000, 3_000, quick=True, crcmod=True),
    Case("embedding", "embedding", "add_embedding, 10 000 x 128", "embedding", "embedding",
         10, 1, 0, "matrix", only=(OURS, "crcmod", "tensorboardX", "torch", "mxboard"),
         crcmod=True),
    Case("memory", "memory", "a million add_scalar", "scalar", "scalar", 1_000_000, 0, 0,
         only=(OURS,)),
    Case("paced-scalar", "paced", "add_scalar, a call every 0.2 ms", "scalar", "scalar",
         15_000, 5_000, 5_000, pace=0.0002, quick=True, crcmod=True),
    Case("paced-image", "paced", "add_image 1024x1024x3, a call every 50 ms", "image", "image",
         60, 6, 6, "natural-1024", pace=0.05),
    Case("paced-histogram", "paced", "add_histogram of 1 M values, a call every 20 ms",
         "histogram", "histogram", 100, 30, 8, "weights-1e6", pace=0.02),
)


class Target(NamedTuple):
    """A target of a case.

    aim: the number; a ratio to the fastest peer, unless `measure` takes another number from the
        case's results.
    at_most: the number is a limit, not a goal.
    also: an alternative aim, and its measure in tbwriter's own result; one of the two must be met.
    """

    case: str
    title: str
    aim: float
    measure: Optional[Callable[[Dict[str, Dict[str, Any]]], Optional[float]]] = None
    at_most: bool = False
    unit: str = "x"
    also: Optional[Tuple[float, Callable[[Dict[str, Any]], float]]] = None


def _ours(key: str, scale: float = 1.0
          ) -> Callable[[Dict[str, Dict[str, Any]]], Optional[float]]:
    def measure(results: Dict[str, Dict[str, Any]]) -> Optional[float]:
        value = results.get(OURS, {}).get(key)
        return None if value is None else value * scale
    return measure


def _m_a_second(result: Dict[str, Any]) -> float:
    """Millions of calls or points per second."""
    return float(1 / result["disk_us"])


def _paced(case: str, what: str, key: str, aim: float) -> Target:
    return Target(case, f"{what} at training pace, {key[:-3]}", aim, measure=_ours(key),
                  at_most=True, unit="us")


def _size(case: str, what: str, aim: float) -> Target:
    return Target(case, f"PNG size, {what}", aim, measure=_ours("size_ratio"), at_most=True,
                  unit="x Pillow's")


# Megabytes that a writer may hold: the default of max_buffer, and 64.
_BOUND = 256 + 64
# How much larger than Pillow's a picture may be if it is encoded several times as fast.
_LARGER = 1.1

# Aims within reach: README.md lists how much of each call Python, numpy and zlib take.
TARGETS: Sequence[Target] = (
    Target("scalar-one", "add_scalar", 60),
    Target("scalar-threads", "add_scalar from 8 threads", 33),
    Target("scalar-tags", "add_scalar over 1000 tags", 25),
    Target("scalar-dict", "ten values as one event", 14),
    Target("scalar-series", "add_scalar_series, or 17 M points/s", 300, also=(17, _m_a_second)),
    Target("scalar-through", "add_scalar, write-through", 6),
    Target("histogram-1e3", "add_histogram, 1 000 values", 4),
    Target("histogram-1e5", "add_histogram, 100 000 values", 2),
    Target("histogram-1e7", "add_histogram, 10 000 000 values", 1.5),
    Target("histogram-1e7", "add_histogram, 10 000 000 values, extra memory", _BOUND,
           measure=_ours("peak_mb"), at_most=True, unit="MB"),
    Target("histogram-old-numpy", "add_histogram, 10 000 000 values, numpy 1.23", 10),
    Target("image-28", "add_image, 28x28", 3),
    Target("image-224", "add_image, 224x224x3", 7),
    Target("image-1024", "add_image, 1024x1024x3", 17),
    Target("image-noise", "add_image, noise", 8),
    Target("image-photographs", "add_image, photographs", 4),
    Target("image-1024-fast", "add_image, 1024x1024x3, extra `fast`", 20),
    *(_size(case, title, _LARGER) for case, title in (
        ("image-224", "224x224x3 noisy-natural"), ("image-1024", "1024x1024x3 noisy-natural"),
        ("image-28", "28x28 grey"), ("image-noise", "noise"), ("image-photographs", "photographs"),
        ("image-plots", "plots"), ("image-digit-grids", "grids of digits"))),
    Target("memory", "a million add_scalar, extra memory", 64, measure=_ours("peak_mb"),
           at_most=True, unit="MB"),
    Target("image-1024", "add_image, 1024x1024x3, extra memory", _BOUND,
           measure=_ours("peak_mb"), at_most=True, unit="MB"),
    Target("audio", "add_audio", 4),
    Target("text", "add_text", 5),
    Target("embedding", "add_embedding, 10 000 x 128", 100),
    _paced("paced-scalar", "add_scalar", "p50_us", 1.5),
    _paced("paced-scalar", "add_scalar", "p99_us", 10),
    _paced("paced-scalar", "add_scalar", "p99.9_us", 30),
    _paced("paced-image", "add_image 1024x1024x3", "p50_us", 1000),
    _paced("paced-histogram", "add_histogram of 1 M values", "p50_us", 1000),
)
