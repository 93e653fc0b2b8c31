"""A stock TensorBoard with XProf, over HTTP and in a browser."""
from __future__ import annotations

import time

import pytest

from tbwriter import FileWriter

from tests.profile.xprof.judge import CHROMIUM, board, browser, wait_for


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(a TensorBoard, its session) of a run below the log directory."""
    logdir = tmp_path_factory.mktemp("logs")
    with FileWriter(logdir / "train") as writer:
        with writer.profile("first", host="test") as profile:
            # Few steps: the trace viewer cuts the name of a bar that is narrower than the name.
            for number in range(6):
                with profile.step(number):
                    with profile.span("load", input=True):
                        time.sleep(0.02)
                    with profile.span("dense", op="FullyConnected"):
                        time.sleep(0.02)
                profile.counter("queue", number % 3)
                profile.memory("pool", in_use=number << 20)
    with board(logdir) as found:
        [run] = found.runs(1)
        yield found, run


def test_endpoints(served):
    """The session is listed as a run, with its host, its tools, and data for each of them."""
    found, run = served
    assert run.startswith("train/") and run.endswith("_first")
    tools = found.get("run_tools", run=run)
    wanted = {"trace_viewer@", "overview_page", "input_pipeline_analyzer", "framework_op_stats",
              "memory_profile"}
    assert wanted <= set(tools)
    assert [host["hostname"] for host in found.get("hosts", run=run, tag="overview_page")] == [
        "test"]
    for tool in sorted(wanted):
        assert found.get("data", run=run, tag=tool, host="test"), tool


@pytest.fixture
def page():
    """A page of a browser."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium")
    pytest.importorskip("playwright", reason="needs Playwright")
    with browser() as opened:
        yield opened


def test_trace_viewer(served, page):
    """The trace viewer draws threads, tracks and steps by their names."""
    found, run = served
    page.goto(found.page(run, "trace_viewer@", "test"))
    wait_for(page, "test /host:CPU", "MainThread", "queue", "memory: pool", "train 3", "load")


def test_pages(served, page):
    """Overview and memory profile show their numbers, also without internet."""
    found, run = served
    page.goto(found.page(run, "overview_page", "test"))
    text = wait_for(page, "Host Compute Time", "Input Time")
    assert "CPU" in text
    page.goto(found.page(run, "memory_profile", "test"))
    wait_for(page, "#Allocation", "5.00 MiB")
