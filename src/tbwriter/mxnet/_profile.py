"""MXNet's own profiler in TensorBoard's Profile dashboard: operators, memory, steps, input."""
from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from typing import Any, Callable, Dict, List, Sequence

import mxnet

from .._values.number import as_flag
from ..profile import mxnet_trace
from ..profile.drawing import Drawing
from ..profile.layout import bounds
from ..profile.recorder import MAX_EVENTS, Profile
from ..profile.window import Window, now
from ._arguments import as_integer, as_text, as_writer
from ._profile_nodes import node_names
from ._trace import is_block

# MXNet has one profiler per process, which writes to this file of this folder.
_folder = ""
_FILE = "dump.json"
_devices: Dict[int, str] = {}
# In the error that `set_config` raises after the profiler has run, although it took the settings.
_RAN_BEFORE = "auto_remove_"


def profile(writer: Any, name: str = "", host: str = "", *, operators: bool = True,
            memory: bool = True, api: bool = False, symbol: Any = None, every: int = 0,
            steps: int = 10, max_events: int = MAX_EVENTS) -> "MXNetProfile":
    """Record where the time of MXNet goes, as one session of the Profile dashboard.

        with tbwriter.mxnet.profile(writer) as profile:
            for number, batch in enumerate(profile.input(batches)):
                with profile.step(number):
                    train(batch)

    The profile is that of `FileWriter.profile`, with all its methods, and runs `mx.profiler`
    meanwhile, of which it replaces the configuration.

    writer: a FileWriter or SummaryWriter. name, host, every, steps, max_events: as there.
    operators: record each operator. MXNet then no longer executes operators in bulk, outside the
        block too and until the process ends, and a network runs slower. A Module must be bound
        after this call. False records bulks as single entries.
    memory: record the bytes that each device has in use. api: record the calls of MXNet's C API,
        which are nearly half of all records and cost most.
    symbol: the network, a Symbol or a hybridized block: operators get the names of its nodes if
        their order identifies the node.

    `max_events` does not bound what MXNet records: profile few steps.

    Raises TypeError or ValueError for other arguments.
    """
    return MXNetProfile(writer, name, host, operators=operators, memory=memory, api=api,
                        symbol=symbol, every=every, steps=steps, max_events=max_events)


class MXNetProfile(Profile):
    """A profile that runs MXNet's profiler too. `profile` makes one."""

    def __init__(self, writer: Any, name: str, host: str, *, operators: bool, memory: bool,
                 api: bool, symbol: Any, every: int, steps: int, max_events: int) -> None:
        super().__init__(as_writer(writer), name, as_text(host, "host"),
                         every=as_integer(every, "every", 0), steps=as_integer(steps, "steps", 1),
                         max_events=as_integer(max_events, "max_events", 1))
        if not (symbol is None or hasattr(symbol, "tojson") or is_block(symbol)):
            raise TypeError(f"got a symbol of type {type(symbol).__name__}, want a Symbol or a "
                            "hybridized block")
        self._config = dict(profile_symbolic=True, profile_imperative=True,
                            profile_memory=as_flag(memory, "memory"),
                            profile_api=as_flag(api, "api"),
                            aggregate_stats=as_flag(operators, "operators"))
        self.symbol = symbol
        if not writer.disabled:
            _configure(self._config)

    def _start(self) -> None:
        _configure(self._config)
        mxnet.nd.waitall()
        mxnet.profiler.set_state("run")

    def _stop(self) -> Callable[[Window], Sequence[Drawing]]:
        try:
            mxnet.nd.waitall()  # raises an error of the program's operators
        finally:
            mxnet.profiler.set_state("stop")
        dump = _dumped()
        return lambda window: self._drawings(window, dump)

    def _drawings(self, window: Window, dump: str) -> List[Drawing]:
        trace = mxnet_trace.read(dump, _devices)
        _devices.update(trace.devices)
        steps = bounds(window)
        nodes = node_names(self.symbol, trace, steps)
        return [mxnet_trace.draw(trace, window.since_1970, steps, nodes)]


class Batches:
    """Profiles the batches `first` to `last` of a loop that reports when they begin and end.

    Batches are counted from 0. The time between `wait` and `arrived` is input.
    """

    def __init__(self, profile: MXNetProfile, first: int, last: int) -> None:
        self._profile = profile
        self._first = first
        self._last = last
        self._step: Any = None
        self._waiting = 0  # since when, in nanoseconds of the clock
        self._open = False

    @property
    def over(self) -> bool:
        """Whether all is profiled."""
        return self._last < 0

    @property
    def open(self) -> bool:
        """Whether batches are profiled now."""
        return self._open

    def due(self, batch: int) -> None:
        """Begin, when `batch` is the next one and one of those to be profiled."""
        if not self._open and self._first <= batch <= self._last:
            self._profile.__enter__()
            self._open = True

    def begin(self, number: int) -> None:
        """A batch begins; it is shown as step `number`."""
        if self._open and self._step is None:
            self._step = self._profile.step(number)
            self._step.__enter__()

    def end(self, batch: int) -> None:
        """The batch has ended; the last one ends the profile."""
        if self._step is not None:
            self._step.__exit__(None, None, None)
            self._step = None
        if batch >= self._last:
            self.close()

    def wait(self) -> None:
        """The loop waits for its next batch from now on."""
        self._waiting = now()

    def arrived(self) -> None:
        """The next batch has arrived."""
        waiting, self._waiting = self._waiting, 0
        if waiting and self._open:
            span = self._profile.span("next batch", input=True)
            with span:
                span.start = waiting

    def close(self) -> None:
        """End the profile, if it has begun."""
        self._last = -1
        if self._open:
            self._open = False
            self._profile.__exit__(None, None, None)


def _configure(settings: Dict[str, Any]) -> None:
    """Configure what MXNet's profiler records, and the file of ours that it writes."""
    global _folder
    if not _folder:
        _folder = tempfile.mkdtemp(prefix="tbwriter-profile-")
        atexit.register(shutil.rmtree, _folder, True)
    try:
        mxnet.profiler.set_config(filename=os.path.join(_folder, _FILE), **settings)
    except mxnet.base.MXNetError as error:
        if _RAN_BEFORE not in str(error):
            raise


def _dumped() -> str:
    """The records of MXNet."""
    mxnet.profiler.dump(True)
    path = os.path.join(_folder, _FILE)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    os.unlink(path)
    return text
