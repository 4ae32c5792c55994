"""How many of the labels changed among 10,000 real photographs are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vision.config import DatasetConfig
from vision.datasets.load import load_annotations
from vision.validation.wrong_labels import likely_wrong_labels

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_half_of_the_first_hundred_are_wrong(cifar10: Path, home: Path) -> None:
    table = load_annotations(DatasetConfig(source="folder", path=str(cifar10)))
    rng = np.random.default_rng(11)
    labels = table.class_index(table.frame["label"])
    changed = rng.permutation(len(table))[:500]
    labels[changed] = (labels[changed] + rng.integers(1, 10, 500)) % 10
    names = np.array(table.classes, object)[labels]
    [finding] = likely_wrong_labels(replace(table, frame=table.frame.assign(label=names)))
    planted = set(table.frame["path"][changed])
    hits = [path in planted for path in finding.images]
    assert np.mean(hits[:100]) >= 0.5
    assert sum(hits) >= 200
    assert finding.severity == "warning"
    assert finding.value == pytest.approx(0.05, abs=0.02)
