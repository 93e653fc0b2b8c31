"""ProfileBatches: some batches of Module.fit in the Profile dashboard."""
from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

import mxnet

from ._arguments import as_batches, is_disabled
from ._callback import Callback
from ._profile import Batches, profile
from ._steps import Steps, evaluates, scope_of


class ProfileBatches(Callback):
    """Profiles the training batches `first` to `last`. A `batch_end_callback`.

    They are steps in the Profile dashboard, with MXNet's operators and memory, and the time in
    which the loop waited for its data iterator. Make it before the module is bound, which `fit`
    does: MXNet then records single operators.

        module.fit(train_data, num_epoch=5, batch_end_callback=ProfileBatches(writer))

    writer, run, steps: see `fit_callbacks`. first, last: batches, counted from 0 since this
        process began to train; `first` is at least 1, since the callback is first called when
        batch 0 has ended. The page shows global steps, if they are known by then.
    operators: see `tbwriter.mxnet.profile`; turns off MXNet's bulk execution for the whole
        process. memory, api: see there.

    The first batch of an epoch is not a step: its beginning is not seen, unless the data iterator
    is one of MXNet's.

    Raises TypeError or ValueError for other arguments.
    """

    def __init__(self, writer: Any, first: int = 10, last: int = 20, *, operators: bool = True,
                 memory: bool = True, api: bool = False, run: str = "",
                 steps: Optional[Steps] = None) -> None:
        super().__init__(writer, run, steps)
        first, last = as_batches(first, last, 1)
        self._profile = profile(self._to, operators=operators, memory=memory, api=api)
        self._batches = Batches(self._profile, first, last)
        self._next = first
        self._restore: Optional[Callable[[], None]] = None

    def __call__(self, param: Any) -> None:
        scope = scope_of(param)
        if self._batches.over or is_disabled(self._writer) or evaluates(scope):
            return
        steps = self._steps(param)
        batch = steps.count(param, scope, False)
        self._batches.end(batch)
        if scope.get("end_of_batch") and scope.get("epoch", 0) + 1 == scope.get("num_epoch"):
            self._batches.close()
        self._batches.due(batch + 1)
        if not self._batches.open:
            self.close()
            return
        if self._profile.symbol is None:
            self._profile.symbol = getattr(scope.get("self"), "symbol", None)
        self._next = batch + 1 + (steps.start or 0)
        if self._restore is None:
            self._restore = self._watch(scope)
        if not scope.get("end_of_batch"):
            self._batches.begin(self._next)

    def close(self) -> None:
        """End a profile that has begun, if training ends before its last batch."""
        restore, self._restore = self._restore, None
        if restore is not None:
            restore()
        if self._batches.open:
            self._batches.close()

    def _watch(self, scope: Mapping[str, Any]) -> Callable[[], None]:
        """Measure the data iterator's time for each batch. Returns a function that ends this."""
        data = scope.get("train_data")
        kind: Any = type(data)
        if not isinstance(data, mxnet.io.DataIter) or "next" in vars(data) \
                or kind.__next__ is not mxnet.io.DataIter.__next__:
            return lambda: None

        def following() -> Any:
            self._batches.begin(self._next)  # of an epoch's first batch
            self._batches.wait()
            try:
                return kind.next(data)
            finally:
                self._batches.arrived()

        data.next = following

        def restore() -> None:
            vars(data).pop("next", None)
        return restore
