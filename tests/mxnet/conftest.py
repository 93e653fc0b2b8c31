"""Fixtures that the tests with a real MXNet share."""
from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same random numbers."""
    pytest.importorskip("mxnet", reason="MXNet is not installed").random.seed(7)
