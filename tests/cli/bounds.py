"""Hostile logs, and how much memory and time each command takes for them.

    python -m tests.cli.bounds [--share X] [--log NAME,...] [--command NAME,...]

makes each log of `LOGS`, runs each command of `COMMANDS` on it in a process of its own, and prints
a row per log: the megabytes over a small log's and over the bytes of the log, and the seconds. The
promise is at most 50 MB and a time in proportion to the bytes. `share` makes the logs smaller.
"""
from __future__ import annotations

import argparse
import gzip
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple

from tbwriter._proto import schema, wire
from tests.check.making import plugin, start, value_event
from tests.support.data import VERSION, record_of, scalar_event, written

COMMANDS: Dict[str, List[str]] = {
    "check": ["check", "LOGS"], "check json": ["check", "--json", "LOGS"],
    "show": ["show", "LOGS"], "show json": ["show", "--json", "LOGS"],
    "tail": ["tail", "LOGS", "--once"],
    "export": ["export", "LOGS"], "jsonl": ["export", "LOGS", "--format", "jsonl"],
    "parquet": ["export", "LOGS", "--format", "parquet", "--output", "OUT"],
    "hparams": ["export", "LOGS", "--hparams"], "files": ["export", "LOGS", "--files", "OUT"],
    "repair": ["repair", "LOGS", "OUT"], "merge": ["merge", "LOGS", "OTHER", "OUT"],
    "select": ["select", "LOGS", "OUT", "--rename", "0*=new*"],
    "thin": ["thin", "LOGS", "OUT", "--points", "3"],
    "reduce": ["reduce", "LOGS", "OTHER", "OUT"],
}
# The beginning of a program that measures the memory of commands, in kB, over what they load.
PEAK = """
import importlib, pkgutil, sys, tbwriter.cli, tbwriter.reader
for module in pkgutil.iter_modules(tbwriter.cli.__path__):
    importlib.import_module("tbwriter.cli." + module.name)
def peak():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
before = peak()
"""
_LIMIT = 300  # seconds
_MB = 1 << 20


def framed(directory: Path, events: Iterable[bytes], name: str = "1600000000") -> None:
    """An event file of any size."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / f"events.out.tfevents.{name}", "wb") as file:
        file.write(record_of(VERSION))
        for event in events:
            file.write(record_of(event))


def tensor(dtype: int, lengths: Iterable[int], elements: bytes) -> bytes:
    """Summary.Value's tensor."""
    shape = b"".join(wire.bytes_field(2, wire.int_field(1, length)) for length in lengths)
    return wire.bytes_field(schema.Value.TENSOR, b"".join((
        wire.int_field(1, dtype), wire.bytes_field(schema.Tensor.TENSOR_SHAPE, shape), elements)))


def of_plugin(name: str, content: bytes = b"") -> bytes:
    return plugin(name, content, schema.PLUGINS[name].data_class)


def text_event(tag: str, length: int, step: int = 1) -> bytes:
    return value_event(tag, tensor(7, [1], wire.bytes_field(8, b"A" * length)), of_plugin("text"),
                       step=step)


def summary(values: Iterable[bytes], step: int = 0) -> bytes:
    return wire.double_field(1, 1.6e9) + wire.int_field(2, step) + wire.bytes_field(5, b"".join(
        wire.bytes_field(1, value) for value in values))


def short(tag: bytes) -> bytes:
    """A scalar without metadata."""
    return wire.bytes_field(1, tag) + b"\x15" + bytes(4)


def _tags(directory: Path, share: float) -> None:
    framed(directory, (scalar_event(f"{at:06d}", 0.5, 1) for at in range(int(1e6 * share))))


def _tags_packed(directory: Path, share: float) -> None:
    framed(directory, (summary(short(b"%06x" % at) for at in range(first, first + 1000))
                       for first in range(0, int(1e6 * share), 1000)))


def _text_tags(directory: Path, share: float) -> None:
    framed(directory, (text_event(f"{at:06d}", 1) for at in range(int(3e5 * share))))


def _tags_of_two(directory: Path, share: float) -> None:
    framed(directory, (scalar_event(f"{at:06d}", 0.5, step) for step in range(2)
                       for at in range(int(5e5 * share))))


def _described_tags(directory: Path, share: float) -> None:
    """Tags that each have a description of their own."""
    framed(directory, (value_event(
        f"{at:06d}", b"\x15" + bytes(4), wire.bytes_field(schema.Value.METADATA, b"".join((
            wire.bytes_field(1, wire.string_field(1, "scalars")),
            wire.string_field(schema.SummaryMetadata.SUMMARY_DESCRIPTION, f"about {at}"),
            wire.int_field(schema.SummaryMetadata.DATA_CLASS, 1)))))
        for at in range(int(3e5 * share))))


def _one_event(directory: Path, share: float) -> None:
    framed(directory, [summary([short(b"t")] * int(1e6 * share))])


def _one_event_of_texts(directory: Path, share: float) -> None:
    value = b"\x0a\x01t" + tensor(7, [1], b"\x42\x01A") + of_plugin("text")
    framed(directory, [summary([value] * int(3e5 * share))])


def _empty_events(directory: Path, share: float) -> None:
    framed(directory, [b""] * int(1e6 * share))


def _bad_events(directory: Path, share: float) -> None:
    framed(directory, [b"\xff"] * int(5e5 * share))


def _bad_values(directory: Path, share: float) -> None:
    bad = value_event("t", tensor(7, [2], b"\x42\x01A"), of_plugin("scalars"))
    framed(directory, [scalar_event("t", 0.5, 1)] + [bad] * int(2e5 * share))


def _files(directory: Path, share: float) -> None:
    for at in range(int(1e4 * share)):
        written(directory, [scalar_event("loss", 0.5, at)], f"{1600000000 + at}")


def _same_files(directory: Path, share: float) -> None:
    """Files of one time, with values of one step."""
    events = [scalar_event("loss", 0.5, step, 1.6e9 + step * 100) for step in range(2)]
    for at in range(int(3e3 * share)):
        written(directory, events, f"1600000000.{at}")


def _runs(directory: Path, share: float) -> None:
    for at in range(int(3e3 * share)):
        written(directory / f"run{at}", [scalar_event("loss", 0.5, 1)])


def _text(directory: Path, share: float) -> None:
    framed(directory, [text_event("t", int(50e6 * share))])


def _string(directory: Path, share: float) -> None:
    value = tensor(7, [], wire.bytes_field(8, b"\xc3\xa4" * int(5e7 * share)))
    framed(directory, [value_event("t", value, plugin("other", b"", 2))])


def _two_texts(directory: Path, share: float) -> None:
    framed(directory, [text_event(tag, int(20e6 * share)) for tag in "ab"])


def _texts(directory: Path, share: float) -> None:
    framed(directory, (text_event("t", 1_000_000, step) for step in range(int(100 * share))))


def _floats(directory: Path, share: float) -> None:
    count = int(20e6 * share)
    framed(directory, [value_event("t", tensor(1, [6, count // 6], wire.bytes_field(
        schema.Tensor.FLOAT_VAL, bytes(count // 6 * 24))), of_plugin("pr_curves"))])


def _halves(directory: Path, share: float) -> None:
    count = int(20e6 * share)
    framed(directory, [value_event("t", tensor(19, [6, count // 6], wire.bytes_field(
        schema.Tensor.HALF_VAL, bytes(count // 6 * 6))), of_plugin("pr_curves"))])


def _unpacked(directory: Path, share: float) -> None:
    count = int(2e6 * share)
    framed(directory, [value_event("t", tensor(1, [6, count // 6], b"\x2d\0\0\0\0" * (
        count // 6 * 6)), of_plugin("pr_curves"))])


def _histogram(directory: Path, share: float) -> None:
    packed = b"\0\0\0\0\0\0\xf0\x3f" * int(3e6 * share)
    framed(directory, [value_event("t", wire.bytes_field(5, wire.bytes_field(6, packed)
                                                         + wire.bytes_field(7, packed)))])


def _graph(directory: Path, share: float) -> None:
    nodes = (wire.bytes_field(1, wire.string_field(1, f"layer/node{at}")
                              + wire.string_field(2, "Add") + wire.string_field(3, f"x{at - 1}"))
             for at in range(int(2e5 * share)))
    framed(directory, [wire.double_field(1, 1.6e9) + wire.bytes_field(4, b"".join(nodes))])


def _pixels(directory: Path, share: float) -> None:
    """A PNG of 20 000 x 20 000 pixels in 0.4 MB."""
    side = int(2e4 * share)
    deflate = zlib.compressobj(9)
    data = b"".join([deflate.compress(bytes(side + 1)) for _ in range(side)]) + deflate.flush()

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(
            ">I", zlib.crc32(name + content))
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(
        ">IIBBBBB", side, side, 8, 0, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    size = b"%d" % side
    framed(directory, [value_event("t", tensor(7, [3], b"".join(
        wire.bytes_field(8, one) for one in (size, size, png))), of_plugin("images"))])


def _images(directory: Path, share: float) -> None:
    """One value of 20 images of 1 MB."""
    png = b"\x89PNG\r\n\x1a\n" + bytes(int(1e6 * share))
    framed(directory, [value_event("t", tensor(7, [22], b"".join(
        wire.bytes_field(8, one) for one in (b"9", b"9", *[png] * 20))), of_plugin("images"))])


def _hparams(directory: Path, share: float) -> None:
    entries = (wire.bytes_field(1, wire.string_field(1, f"h{at}") + wire.bytes_field(
        2, wire.double_field(2, 0.5))) for at in range(int(1e5 * share)))
    framed(directory, [value_event(schema.SESSION_START_TAG, of_plugin(
        "hparams", wire.bytes_field(3, b"".join(entries))))])


def _nested(directory: Path, share: float) -> None:
    """Messages within messages, as a graph and as a layout."""
    data = b""
    for _ in range(int(2000 * share)):
        data = wire.bytes_field(1, data)
    layout = value_event(schema.LAYOUT_TAG, tensor(7, [], wire.bytes_field(8, data)),
                         of_plugin(schema.CUSTOM_SCALARS))
    framed(directory, [wire.double_field(1, 1.6e9) + wire.bytes_field(4, data), layout])
    (directory / "projector_config.pbtxt").write_text("embeddings {" * int(1e5 * share))


def _name(directory: Path, share: float) -> None:
    framed(directory, [scalar_event("n" * int(1e7 * share), 0.5, step) for step in range(2)])


def _names(directory: Path, share: float) -> None:
    """Tags of 1000 characters beyond ASCII."""
    framed(directory, (scalar_event("ä" * 1000 + str(at), 0.5, 1)
                       for at in range(int(2e4 * share))))


def _zeros(directory: Path, share: float) -> None:
    """0.5 MB that are 500 MB of zeros."""
    directory.mkdir()
    deflate = zlib.compressobj(9, wbits=31)
    with open(directory / "events.out.tfevents.1600000000.gz", "wb") as file:
        file.write(deflate.compress(record_of(VERSION)))
        for _ in range(int(500 * share)):
            file.write(deflate.compress(bytes(_MB)))
        file.write(deflate.flush())


def _zipped_tags(directory: Path, share: float) -> None:
    """Records of one scalar, compressed."""
    directory.mkdir()
    with gzip.open(directory / "events.out.tfevents.1600000000.gz", "wb") as file:
        file.write(record_of(VERSION))
        for step in range(int(3e5 * share)):
            file.write(record_of(scalar_event("loss", 0.5, step)))


def _lies(directory: Path, share: float) -> None:
    """Headers that each claim all that follows."""
    directory.mkdir()
    from tbwriter._tfrecord.frame import header
    size = int(5e6 * share)
    with open(directory / "events.out.tfevents.1600000000", "wb") as file:
        file.write(record_of(VERSION) + b"\xff" * 16)
        for at in range(0, size, 12):
            file.write(header(max(1, size - at - 16)))


def _damaged(directory: Path, share: float) -> None:
    """Every second record has a wrong byte."""
    framed(directory, [])
    bad = bytearray(record_of(scalar_event("loss", 0.5, 1)))
    bad[20] ^= 1
    with open(directory / "events.out.tfevents.1600000000", "ab") as file:
        for step in range(int(1e5 * share)):
            file.write(bad + record_of(scalar_event("loss", 0.5, step)))


def _restarts(directory: Path, share: float) -> None:
    def events() -> Iterator[bytes]:
        for step in range(int(5e4 * share)):
            yield start(step)
            yield scalar_event("loss", 0.5, step)
    framed(directory, events())


def _backwards(directory: Path, share: float) -> None:
    """Steps that fall, with restarts that fall too."""
    def events() -> Iterator[bytes]:
        count = int(5e4 * share)
        for at in range(count):
            yield scalar_event(f"t{at % 10}", 0.5, count - at)
            yield start(count - at)
    framed(directory, events())


LOGS: Dict[str, Callable[[Path, float], None]] = {
    "a million tags": _tags, "a million tags in 1000 events": _tags_packed,
    "500 000 tags of two values": _tags_of_two,
    "300 000 tags with their own description": _described_tags,
    "300 000 tags of text": _text_tags, "a million values in an event": _one_event,
    "300 000 texts in an event": _one_event_of_texts, "a million empty events": _empty_events,
    "500 000 bad events": _bad_events, "200 000 bad values": _bad_values,
    "10 000 files": _files, "3000 files of one time": _same_files, "3000 runs": _runs,
    "a text of 50 MB": _text, "a string of 100 MB": _string, "two texts of 20 MB": _two_texts,
    "100 texts of 1 MB": _texts, "20 million floats": _floats, "20 million halves": _halves,
    "2 million unpacked floats": _unpacked, "a histogram of 48 MB": _histogram,
    "a graph of 200 000 nodes": _graph, "a PNG of 20 000 x 20 000": _pixels,
    "20 images of 1 MB": _images, "100 000 hyperparameters": _hparams,
    "2000 nested messages": _nested, "a tag of 10 MB": _name, "20 000 tags of 2 kB": _names,
    "gzip of 500 MB of zeros": _zeros, "gzip of 300 000 scalars": _zipped_tags,
    "lengths that lie": _lies, "200 000 half damaged records": _damaged,
    "50 000 restarts": _restarts, "50 000 steps backwards": _backwards,
}


def taken(logs: Path, command: List[str], limit: float = _LIMIT) -> Tuple[float, float, int]:
    """Megabytes, seconds and exit code of a command: -1 of one that was ended, -2 after a
    traceback."""
    with tempfile.TemporaryDirectory() as directory:
        other = Path(directory) / "other"
        other.mkdir()
        written(other, [text_event("t", 10)])
        places = {"LOGS": str(logs), "OTHER": str(other), "OUT": os.path.join(directory, "out")}
        begun, errors = time.monotonic(), Path(directory) / "errors"
        with open(errors, "w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tbwriter", *(places.get(word, word) for word in command)],
                stdout=subprocess.DEVNULL, stderr=file)
        status: Any = None
        while status is None and time.monotonic() - begun < limit:
            time.sleep(0.02)
            number, code, usage = os.wait4(process.pid, os.WNOHANG)
            status = (code, usage) if number else None
        if status is None:
            process.kill()
            status = os.wait4(process.pid, 0)[1:]
            process.returncode = -1
            return status[1].ru_maxrss / 1024, time.monotonic() - begun, -1
        process.returncode = os.WEXITSTATUS(status[0]) if os.WIFEXITED(status[0]) else -1
        if "Traceback" in errors.read_text(errors="replace"):
            process.returncode = -2
        return (status[1].ru_maxrss / 1024, status[1].ru_utime + status[1].ru_stime,
                process.returncode)


def size_of(logs: Path) -> float:
    """Megabytes of files."""
    return sum(path.stat().st_size for path in logs.rglob("*") if path.is_file()) / _MB


def rows(logs: List[str], commands: List[str], share: float) -> Iterator[str]:
    """The lines of a table."""
    yield f"| log | MB | {' | '.join(commands)} |"
    yield "| --- | ---: |" + " ---: |" * len(commands)
    with tempfile.TemporaryDirectory() as directory:
        small = Path(directory) / "small"
        written(small, [text_event("t", 10), scalar_event("s", 0.5, 1)])
        base = {name: taken(small, COMMANDS[name])[0] for name in commands}
        for log in logs:
            place = Path(directory) / "logs"
            subprocess.run([sys.executable, "-m", __spec__.name, "--make", str(place), "--share",
                            str(share), "--log", log], check=True)
            size = size_of(place)
            cells = []
            for name in commands:
                peak, seconds, code = taken(place, COMMANDS[name])
                cells.append(f"{peak - base[name] - size:.0f} MB {seconds:.1f} s"
                             + ("" if code in (0, 1) else f" ({code})"))
            yield f"| {log} | {size:.1f} | {' | '.join(cells)} |"
            subprocess.run(["rm", "-r", str(place)], check=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--log", type=lambda text: text.split(","), default=list(LOGS))
    parser.add_argument("--command", type=lambda text: text.split(","), default=list(COMMANDS))
    parser.add_argument("--make", type=Path)
    options = parser.parse_args()
    if options.make:
        LOGS[options.log[0]](options.make, options.share)
        return
    for row in rows(options.log, options.command, options.share):
        print(row, flush=True)


if __name__ == "__main__":
    main()
