"""The detectors of a bundle's reference set, and how often they are wrong together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from serving.drift.reference import load_detectors
from tests.serving.drift.samples import write_views
from vision.errors import BundleError

pytestmark = pytest.mark.unit


def test_a_missing_reference_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be used as a reference set"):
        load_detectors(tmp_path)


def test_dr02_two_views_together_raise_few_false_alarms(tmp_path: Path) -> None:
    """Windows of 200 from the distribution of 2,000 references; the views are independent."""
    rng = np.random.default_rng(11)
    alarms = []
    for _ in range(20):
        write_views(tmp_path, rng.normal(size=(2000, 4)), rng.normal(size=(2000, 3)))
        detectors = load_detectors(tmp_path)
        for _ in range(40):
            found = [
                detectors["embedding_uae"].check(rng.normal(size=(200, 4))),
                detectors["embedding_bbsd"].check(rng.normal(size=(200, 3))),
            ]
            alarms.append(any(test.is_drift for test in found))
    assert 0.02 <= np.mean(alarms) <= 0.07
