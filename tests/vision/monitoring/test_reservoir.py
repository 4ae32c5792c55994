"""A random sample of a stream."""

from __future__ import annotations

import numpy as np
import pytest

from vision.monitoring.reservoir import Reservoir

pytestmark = pytest.mark.unit


def test_everything_while_there_is_room() -> None:
    kept = Reservoir(5, np.random.default_rng(0))
    kept.add({"value": np.array([1, 2])})
    kept.add({"value": np.array([3])})
    assert kept.columns()["value"].tolist() == [1, 2, 3]


def test_rows_stay_together() -> None:
    kept = Reservoir(50, np.random.default_rng(0))
    for start in range(0, 5_000, 100):
        numbers = np.arange(start, start + 100)
        kept.add({"value": numbers, "twice": np.stack([numbers * 2, numbers * 3], axis=1)})
    found = kept.columns()
    assert len(found["value"]) == len(set(found["value"].tolist())) == 50
    assert np.array_equal(found["twice"], found["value"][:, None] * [2, 3])


def test_every_row_is_as_likely() -> None:
    hits = np.zeros(60)
    for seed in range(3_000):
        kept = Reservoir(10, np.random.default_rng(seed))
        for start in range(0, 60, 20):
            kept.add({"value": np.arange(start, start + 20)})
        hits[kept.columns()["value"]] += 1
    # 500 hits each are expected; the deviation is 20.
    assert np.abs(hits - 500).max() < 90
    # A reservoir that forgot to let old rows go, or new ones in, is off by the whole of it.
    assert abs(hits[:20].mean() - hits[40:].mean()) < 20


def test_without_rows() -> None:
    assert Reservoir(5, np.random.default_rng(0)).columns() == {}
