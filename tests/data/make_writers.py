"""Makes the event files of kinds of writers that are not installed here, message by message.

    python tests/data/make_writers.py

Needs only TensorBoard: the messages are those of its own compiled protobuf, and the frames are
written here, so that no line of the package takes part. Each directory of tests/data/writers is the
output of one kind of writer; the function that makes it says which. The results of each command are
in tests/cli/test_writers.py.
"""
from __future__ import annotations

import argparse
import gzip
import shutil
import struct
from pathlib import Path
from typing import Any, Iterable, List, Sequence

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

HERE = Path(__file__).parent / "writers"
TIME = 1_500_000_000.0


def frame(data: bytes) -> bytes:
    """TFRecord."""
    length = struct.pack("<Q", len(data))
    return (length + struct.pack("<I", masked_crc32c(length)) + data
            + struct.pack("<I", masked_crc32c(data)))


def write(directory: Path, name: str, events: Iterable[Event], version: bool = True) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"events.out.tfevents.{name}"
    first = [Event(wall_time=TIME, file_version="brain.Event:2")] if version else []
    path.write_bytes(b"".join(frame(event.SerializeToString()) for event in [*first, *events]))
    return path


def scalars(step: int, seconds: float = 0.0, **values: float) -> Event:
    """One event with all values, as a session's merge_all gives it."""
    return Event(wall_time=TIME + step + seconds, step=step, summary=Summary(
        value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]))


def session(status: Any, step: int, seconds: float = 0.0) -> Event:
    return Event(wall_time=TIME + step + seconds, step=step,
                 session_log=SessionLog(status=status, checkpoint_path="model.ckpt"))


def graph(seconds: float = 0.0) -> Event:
    nodes = GraphDef()
    nodes.node.add(name="global_step", op="VariableV2")
    return Event(wall_time=TIME + seconds, graph_def=nodes.SerializeToString())


def estimator_events(first: int, last: int, seconds: float = 0.0) -> List[Event]:
    return [graph(seconds), session(SessionLog.CHECKPOINT, first, seconds),
            session(SessionLog.START, first, seconds),
            *(scalars(step, seconds, loss=1 / (step + 1)) for step in range(first, last))]


def estimator(directory: Path) -> None:
    """tf.estimator, or a MonitoredSession, of TensorFlow 1: the graph at step 0, then a
    CHECKPOINT and a START at the same step, then summaries."""
    write(directory, "1500000000.host", estimator_events(0, 5))


def restarted(directory: Path) -> None:
    """The same training, started again from the checkpoint of step 3: its file has another graph
    and another START, with later times and a greater name."""
    write(directory, "1500000000.host", estimator_events(0, 6))
    write(directory, "1500000100.host", estimator_events(3, 8, 100))


def merge_all(directory: Path) -> None:
    """A FileWriter of TensorFlow 1 that writes tf.summary.merge_all(): several scalars per event.
    """
    write(directory, "1500000000.host", [
        scalars(step, loss=1 / (step + 1), accuracy=step / 10, rate=0.1) for step in range(30)])


def two_writers(directory: Path) -> None:
    """Two processes that write the same tags and steps into one directory at the same time."""
    for number, name in enumerate(("1500000000.host.1", "1500000000.host.2")):
        write(directory, name, [scalars(step, loss=number + step / 10) for step in range(10)])


def clock_set_back(directory: Path) -> None:
    """A run that continues in a second file, after the clock was set back by an hour."""
    write(directory, "1500000000.host", [scalars(step, loss=1.0) for step in range(5)])
    write(directory, "1500000001.host", [scalars(step, -3600, loss=2.0) for step in range(5, 10)])


def zipped(directory: Path) -> None:
    """An event file that was compressed afterwards."""
    path = write(directory, "1500000000.host", [scalars(step, loss=1.0) for step in range(5)])
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()


def unknown_plugin(directory: Path) -> None:
    """A plugin of somebody's own: metadata without a value, and scalars beside it."""
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="flight",
                                                                      content=b"\x01"))
    write(directory, "1500000000.host", [
        Event(wall_time=TIME, summary=Summary(value=[
            Summary.Value(tag="recorder", metadata=metadata)])),
        *(scalars(step, loss=1.0) for step in range(3))])


def empty_file(directory: Path) -> None:
    """A process that never logged left an empty file beside that of another."""
    write(directory, "1500000000.host", [scalars(step, loss=1.0) for step in range(3)])
    write(directory, "1500000001.host", [], version=False)


WRITERS: Sequence[Any] = (estimator, restarted, merge_all, two_writers, clock_set_back, zipped,
                          unknown_plugin, empty_file)

if __name__ == "__main__":
    argparse.ArgumentParser(description="Replace the files in tests/data/writers.").parse_args()
    shutil.rmtree(HERE, ignore_errors=True)
    for make in WRITERS:
        make(HERE / make.__name__)
