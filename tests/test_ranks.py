"""Writers by rank: environments of launchers, and real processes of MPI."""
from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tbwriter import FileWriter, SummaryWriter
from tbwriter.ranks import find_rank, rank_writer
from tests.support.judges import board, both_loaders

ROOT = Path(__file__).parent.parent
NAMES = ["RANK", "WORLD_SIZE", "HOROVOD_RANK", "HOROVOD_SIZE", "DMLC_WORKER_ID", "DMLC_TASK_ID",
         "DMLC_NUM_WORKER", "DMLC_ROLE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
         "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "SLURM_PROCID",
         "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"]


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, in an environment without any launcher's."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return lambda **variables: [monkeypatch.setenv(name, str(value))
                                for name, value in variables.items()]


@pytest.mark.parametrize("variables", [
    {"RANK": 2, "LOCAL_RANK": 0, "WORLD_SIZE": 4},
    {"HOROVOD_RANK": 2, "HOROVOD_SIZE": 4},
    {"DMLC_ROLE": "worker", "DMLC_WORKER_ID": 2, "DMLC_NUM_WORKER": 4},
    {"DMLC_ROLE": "worker", "DMLC_TASK_ID": 2, "DMLC_NUM_WORKER": 4},
    {"OMPI_COMM_WORLD_RANK": 2, "OMPI_COMM_WORLD_SIZE": 4},
    {"MV2_COMM_WORLD_RANK": 2, "MV2_COMM_WORLD_SIZE": 4},
    {"PMI_RANK": 2, "PMI_SIZE": 4},
    {"SLURM_PROCID": 2, "SLURM_NTASKS": 4},
    # A job of eight tasks, of which this step has four.
    {"SLURM_PROCID": 2, "SLURM_NTASKS": 8, "SLURM_STEP_NUM_TASKS": 4},
    # torchrun on each node, started by srun.
    {"RANK": 2, "WORLD_SIZE": 4, "SLURM_PROCID": 1, "SLURM_NTASKS": 2},
    # mpirun within a Slurm job: the launcher's own numbers.
    {"OMPI_COMM_WORLD_RANK": 2, "OMPI_COMM_WORLD_SIZE": 4, "SLURM_PROCID": 0, "SLURM_NTASKS": 2},
    # A rank without a size is no launcher's.
    {"RANK": 7, "PMI_RANK": 2, "PMI_SIZE": 4}])
def test_every_launcher(environment, variables):
    """The rank and the number of processes, by the variables of each launcher."""
    environment(**variables)
    assert find_rank() == (2, 4)


def test_a_single_process(environment, tmp_path):
    """Without a launcher, and with one that starts a single process, the log directory is the run.
    """
    assert find_rank() == (0, 1)
    environment(RANK=0, WORLD_SIZE=1)
    with rank_writer(tmp_path, [5]) as writer:
        assert type(writer) is SummaryWriter and not writer.disabled
        assert writer.get_logdir() == str(tmp_path)


@pytest.mark.parametrize("variables", [
    {"RANK": "first", "WORLD_SIZE": 2}, {"RANK": 2, "WORLD_SIZE": 2}, {"PMI_RANK": -1,
                                                                       "PMI_SIZE": 2}])
def test_environments_that_are_wrong(environment, variables):
    """A rank that is no number of a process is an error that shows both variables."""
    environment(**variables)
    (rank, first), (size, second) = variables.items()
    with pytest.raises(ValueError, match=f"got {rank}={first} and {size}={second} in the environ"):
        find_rank()


def test_a_worker_of_the_parameter_server(environment):
    """Its rank is not in the environment: the error names the function that asks the kvstore."""
    environment(DMLC_ROLE="worker", DMLC_NUM_WORKER=2)
    with pytest.raises(ValueError, match="want tbwriter.mxnet.distributed_writer"):
        find_rank()


PROGRAM = """
import sys
from tbwriter.ranks import find_rank, rank_writer
{more}
ranks = {{"zero": [0], "all": None, "two": [0, 2]}}[sys.argv[1]]
with rank_writer(sys.argv[2], ranks) as writer:
    for step in range(3):
        writer.add_scalar("loss", find_rank().rank + step, step)
"""
RUNS = {"zero": {0: "."}, "all": {0: "rank0", 1: "rank1", 2: "rank2"},
        "two": {0: "rank0", 2: "rank2"}}


def expect_runs(logdir, case, loader):
    """One run for each rank that logs, with its values, and no other file."""
    with board(logdir, loader) as b:
        assert set(b.runs()) == set(RUNS[case].values())
        for rank, run in RUNS[case].items():
            assert b.scalars(run, "loss") == [(step, rank + step) for step in range(3)]
    assert len(list(Path(logdir).rglob("*tfevents*"))) == len(RUNS[case])


@both_loaders
@pytest.mark.parametrize("case", RUNS)
def test_processes_of_torchrun(environment, tmp_path, case, loader):
    """Three processes with torchrun's variables: rank 0 alone, all, and two of them."""
    processes = [subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(more=""), case, str(tmp_path / "runs")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "RANK": str(rank), "WORLD_SIZE": "3"})
        for rank in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    expect_runs(tmp_path / "runs", case, loader)


@pytest.mark.skipif(shutil.which("mpirun") is None, reason="mpirun (Open MPI) is not installed")
@pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed")
@pytest.mark.parametrize("case", RUNS)
def test_processes_of_mpi(environment, tmp_path, case):
    """Three processes of a real MPI on the loopback: the ranks found are those that MPI gives."""
    more = "from mpi4py import MPI\n" \
        "assert find_rank() == (MPI.COMM_WORLD.rank, MPI.COMM_WORLD.size)"
    subprocess.run(
        ["mpirun", "--allow-run-as-root", "--oversubscribe", "--mca", "btl", "self,tcp", "--mca",
         "btl_tcp_if_include", "lo", "--mca", "oob_tcp_if_include", "lo", "-n", "3",
         sys.executable, "-c", PROGRAM.format(more=more), case, str(tmp_path / "runs")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, timeout=120, check=True)
    expect_runs(tmp_path / "runs", case, "fast")


def test_the_run_of_each_rank(environment, tmp_path):
    """A format of one's own, a FileWriter, options of the writer, and a place that is known."""
    with rank_writer(tmp_path, None, run="worker{}", place=(1, 2), kind=FileWriter,
                     flush_secs=5) as writer:
        assert type(writer) is FileWriter
        assert writer.get_logdir() == str(tmp_path / "worker1")
    with rank_writer(tmp_path / "silent", place=(1, 2)) as writer:
        writer.add_scalar("loss", 1)
        assert writer.disabled
    assert not (tmp_path / "silent").exists()


@pytest.mark.parametrize("error, ranks, run, text", [
    (TypeError, "0", None, "got ranks='0', want a list of integers, or None for all"),
    (TypeError, 0, None, "got ranks=0, want a list of integers"),
    (TypeError, [0.5], None, r"got ranks=\[0.5\], want a list"),
    (ValueError, [0, 2], None, "got rank 2 in ranks, want 0 to 1: there are 2 processes"),
    (ValueError, None, "all", "got run='all' for 2 ranks, want a format such as"),
    (ValueError, None, "", "got run='' for 2 ranks, want a format such as")])
def test_mistakes(environment, tmp_path, error, ranks, run, text):
    """Ranks that there are not, and runs that several processes would share, are refused."""
    with pytest.raises(error, match=text):
        rank_writer(tmp_path, ranks, run=run, place=(0, 2))


@pytest.mark.parametrize("error, options, text", [
    (ValueError, {"run": "{x}"}, r"got run='\{x\}' .*, want a format such as 'rank\{\}'"),
    (ValueError, {"run": "{1}"}, "got run=.*, want a format"),
    (ValueError, {"run": "{"}, "got run=.*, want a format"),
    (ValueError, {"run": "{:q}"}, "got run=.*, want a format"),
    (TypeError, {"run": 5}, "got run of type int, want str"),
    (ValueError, {"run": "r{:.0e}", "place": (0, 1001)}, "so that each rank has a run of its own"),
    (TypeError, {"place": 5}, r"got place=5, want \(rank, size\), two integers"),
    (TypeError, {"place": ("0", 2)}, "got place=.*, want"),
    (ValueError, {"place": (2, 2)}, r"got place=\(2, 2\), want a rank from 0 to size - 1"),
    (TypeError, {"logdir": 5}, "got logdir of type int, want a path"),
    (ValueError, {"logdir": "a\0b"}, "got the logdir 'a.x00b', want one without NUL")])
def test_wrong_runs_and_places(environment, tmp_path, error, options, text):
    """A format that does not take one number, and other places and directories, are refused."""
    with pytest.raises(error, match=text):
        rank_writer(**{"logdir": tmp_path, "ranks": None, "place": (0, 2), **options})


def test_a_directory_in_bytes(environment, tmp_path):
    """A log directory may be bytes, as for FileWriter."""
    with rank_writer(os.fsencode(tmp_path / "é"), None, place=(1, 2)) as writer:
        assert writer.get_logdir() == str(tmp_path / "é" / "rank1")
