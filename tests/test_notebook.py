"""The example notebook runs from its first cell to its last, and shows what it says."""
from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any, List

import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples" / "notebook.ipynb"


def test_every_cell(tmp_path: Path) -> None:
    """Each cell runs; TensorBoard starts on loopback; the run is drawn as a table with charts."""
    nbclient = pytest.importorskip("nbclient", reason="needs nbclient and ipykernel")
    pytest.importorskip("ipykernel", reason="needs nbclient and ipykernel")
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(str(NOTEBOOK), as_version=4)
    # The process of TensorBoard, so that the test ends it and no other.
    notebook.cells.append(nbformat.v4.new_code_cell(
        "from tensorboard import manager\n[one.pid for one in manager.get_all()]"))
    (tmp_path / "info").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "info")}
    client = nbclient.NotebookClient(notebook, timeout=200, kernel_name="python3",
                                     resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    outputs: List[Any] = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    try:
        first, board, table, values, _ = outputs
        assert "SummaryWriter" in first[-1].data["text/plain"]
        assert any("tensorboard" in str(one.get("data", "")).lower() for one in board)
        assert "<svg" in table[-1].data["text/html"] and "loss" in table[-1].data["text/html"]
        assert values[-1].data["text/plain"] == "(99, 0.01)"
        assert list((tmp_path / "runs").iterdir())
    finally:
        for process in eval(outputs[-1][-1].data["text/plain"]):
            os.kill(process, signal.SIGTERM)
