"""Samples of large arrays: the distribution of the whole array is the judge."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbwriter._values.sample import sample

MOST = 50_000


def far(values: Any, taken: Any) -> float:
    """The largest difference between the cumulative distributions of both."""
    values, taken = np.sort(values, axis=None), np.sort(taken, axis=None)
    at = np.unique(np.quantile(values, np.linspace(0, 1, 2001)))
    shares = [np.searchsorted(one, at, side="right") / one.size for one in (values, taken)]
    return float(np.abs(shares[0] - shares[1]).max())


def structured(rows: int, columns: int, by: str) -> Any:
    """Weights whose rows, columns, or parts of columns differ in size."""
    random = np.random.default_rng(3)
    scales = {"columns": np.linspace(0.1, 3, columns)[None, :],
              "alternating": np.where(np.arange(columns) % 2, 3.0, 0.1)[None, :],
              "rows": np.linspace(0.1, 3, rows)[:, None],
              "blocks of 64": np.where(np.arange(columns) // 64 % 2, 3.0, 0.1)[None, :],
              "one row of 64": np.where(np.arange(rows) % 64, 0.1, 3.0)[:, None]}[by]
    return (random.normal(size=(rows, columns)) * scales).astype(np.float32)


@pytest.mark.parametrize("by", ["columns", "alternating", "rows", "blocks of 64", "one row of 64"])
@pytest.mark.parametrize("rows, columns", [(1024, 1024), (4096, 512), (512, 4608), (1000, 2048)])
def test_distribution(rows: int, columns: int, by: str) -> None:
    """50,000 values give the distribution to a hundredth, also for matrices with structure in
    powers of two."""
    values = structured(rows, columns, by)
    taken = sample(values, MOST)
    assert 0.99 * MOST <= taken.size <= MOST
    assert far(values, taken) <= 0.01


@given(st.integers(1, 5000), st.integers(1, 3000))
def test_sizes(size: int, most: int) -> None:
    """Never more than asked for, all of a small array, no value twice, from first to last part."""
    values = np.arange(size)
    taken = sample(values, most)
    assert 0 < taken.size <= most
    assert len(np.unique(taken)) == taken.size
    if size <= most:
        assert taken.tolist() == values.tolist()
    elif taken.size >= 128:
        assert taken.min() < size / 2 < taken.max()


def test_layouts() -> None:
    """Views that are not contiguous are sampled by their values."""
    values = np.random.default_rng(1).normal(size=(300, 400))
    for view in (values[::2], values.T, values[:, ::-1], np.asfortranarray(values)):
        assert far(view, sample(view, 20_000)) <= 0.02
        assert np.isin(sample(view, 5000), view).all()
