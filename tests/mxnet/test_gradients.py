"""Gradients are those of before the update, per worker, wherever the update happens."""
from __future__ import annotations

import os
import socket
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

mx = pytest.importorskip("mxnet", reason="MXNet is not installed")

import numpy as np
from tests.support.judges import board

ROOT = Path(__file__).parent.parent.parent
MXNET_1 = mx.__version__.startswith("1.")
TIMEOUT = 120
needs_module = pytest.mark.skipif(not MXNET_1, reason="MXNet 2 has no Module")

# What the wheels of MXNet take: asynchronous servers update, always.
STORES = ["dist_sync", "dist_async", "dist_device_sync"]
ALL = [(kind, workers, devices, where)
       for kind, workers, devices, where in product(STORES, (1, 2), (1, 2), (None, True, False))
       if not (kind == "dist_async" and where is False)]
# Each pair of settings at least once; TBWRITER_ALL_STORES=1 tests every combination.
PAIRS = ALL if os.environ.get("TBWRITER_ALL_STORES") else [
    ("dist_sync", 1, 1, None), ("dist_sync", 2, 2, False), ("dist_async", 2, 1, True),
    ("dist_async", 1, 2, None), ("dist_device_sync", 1, 2, True), ("dist_device_sync", 2, 1, None)]


def run_workers(logdir, case, kvstore="dist_sync", workers=1, devices=1, update_on_kvstore=None):
    """A scheduler, a server and workers on the loopback, ended by their own ids."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    processes = []
    try:
        for role in ["scheduler", "server"] + ["worker"] * workers:
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "DMLC_ROLE": role,
                           "DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_PS_ROOT_PORT": port,
                           "DMLC_NODE_HOST": "127.0.0.1", "DMLC_NUM_WORKER": str(workers),
                           "DMLC_NUM_SERVER": "1", "OMP_NUM_THREADS": "1"}
            program = ["-c", "import mxnet"] if role != "worker" else [
                str(Path(__file__).parent / "distributed.py"), case, str(logdir), kvstore,
                str(devices), str(update_on_kvstore)]
            processes.append(subprocess.Popen([sys.executable, *program], env=environment))
        assert [process.wait(TIMEOUT) for process in processes[2:]] == [0] * workers
    finally:
        for process in processes:
            process.kill()
            process.wait()


def expect_gradients(logdir, *runs, last=False):
    """The runs of each worker show its own gradients, at every step and nothing else."""
    with board(logdir, "fast") as b:
        for worker in sorted(logdir.iterdir()):
            wanted = np.load(worker / "wanted.npz")
            for run in runs:
                assert expect_histograms(b, f"{worker.name}/{run}", wanted) == len(wanted)


def expect_histograms(b, run, wanted):
    """Every histogram holds the values of its step; gives how many there are."""
    found = 0
    for tag in b.tags("histograms", run):
        kind, name = tag.split("/")
        name = name.replace(".", "_").rpartition("_")[2]
        if kind != "gradients":
            continue
        for step, buckets in b.tensors("histograms", run, tag):
            values = wanted[f"{step} {name}"].ravel()
            assert buckets[0][0] == pytest.approx(values.min(), rel=1e-4, abs=1e-5)
            assert buckets[-1][1] == pytest.approx(values.max(), rel=1e-4, abs=1e-5)
            assert buckets[:, 2].sum() == values.size
            middles = np.repeat(buckets[:, :2].mean(1), np.rint(buckets[:, 2]).astype(int))
            assert middles == pytest.approx(np.sort(values), rel=0.11, abs=1e-5)
            found += 1
    return found


def runs_of(logdir):
    with board(logdir, "fast") as b:
        return {run.split("/")[1] for run in b.runs()}


@pytest.mark.parametrize("kvstore, workers, devices, where", PAIRS)
def test_a_gluon_loop(tmp_path, kvstore, workers, devices, where):
    """`watch`, and `log_gradients` before the update, log the worker's own gradients; after the
    update nothing is logged, and one warning says so."""
    run_workers(tmp_path, "loop", kvstore, workers, devices, where)
    expect_gradients(tmp_path, "watch", "before")
    assert runs_of(tmp_path) == {"watch", "before"}
    for worker in tmp_path.iterdir():
        told = (worker / "warnings").read_text().splitlines()
        assert len(told) == 1 and "call log_gradients between backward() and trainer.step()" \
            in told[0]


@pytest.mark.parametrize("kvstore, workers, devices, where", PAIRS)
def test_the_estimator(tmp_path, kvstore, workers, devices, where):
    """EstimatorHandler logs the worker's own gradients, without a warning."""
    run_workers(tmp_path, "estimator", kvstore, workers, devices, where)
    expect_gradients(tmp_path, "watch")
    assert not any((worker / "warnings").read_text() for worker in tmp_path.iterdir())


@needs_module
@pytest.mark.parametrize("case", ["module", "feed forward"])
@pytest.mark.parametrize("kvstore, workers, devices", [
    ("dist_sync", 2, 1), ("dist_sync", 1, 2), ("dist_async", 2, 1), ("dist_device_sync", 2, 2)])
def test_module_and_feed_forward(tmp_path, case, kvstore, workers, devices):
    """fit_callbacks log the worker's own gradients from the first batch on."""
    run_workers(tmp_path, case, kvstore, workers, devices)
    expect_gradients(tmp_path, "watch")
    assert not any((worker / "warnings").read_text() for worker in tmp_path.iterdir())


@needs_module
def test_a_module_that_updates_on_the_workers(tmp_path, monkeypatch):
    """Without update on the kvstore, what is logged is not yet the sum over workers and devices."""
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", "0")
    run_workers(tmp_path, "module", "dist_sync", 2, 2)
    expect_gradients(tmp_path, "watch")


@pytest.mark.parametrize("case, where", [("accumulated", True), ("accumulated", False),
                                         ("by hand", False)])
def test_other_loops(tmp_path, case, where):
    """Accumulated gradients that are set to zero after the update, and a loop that calls
    allreduce_grads and update by itself."""
    run_workers(tmp_path, case, "dist_sync", 2, 1, where)
    expect_gradients(tmp_path, "watch", "before")
    assert runs_of(tmp_path) == {"watch", "before"}


def test_the_first_call_comes_after_updates(tmp_path):
    """Weights that took the gradients' place before anybody looked are not logged."""
    run_workers(tmp_path, "late", "dist_sync", 1, 1, True)
    assert "already used them" in (tmp_path / "0" / "warnings").read_text()
    assert not list(tmp_path.rglob("*tfevents*"))


def test_a_loop_without_a_trainer(tmp_path):
    """Weights that a loop's own pull put into the gradients are not logged."""
    run_workers(tmp_path, "servers", "dist_sync", 1, 1)
    expect_gradients(tmp_path, "before")
    assert runs_of(tmp_path) == {"before"}
    assert "already used them" in (tmp_path / "0" / "warnings").read_text()
