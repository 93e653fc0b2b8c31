"""Training on several machines with MXNet's parameter server: writers of workers, and means."""
from __future__ import annotations

from itertools import count
from typing import Any, Collection, Dict, List, Mapping, Optional

import numpy as np

from .._values.number import as_float
from ..ranks import rank_writer
from ..writer import FileWriter

# The number of calls of `mean_over_workers`: equal in all workers, which call it together.
_calls = count()


def distributed_writer(logdir: str, kvstore: Any, *, ranks: Optional[Collection[int]] = None,
                       **options: Any) -> FileWriter:
    """The writer of one worker: its own run `worker<rank>` below `logdir`.

        writer = distributed_writer("runs/a", mx.kv.create("dist_sync"))

    kvstore: the result of `mx.kv.create("dist_sync")`. With None, or a store of one worker, the run
        is `logdir` itself.
    ranks: the workers that log; the others get a writer that does nothing. None is all of them.
    options: keyword arguments of FileWriter.

    `tbwriter.ranks.rank_writer` does the same for torchrun, MPI and Slurm.

    Raises TypeError if `kvstore` is not a kvstore, and the errors of `rank_writer`.
    """
    _check_store(kvstore)
    place = (0, 1) if kvstore is None else (kvstore.rank, kvstore.num_workers)
    return rank_writer(logdir, ranks, run="worker{}", place=place, kind=FileWriter, **options)


def mean_over_workers(kvstore: Any, values: Mapping[str, Any]) -> Dict[str, float]:
    """The mean of each value over all workers; every worker gets it.

        metrics = mean_over_workers(kvstore, dict(metric.get_name_value()))

    All workers call it together, with the same names, and wait for one another; calling it once per
    epoch takes little time. The values pass through the parameter servers as float32.

    kvstore: as in `distributed_writer`; with one worker the values are returned as they are.

    Raises TypeError if `kvstore` is not a kvstore or `values` is no dict, TypeError or ValueError
    for values that are not finite numbers, ValueError for an asynchronous store and for servers
    whose optimizer is not linear in the gradient. SGD and NAG are linear; with Adam, use a Trainer
    or Module that updates on the workers.
    """
    _check_store(kvstore)
    if not hasattr(values, "items"):
        raise TypeError(f"got values of type {type(values).__name__}, want a dict of numbers")
    numbers = {name: as_float(value) for name, value in values.items()}
    if kvstore is None or kvstore.num_workers == 1:
        return numbers
    if "async" in kvstore.type:
        raise ValueError(f"got a kvstore of type {kvstore.type!r}, want a synchronous one")
    for name, number in numbers.items():
        if not np.isfinite(number):
            raise ValueError(f"got {number} as {name!r}, want a finite number")
    # Servers add up the pushed values. An optimizer that runs on the servers takes the sum for a
    # gradient: its first step from zero gives the sum times a factor, which the leading 1 shows.
    one, two, *sums = _exchange(kvstore, [1.0, 2.0, *numbers.values()])
    if not one or abs(two / one - 2) > 1e-3:
        raise ValueError("got parameter servers with an optimizer that is not linear in the "
                         "gradient, want SGD, NAG, or updates on the workers")
    return {name: total / one for name, total in zip(numbers, sums)}


def _check_store(kvstore: Any) -> None:
    if kvstore is not None and not hasattr(kvstore, "num_workers"):
        raise TypeError(f"got a kvstore of type {type(kvstore).__name__}, want one from "
                        "mx.kv.create, or None")


def _exchange(kvstore: Any, numbers: List[float]) -> List[float]:
    """Push numbers under a new key; pull the combined numbers of all workers from the servers."""
    import mxnet as mx

    result = mx.nd.zeros(len(numbers))
    call = next(_calls)
    name: Any = f"tbwriter_mean_{call}"
    try:
        kvstore.init(name, result)
    except mx.MXNetError:  # all keys of a store are of one type: Gluon's are integers
        name = (1 << 30) + call
        kvstore.init(name, result)
    kvstore.push(name, mx.nd.array(numbers))
    kvstore.pull(name, out=result)
    return [float(number) for number in result.asnumpy()]
