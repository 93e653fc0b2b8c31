"""Programs of several processes: the writer of one process, by its rank.

    from tbwriter.ranks import rank_writer
    with rank_writer("runs/first") as writer:  # rank 0 logs, the other processes are silent
        ...

Launchers such as torchrun, mpirun and srun set each process's rank and the number of processes in
environment variables, which are read here.
"""
from __future__ import annotations

import os
from typing import Any, Collection, NamedTuple, Optional, Tuple, Type, TypeVar, Union

from ._foreign import let_signals, shown
from ._names import as_path
from .summary_writer import SummaryWriter
from .writer import FileWriter

__all__ = ["Rank", "find_rank", "rank_writer"]

Writer = TypeVar("Writer", bound=FileWriter)


class Rank(NamedTuple):
    """The number of this process, from 0, and the number of processes."""

    rank: int
    size: int


# The variables that hold rank and size. A launcher that others may start precedes those.
_VARIABLES: Tuple[Tuple[Tuple[str, ...], Tuple[str, ...]], ...] = (
    (("RANK",), ("WORLD_SIZE",)),                                 # torchrun and others
    (("HOROVOD_RANK",), ("HOROVOD_SIZE",)),                       # horovodrun
    (("DMLC_WORKER_ID", "DMLC_TASK_ID"), ("DMLC_NUM_WORKER",)),   # MXNet and BytePS
    (("OMPI_COMM_WORLD_RANK",), ("OMPI_COMM_WORLD_SIZE",)),       # Open MPI
    (("MV2_COMM_WORLD_RANK",), ("MV2_COMM_WORLD_SIZE",)),         # MVAPICH
    (("PMI_RANK",), ("PMI_SIZE",)),                               # MPICH, Intel MPI
    (("SLURM_PROCID",), ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")),  # srun
)


def find_rank() -> Rank:
    """The rank of this process and the number of processes, from the environment.

        if find_rank().rank == 0:
            print("this process logs")

    Returns Rank(0, 1) if no launcher has set both. These are read, in this order: RANK and
    WORLD_SIZE (torchrun), HOROVOD_RANK, DMLC_WORKER_ID or DMLC_TASK_ID, OMPI_COMM_WORLD_RANK,
    MV2_COMM_WORLD_RANK, PMI_RANK and SLURM_PROCID, each with its variable for the size.

    Raises ValueError for a rank that is not an integer from 0 to size - 1, and in a worker of
    MXNet's parameter server, whose rank only the kvstore knows.
    """
    for ranks, sizes in _VARIABLES:
        rank, size = _first(ranks), _first(sizes)
        if rank and size:
            return _checked(rank, size)
    if os.environ.get("DMLC_ROLE") == "worker" and os.environ.get("DMLC_NUM_WORKER", "1") != "1":
        raise ValueError("got a worker of MXNet's parameter server without DMLC_WORKER_ID, want "
                         "tbwriter.mxnet.distributed_writer(logdir, kvstore), which asks the "
                         "kvstore for the rank")
    return Rank(0, 1)


def rank_writer(logdir: Union[str, "os.PathLike[str]"], ranks: Optional[Collection[int]] = (0,), *,
                run: Optional[str] = None, place: Optional[Tuple[int, int]] = None,
                kind: Type[Writer] = SummaryWriter,  # type: ignore[assignment]
                **options: Any) -> Writer:
    """The writer of this process: it logs if its rank is wanted, and does nothing otherwise.

        rank_writer("runs/a")              # rank 0 logs into runs/a
        rank_writer("runs/a", None)        # all log: runs/a/rank0, runs/a/rank1, ...
        rank_writer("runs/a", [0, 4])      # two log: runs/a/rank0, runs/a/rank4

    logdir: the log directory.
    ranks: the ranks that log; None is all of them.
    run: the run below `logdir` of each rank, a format such as "worker{}"; "" is `logdir` itself.
        None is "rank{}", or "" if a single rank logs.
    place: (rank, size) where they are known already; None finds them, see `find_rank`.
    kind: SummaryWriter or FileWriter. options: its keyword arguments.

    A program of one process always logs, into `logdir` itself. A silent writer creates no file or
    directory.

    Raises TypeError for ranks that are not a collection of integers and for arguments of other
    types, ValueError for a rank beyond the number of processes, for a run that is not a format of
    one number and if several ranks would log into one run, and the errors of `kind`.
    """
    rank, size = find_rank() if place is None else _place(place)
    if size == 1:
        return kind(logdir, **options)
    directory = as_path(logdir)
    wanted = _wanted(ranks, size)
    if run is None:
        run = "" if len(wanted) == 1 else "rank{}"
    runs = {_run(run, one) for one in wanted}
    if len(runs) < len(wanted):
        raise ValueError(f"got run={run!r} for {len(wanted)} ranks, want a format such as "
                         "'rank{}', so that each rank has a run of its own")
    if rank not in wanted:
        options["disabled"] = True
    return kind(f"{directory}/{_run(run, rank)}" if run else directory, **options)


def _place(place: Any) -> Rank:
    """A rank and a size that were given."""
    try:
        rank, size = place
        found = Rank(rank.__index__(), size.__index__())
    except Exception as error:
        let_signals(error)
        raise TypeError(f"got place={shown(place)}, want (rank, size), two integers") from None
    if not 0 <= found.rank < found.size:
        raise ValueError(f"got place={shown(place)}, want a rank from 0 to size - 1")
    return found


def _run(run: str, rank: int) -> str:
    """The run of a rank."""
    if not isinstance(run, str):
        raise TypeError(f"got run of type {type(run).__name__}, want str")
    try:
        return run.format(rank)
    except Exception as error:
        let_signals(error)
        raise ValueError(f"got run={shown(run)} ({type(error).__name__}: {error!s:.80}), want a "
                         "format such as 'rank{}'") from None


def _wanted(ranks: Optional[Collection[int]], size: int) -> Collection[int]:
    if ranks is None:
        return range(size)
    if isinstance(ranks, (str, bytes)) or not isinstance(ranks, Collection) \
            or not all(isinstance(rank, int) and not isinstance(rank, bool) for rank in ranks):
        raise TypeError(f"got ranks={ranks!r}, want a list of integers, or None for all")
    for rank in ranks:
        if not 0 <= rank < size:
            raise ValueError(f"got rank {rank} in ranks, want 0 to {size - 1}: there are {size} "
                             "processes")
    return set(ranks)


def _first(names: Tuple[str, ...]) -> str:
    """`name=value` of the first of the variables that is set; empty for none."""
    return next((f"{name}={os.environ[name]}" for name in names if os.environ.get(name)), "")


def _checked(rank: str, size: str) -> Rank:
    try:
        numbers = Rank(int(rank.partition("=")[2]), int(size.partition("=")[2]))
    except ValueError:
        numbers = Rank(-1, 0)
    if not 0 <= numbers.rank < numbers.size:
        raise ValueError(f"got {rank} and {size} in the environment, want a rank from 0 to "
                         "size - 1")
    return numbers
