"""Several workers over MXNet's own parameter server, on the loopback."""
from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

from tests.support.judges import board, both_loaders

from tbwriter import FileWriter
from tbwriter.mxnet import distributed_writer, mean_over_workers

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
TIMEOUT = 120

WORKER = """
import sys
import mxnet as mx
from tbwriter.mxnet import distributed_writer, mean_over_workers

kvstore = mx.kv.create("dist_sync")
case, logdir = sys.argv[1:]
if case == "ints":
    kvstore.init(3, mx.nd.zeros(1))
if case in ("sgd", "nag", "adam"):
    kvstore.init("weight", mx.nd.ones(2))
    kvstore.set_optimizer(mx.optimizer.create(case, learning_rate=0.05, wd=0.1,
                          **({} if case == "adam" else {"momentum": 0.9})))
with distributed_writer(logdir, kvstore, ranks=[0]) as writer:
    for step in range(2):
        mine = {"loss": 1 + 4.0 * kvstore.rank + step, "accuracy": mx.nd.array([0.5])}
        try:
            mean = mean_over_workers(kvstore, mine)
        except ValueError as error:
            assert "not linear in the gradient" in str(error)
            writer.add_scalar("refused", 1, step)
        else:
            for name, value in mean.items():
                writer.add_scalar(name, value, step)
"""


def run_workers(case, logdir):
    """A scheduler, a server and two workers, ended by their own ids; gives the workers' codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    try:
        for role in "scheduler", "server", "worker", "worker":
            environment = {**ENVIRONMENT, "DMLC_ROLE": role, "DMLC_PS_ROOT_URI": "127.0.0.1",
                           "DMLC_PS_ROOT_PORT": port, "DMLC_NODE_HOST": "127.0.0.1",
                           "DMLC_NUM_WORKER": "2", "DMLC_NUM_SERVER": "1"}
            program = [WORKER, case, str(logdir)] if role == "worker" else ["import mxnet"]
            processes.append(subprocess.Popen([sys.executable, "-c", *program], env=environment))
        return [process.wait(TIMEOUT) for process in processes[2:]]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.parametrize("case", ["plain", "ints", "sgd", "nag"])
def test_means_over_workers(tmp_path, case):
    """Mean of the values of both workers, whatever the keys, also where SGD or NAG runs on the
    servers; a worker that is to be silent leaves no file."""
    assert run_workers(case, tmp_path) == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["worker0"]
    with board(tmp_path, "fast") as b:
        assert b.scalars("worker0", "loss") == [(0, pytest.approx(3, rel=1e-5)),
                                                (1, pytest.approx(4, rel=1e-5))]
        assert b.scalars("worker0", "accuracy") == [(step, pytest.approx(0.5, rel=1e-5))
                                                    for step in (0, 1)]


def test_means_with_adam_on_the_servers_are_refused(tmp_path):
    """Adam on the servers does not sum the pushed values: an error instead of wrong numbers."""
    assert run_workers("adam", tmp_path) == [0, 0]
    with board(tmp_path, "fast") as b:
        assert b.tags("scalars", "worker0").keys() == {"refused"}


@both_loaders
def test_the_example(tmp_path, loader):
    """Two workers, two runs: losses of their own, means in common."""
    subprocess.run([sys.executable, str(ROOT / "examples" / "distributed.py"), str(tmp_path)],
                   env=ENVIRONMENT, timeout=3 * TIMEOUT, check=True)
    with board(tmp_path, loader) as b:
        assert set(b.runs()) == {"worker0", "worker1"}
        losses = [dict(b.scalars(run, "loss")) for run in ("worker0", "worker1")]
        assert [list(loss) for loss in losses] == [list(range(20))] * 2
        assert losses[0] != losses[1]
        for run in "worker0", "worker1":
            assert b.scalars(run, "mean_loss") == [
                (step, pytest.approx((losses[0][step] + losses[1][step]) / 2, rel=1e-4))
                for step in (9, 19)]


def test_one_worker_needs_no_run_of_its_own(tmp_path):
    """A local store, or none, logs into the log directory; means are the values themselves."""
    for kvstore in None, mx.kv.create("local"):
        with distributed_writer(str(tmp_path), kvstore, ranks=[5]) as writer:
            assert type(writer) is FileWriter and writer.get_logdir() == str(tmp_path)
            assert not writer.disabled
        assert mean_over_workers(kvstore, {"a": 2, "b": mx.nd.array([3])}) == {"a": 2.0, "b": 3.0}


class Store:
    """The part of a store of two workers that is used before anything is sent."""

    rank, num_workers, type = 1, 2, "dist_sync"


def test_mistakes_are_refused(tmp_path):
    """Invalid and asynchronous stores, and values that are not numbers, are refused before any is
    sent."""
    with pytest.raises(TypeError, match="got a kvstore of type str, want one from mx.kv.create"):
        distributed_writer(str(tmp_path), "dist_sync")
    with pytest.raises(ValueError, match="got nan as 'loss', want a finite number"):
        mean_over_workers(Store(), {"loss": float("nan")})
    with pytest.raises(TypeError):
        mean_over_workers(Store(), {"loss": "much"})
    store = Store()
    store.type = "dist_async"
    with pytest.raises(ValueError, match="got a kvstore of type 'dist_async', want a synchronous"):
        mean_over_workers(store, {"loss": 1})
