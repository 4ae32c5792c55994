"""The reference set with labels and every property."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.vision.monitoring.traffic import reference_set
from vision.drift.names import VECTORS
from vision.errors import BundleError
from vision.monitoring.reference import read_reference_set

pytestmark = pytest.mark.unit


def write(path: Path, **columns: Any) -> Path:
    reference = reference_set(20)
    frame = reference.properties.assign(label=[f"class {index}" for index in reference.labels])
    for view, name in VECTORS.items():
        frame[name] = list(reference.rows.view(view))
    frame["probabilities"] = list(reference.probabilities)
    pd.DataFrame(frame.assign(**columns)).to_parquet(path)
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    expected = reference_set(20)
    found = read_reference_set(write(tmp_path / "r.parquet"), ("class 0", "class 1", "class 2"))
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.probabilities, expected.probabilities)
    pd.testing.assert_frame_equal(found.properties, expected.properties)
    assert np.array_equal(found.rows.uae, expected.rows.uae)


def test_a_label_that_is_no_class(tmp_path: Path) -> None:
    path = write(tmp_path / "r.parquet", label="fox")
    with pytest.raises(BundleError, match="has images of 'fox', which is no class of its model"):
        read_reference_set(path, ("class 0", "class 1", "class 2"))


def test_a_missing_column(tmp_path: Path) -> None:
    path = write(tmp_path / "r.parquet")
    pd.read_parquet(path).drop(columns="aspect").to_parquet(path)
    with pytest.raises(BundleError, match="cannot be used as a reference set"):
        read_reference_set(path, ("class 0", "class 1", "class 2"))
