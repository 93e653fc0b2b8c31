"""The judges of event files: real protobuf, and stock TensorBoard with each of its loaders.

    values(summary)         the values of a Summary, as TensorBoard's own compiled message
    events(path)            every record as TensorBoard's own compiled Event, all checksums checked
    board(logdir, loader)   every point that the loader gives to the dashboards
    http(logdir, loader)    a running TensorBoard, for the requests that its dashboards send

None of them runs a line of the package under test. "fast" is tensorboard-data-server, which
TensorBoard starts by default on Linux; "python" is the loader used everywhere else. A judge has
loaded the whole log directory before it answers, and each wait has a time limit.
"""
from __future__ import annotations

import contextlib
import json as json_module
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import pytest
import tensorboard_data_server
from google.protobuf import message
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow
from tensorboard.context import RequestContext
from tensorboard.data import grpc_provider, provider, server_ingester
from tensorboard.util import grpc_util

try:
    import google_crc32c
except ImportError:
    google_crc32c = None  # type: ignore[assignment]

LOADERS = ("fast", "python")
both_loaders = pytest.mark.parametrize("loader", LOADERS)

# The time limit of a judge in seconds.
PATIENCE = 120

# The plugins whose tags TensorBoard samples by default. The judges ask for all of their points.
PLUGINS = ("scalars", "histograms", "distributions", "images", "audio", "text", "pr_curves", "mesh",
           "hparams", "custom_scalars", "graphs", "graph_tagged_run_metadata", "graph_run_metadata",
           "graph_run_metadata_graph", "graph_keras_model")
EVERYTHING = 10 ** 9

_Bytes = bytes  # inside Http, bytes is its method


def values(summary: Any) -> List[Any]:
    """The values of a Summary that is not written yet."""
    return list(summary_pb2.Summary.FromString(summary.SerializeToString()).value)


def events(path: Any) -> List[Any]:
    """The events of one file, or of all event files below a directory in TensorBoard's order.

    AssertionError for a frame that is cut off, a wrong checksum or an unparsable event.
    """
    path = Path(path)
    files = sorted(file for file in path.rglob("*tfevents*") if file.is_file()) \
        if path.is_dir() else [path]
    return [_parse(file, record) for file in files for record in _records(file)]


def _records(file: Path) -> Iterator[bytes]:
    """TFRecord: "uint64 length, uint32 masked crc of length, data, uint32 masked crc of data"."""
    content = file.read_bytes()
    at = 0
    while at < len(content):
        head = content[at:at + 12]
        assert len(head) == 12, f"{file}: got {len(head)} bytes at {at}, want a header of 12"
        length, length_crc = struct.unpack("<QI", head)
        assert masked_crc32c(head[:8]) == length_crc, f"{file}: wrong length checksum at {at}"
        end = at + 12 + length
        assert end + 4 <= len(content), f"{file}: the record at {at} is cut off"
        data = content[at + 12:end]
        assert struct.unpack("<I", content[end:end + 4])[0] == masked_crc32c(data), \
            f"{file}: wrong data checksum at {at}"
        yield data
        at = end + 4


def masked_crc32c(data: bytes) -> int:
    """Computed by Google's library if installed, else by TensorBoard's, which takes 0.2 s per MB.
    """
    if google_crc32c is None:
        return int(pywrap_tensorflow.masked_crc32c(data))
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF


def _parse(file: Path, record: bytes) -> Any:
    try:
        return event_pb2.Event.FromString(record)
    except message.DecodeError as error:
        raise AssertionError(f"{file}: protobuf refuses {record[:80]!r}: {error}") from error


class Board:
    """The data that a loader gives to the dashboards: all points, in the order of the loader."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self._asked = {"experiment_id": ""}

    def runs(self) -> List[str]:
        listed = self._data.list_runs(RequestContext(), **self._asked)
        return sorted(run.run_name for run in listed)

    def plugins(self) -> List[str]:
        """The names of all plugins that have data."""
        return sorted(self._data.list_plugins(RequestContext(), **self._asked))

    def tags(self, plugin: str, run: str = ".") -> Dict[str, Any]:
        """{tag: its time series}: display_name, description, plugin_content, max_step, ..."""
        found: Dict[str, Any] = {}
        for listed in (self._data.list_scalars, self._data.list_tensors,
                       self._data.list_blob_sequences):
            found.update(self._ask(listed, plugin).get(run, {}))
        return found

    def scalars(self, run: str, tag: str, *, wall_times: bool = False) -> List[Tuple[Any, ...]]:
        """[(step, value)]"""
        points = self._series(self._data.read_scalars, "scalars", run, tag)
        return _rows(points, [point.value for point in points], wall_times)

    def tensors(self, plugin: str, run: str, tag: str, *,
                wall_times: bool = False) -> List[Tuple[Any, ...]]:
        """[(step, numpy array)]"""
        points = self._series(self._data.read_tensors, plugin, run, tag)
        return _rows(points, [point.numpy for point in points], wall_times)

    def blobs(self, plugin: str, run: str, tag: str, *,
              wall_times: bool = False) -> List[Tuple[Any, ...]]:
        """[(step, [bytes, ...])]. For an image, the first two are its width and height as text."""
        points = self._series(self._data.read_blob_sequences, plugin, run, tag)
        blobs = [[self._data.read_blob(RequestContext(), blob_key=reference.blob_key)
                  for reference in point.values] for point in points]
        return _rows(points, blobs, wall_times)

    def _series(self, read: Any, plugin: str, run: str, tag: str) -> List[Any]:
        wanted = provider.RunTagFilter(runs=[run], tags=[tag])
        found = self._ask(read, plugin, run_tag_filter=wanted, downsample=EVERYTHING)
        return list(found.get(run, {}).get(tag, []))

    def _ask(self, method: Any, plugin: str, **more: Any) -> Dict[str, Any]:
        return dict(method(RequestContext(), plugin_name=plugin, **self._asked, **more))


def _rows(points: Sequence[Any], values: Sequence[Any], wall_times: bool) -> List[Tuple[Any, ...]]:
    if wall_times:
        return [(point.step, value, point.wall_time) for point, value in zip(points, values)]
    return [(point.step, value) for point, value in zip(points, values)]


@contextlib.contextmanager
def board(logdir: Any, loader: str, plugins: Sequence[str] = (),
          strict: bool = True) -> Iterator[Board]:
    """The log directory as `loader` reads it now.

    plugins: further plugins whose points are not to be sampled. strict: the fast loader verifies
    checksums, and an error in its log fails the test. False: it runs as users run it.
    """
    names = (*PLUGINS, *plugins)
    if loader == "python":
        yield Board(_python_data(str(logdir), names))
    else:
        with _fast_data(str(logdir), names, strict) as data:
            yield Board(data)


def _python_data(logdir: str, plugins: Sequence[str]) -> Any:
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        # 0 keeps everything.
        size_guidance={"tensors": 0}, tensor_size_guidance={name: 0 for name in plugins})
    multiplexer.AddRunsFromDirectory(logdir)
    multiplexer.Reload()
    return data_provider.MultiplexerDataProvider(multiplexer, logdir)


@contextlib.contextmanager
def _fast_data(logdir: str, plugins: Sequence[str], strict: bool) -> Iterator[Any]:
    with tempfile.TemporaryDirectory(prefix="judges_") as scratch:
        port_file, log_file = Path(scratch, "port"), Path(scratch, "log")
        command = [tensorboard_data_server.server_binary(), f"--logdir={logdir}", "--reload=once",
                   "--verbose", "--die-after-stdin", "--port=0", f"--port-file={port_file}",
                   "--samples-per-plugin=" + ",".join(f"{name}=all" for name in plugins),
                   *(["--checksum"] if strict else [])]
        with _process(command, log_file, stdin=subprocess.PIPE) as server:
            _wait_for(lambda: "Finished load cycle" in _text(log_file), server, log_file)
            if strict:
                _refuse_read_errors(log_file)
            stub = server_ingester._make_stub(f"localhost:{_text(port_file).strip()}",
                                              grpc_util.ChannelCredsType.LOCAL)
            yield grpc_provider.GrpcDataProvider("localhost", stub)
            if strict:
                _refuse_read_errors(log_file)


class Http:
    """A running TensorBoard. AssertionError with the text of the answer if a request fails."""

    def __init__(self, address: str) -> None:
        self.address = address

    def json(self, path: str, **params: Any) -> Any:
        return json_module.loads(self.bytes(path, **params))

    def bytes(self, path: str, **params: Any) -> bytes:
        return self.get(path, **params)[0]

    def get(self, path: str, **params: Any) -> Tuple[_Bytes, str]:
        """(body, content type). A parameter that is a list is given once per item."""
        query = urllib.parse.urlencode(params, doseq=True)
        separator = "&" if "?" in path else "?"
        return self._open(urllib.request.Request(self._url(path)
                                                 + (separator + query if query else "")))

    def post(self, path: str, form: Optional[Dict[str, Any]] = None, json: Any = None) -> Any:
        """The JSON answer to a form, or to a JSON body."""
        if form is not None:
            body = urllib.parse.urlencode(form, doseq=True)
            kind = "application/x-www-form-urlencoded"
        else:
            body, kind = json_module.dumps(json), "application/json"
        request = urllib.request.Request(self._url(path), data=body.encode(),
                                         headers={"Content-Type": kind})
        return json_module.loads(self._open(request)[0])

    def _url(self, path: str) -> str:
        """The URL of a path, absolute or relative to /data/plugin/, as in "scalars/tags"."""
        return self.address + (path if path.startswith("/") else "/data/plugin/" + path)

    def _open(self, request: urllib.request.Request) -> Tuple[_Bytes, str]:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE / 2) as answer:
                return answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{request.full_url}: HTTP {error.code}: "
                                 f"{error.read()[:500]!r}") from None


@contextlib.contextmanager
def http(logdir: Any, loader: str, plugins: Sequence[str] = (), reload: int = 0,
         strict: bool = True, sampled: bool = False) -> Iterator[Http]:
    """A stock TensorBoard for the log directory, on a port of the loopback.

    reload: seconds between two reads of the directory; 0 reads it once. strict: a read error in
    TensorBoard's log fails the test; False for tests that expect one. sampled: keep as many values
    as TensorBoard keeps by default, instead of all.
    """
    samples = ",".join(f"{name}={EVERYTHING}" for name in (*PLUGINS, *plugins))
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir),
               "--host", "127.0.0.1", "--port", "0", f"--reload_interval={reload}"]
    if not sampled:
        command += ["--samples_per_plugin", samples]
    if loader == "python":
        command += ["--load_fast=false", "--reload_task=blocking"]
    else:
        command += ["--load_fast=true", "--extra_data_server_flags=--verbose --checksum"]
    with tempfile.TemporaryDirectory(prefix="judges_") as scratch:
        log_file = Path(scratch, "log")
        with _process(command, log_file, stdin=subprocess.DEVNULL) as server:
            wanted = r"http://127\.0\.0\.1:\d+"
            _wait_for(lambda: re.search(wanted, _text(log_file)) is not None
                      and (loader == "python" or "Finished load cycle" in _text(log_file)),
                      server, log_file)
            _refuse_read_errors(log_file)
            match = re.search(wanted, _text(log_file))
            assert match
            yield Http(match.group())
            if strict:
                _refuse_read_errors(log_file)


@contextlib.contextmanager
def _process(command: List[str], log_file: Path, stdin: int) -> Iterator["subprocess.Popen[bytes]"]:
    """A server with its output in `log_file`. It is stopped by its pid, or by the time limit."""
    # RUST_LOG would override --verbose, whose lines report when loading is complete.
    environment = {name: value for name, value in os.environ.items() if name != "RUST_LOG"}
    with open(log_file, "wb") as log:
        server = subprocess.Popen(command, stdin=stdin, stdout=log, stderr=log, env=environment)
    # A call to the data server has no time limit of its own, but fails when the server is killed.
    watchdog = threading.Timer(PATIENCE, server.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield server
    finally:
        watchdog.cancel()
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)
        if server.stdin:
            server.stdin.close()


def _wait_for(ready: Any, server: "subprocess.Popen[bytes]", log_file: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        if server.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"the judge did not start: {_text(log_file)[-2000:]}")
        time.sleep(0.02)


def _refuse_read_errors(log_file: Path) -> None:
    log = _text(log_file)
    assert "Read error" not in log and "DecodeError" not in log, log


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except FileNotFoundError:
        return ""
