"""What the tests with a real MXNet share."""
from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

# Seen from the directory above, this one is a namespace package called mxnet: where MXNet is not
# installed, `import mxnet` must not find it.
_found = importlib.util.find_spec("mxnet")
if _found is not None and _found.origin is None:
    sys.modules["mxnet"] = None  # type: ignore[assignment]


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same random numbers."""
    pytest.importorskip("mxnet", reason="MXNet is not installed").random.seed(7)
