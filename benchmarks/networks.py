"""Histograms of all parameters and gradients of a network: the largest cost that users notice.

    python -m benchmarks networks
    python -m benchmarks.networks [--rounds N] [--python NAME=PATH ...] [--also NAME=SOURCE]

One log writes a histogram of each parameter and of its gradient, as float32 in the shapes of
ResNet-50, BERT-base and MobileNet. Measured are the second log and later ones of a process: the
time of all calls together, of the longest call, until all is on disk, the processor time of all
threads, and the memory added at the peak. Writers take turns, each in a process of its own, and
the median of the rounds is printed. "sampled" is tbwriter with max_values=50_000. --also measures
another source tree of this package beside this one.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

Shape = Tuple[int, ...]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = 3


def resnet50() -> Iterator[Shape]:
    """The parameters of ResNet-50: 25.6 million values in 161 arrays."""
    yield from ((64, 3, 7, 7), (64,), (64,))
    channels = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            yield from ((width, channels, 1, 1), (width,), (width,))
            yield from ((width, width, 3, 3), (width,), (width,))
            yield from ((4 * width, width, 1, 1), (4 * width,), (4 * width,))
            if not block:
                yield from ((4 * width, channels, 1, 1), (4 * width,), (4 * width,))
            channels = 4 * width
    yield from ((1000, 2048), (1000,))


def bert() -> Iterator[Shape]:
    """The parameters of BERT-base: 110 million values in 199 arrays."""
    yield from ((30522, 768), (512, 768), (2, 768), (768,), (768,))
    for _ in range(12):
        for _ in range(4):
            yield from ((768, 768), (768,))
        yield from ((768,), (768,), (3072, 768), (3072,), (768, 3072), (768,), (768,), (768,))
    yield from ((768, 768), (768,))


def mobilenet() -> Iterator[Shape]:
    """The parameters of MobileNet v1, small: 200 arrays with those of its normalizations."""
    channels = 8
    yield from ((channels, 3, 3, 3), (channels,), (channels,), (channels,), (channels,))
    for width in (16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256):
        yield from ((channels, 1, 3, 3), *[(channels,)] * 4)
        yield from ((width, channels, 1, 1), *[(width,)] * 4)
        channels = width
    yield from ((1000, channels), (1000,))


NETWORKS: Dict[str, Callable[[], Iterator[Shape]]] = {
    "ResNet-50": resnet50, "BERT-base": bert, "MobileNet": mobilenet}
SAMPLED = "tbwriter, sampled"


def arrays(network: str) -> List[Any]:
    """Parameters and gradients, seeded."""
    import numpy as np
    random = np.random.default_rng(0)
    return [random.normal(0, scale, shape).astype(np.float32)
            for scale in (0.05, 1e-4) for shape in NETWORKS[network]()]


def log(writer: Any, values: Sequence[Any], step: int, **options: Any) -> Dict[str, float]:
    """The times of logging all arrays once, in milliseconds."""
    longest = 0.0
    cpu, start = time.process_time(), time.perf_counter()
    for number, array in enumerate(values):
        called = time.perf_counter()
        writer.add_histogram(f"values/{number}", array, step, **options)
        longest = max(longest, time.perf_counter() - called)
    calls = time.perf_counter() - start
    writer.flush()
    end = time.perf_counter() - start
    return {"calls": calls * 1e3, "longest": longest * 1e3, "disk": end * 1e3,
            "cpu": (time.process_time() - cpu) * 1e3}


def child(writer: str, network: str) -> Dict[str, float]:
    """The measurement of one process: the medians over all logs but the first."""
    import resource
    options: Dict[str, Any] = {}
    values = arrays(network)
    if writer == "tensorboardX":
        from tensorboardX import SummaryWriter
    else:
        from tbwriter import SummaryWriter
        if writer == SAMPLED:
            options = {"max_values": 50_000}
    with tempfile.TemporaryDirectory() as directory:
        made = SummaryWriter(directory)
        made.add_histogram("first", values[0], 0)
        made.flush()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        logs = [log(made, values, step, **options) for step in range(LOGS + 1)][1:]
        made.close()
    found = {name: statistics.median(one[name] for one in logs) for name in logs[0]}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {**found, "memory": peak / 1024}


def measure(pythons: Dict[str, str], sources: Dict[str, str], rounds: int
            ) -> List[Dict[str, Any]]:
    """The medians for each network and writer.

    pythons: {writer: interpreter}. sources: {name: source tree} of further versions of tbwriter.
    """
    found = []
    for network in NETWORKS:
        runs: Dict[str, List[Dict[str, float]]] = {}
        for _ in range(rounds):
            for writer in (*pythons, *sources):
                source = sources.get(writer, os.path.join(ROOT, "src"))
                runs.setdefault(writer, []).append(
                    _ask(pythons.get(writer, sys.executable), writer, network, source))
        found += [{"network": network, "writer": writer,
                   **{name: statistics.median(one[name] for one in those) for name in those[0]}}
                  for writer, those in runs.items()]
    return found


def _ask(python: str, writer: str, network: str, source: str) -> Dict[str, float]:
    return _lines(python, source, "benchmarks.networks", "--child", writer, network)[-1]


def trained(python: str, rounds: int) -> List[Dict[str, Any]]:
    """The measurements of `mxnet_resnet` in an interpreter that has MXNet."""
    return _lines(python, os.path.join(ROOT, "src"), "benchmarks.mxnet_resnet", "--json",
                  "--rounds", str(rounds))


def _lines(python: str, source: str, module: str, *arguments: str) -> List[Dict[str, Any]]:
    """The lines of JSON that a module of the benchmarks prints; source: the tree of tbwriter."""
    done = subprocess.run(
        [python, "-m", module, *arguments], text=True, check=True, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([source, ROOT])})
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


HEAD = ("network", "writer", "calls", "longest call", "on disk", "processor", "memory")


def rows(found: Sequence[Dict[str, Any]]) -> List[List[str]]:
    """The table, in milliseconds and megabytes. Peers' times have their ratio to tbwriter's."""
    out = []
    ours = {one["network"]: one for one in found if one["writer"] == "tbwriter"}
    for one in found:
        base = ours.get(one["network"], one)
        cells = [one["network"], one["writer"]]
        for name in ("calls", "longest", "disk", "cpu"):
            times = f" ({one[name] / base[name]:.1f}x)" if one is not base else ""
            cells.append(f"{one[name]:.1f} ms{times}")
        out.append([*cells, f"{one['memory']:.0f} MB"])
    return out


# (network, writer, measurement, how many times as fast as tensorboardX)
_AIMS = (("ResNet-50", "tbwriter", "calls", 10.0), ("ResNet-50", "tbwriter", "disk", 3.0),
         ("ResNet-50", "tbwriter", "cpu", 5.0), ("ResNet-50", SAMPLED, "calls", 20.0),
         ("MobileNet", "tbwriter", "disk", 6.0))
_SHARE = 0.35  # of a step of ResNet-18: the extra time of one that logs
_TITLES = {"calls": "calls", "disk": "until on disk", "cpu": "processor time"}


def targets(found: Sequence[Dict[str, Any]], trained: Sequence[Dict[str, Any]]
            ) -> List[Tuple[str, float, Optional[float], bool, str]]:
    """(title, aim, measured value, whether the aim is an upper limit, unit) of each target."""
    times = {(one["network"], one["writer"]): one for one in found}
    out: List[Tuple[str, float, Optional[float], bool, str]] = []
    for network, writer, what, aim in _AIMS:
        ours, theirs = times.get((network, writer)), times.get((network, "tensorboardX"))
        measured = theirs[what] / ours[what] if ours and theirs else None
        sampled = ", sampled" if writer == SAMPLED else ""
        out.append((f"{network}{sampled}, {_TITLES[what]}", aim, measured, False, "x"))
    for one in trained:
        if one["writer"] == "tbwriter":
            out.append(("ResNet-18, extra time of a step that logs", _SHARE,
                        one["extra"] / one["step"], True, "steps"))
    return out


def writers(python: str) -> Dict[str, str]:
    """The writers that this interpreter has. tensorboardX counts only together with crc32c."""
    found = {"tbwriter": python, SAMPLED: python}
    if not subprocess.run([python, "-c", "import tensorboardX, crc32c"],
                          stderr=subprocess.DEVNULL).returncode:
        found["tensorboardX"] = python
    return found


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="processes per writer (3)")
    parser.add_argument("--also", metavar="NAME=SOURCE", action="append", default=[],
                        help="a further source tree of tbwriter")
    parser.add_argument("--child", nargs=2, metavar=("WRITER", "NETWORK"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(child(*options.child)))
        return 0
    from .report import table
    sources = dict(one.split("=", 1) for one in options.also)
    found = measure(writers(sys.executable), sources, options.rounds)
    print(table(HEAD, rows(found), True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
