"""The Kolmogorov-Smirnov test against SciPy's, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from vision.drift.ks import KolmogorovSmirnov
from vision.errors import ModelError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("n_rows", [50, 200])
def test_one_column_agrees_with_scipy(shift: float, n_rows: int) -> None:
    rng = np.random.default_rng(3)
    reference, window = rng.normal(size=(1000, 1)), rng.normal(shift, 1, size=(n_rows, 1))
    found = KolmogorovSmirnov(reference).check(window)
    expected = ks_2samp(reference[:, 0], window[:, 0], method="exact")
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.015)


def test_ties_agree_with_scipy() -> None:
    rng = np.random.default_rng(4)
    reference, window = rng.integers(0, 4, (300, 1)), rng.integers(0, 5, (120, 1))
    found = KolmogorovSmirnov(reference.astype(float)).check(window.astype(float))
    expected = ks_2samp(reference[:, 0], window[:, 0], method="asymp")
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)


def test_the_smallest_p_value_is_corrected_by_the_number_of_columns() -> None:
    rng = np.random.default_rng(5)
    reference, window = rng.normal(size=(500, 4)), rng.normal(size=(100, 4))
    window[:, 2] += 0.4
    alone = KolmogorovSmirnov(reference[:, 2:3]).check(window[:, 2:3])
    together = KolmogorovSmirnov(reference).check(window)
    assert together.p_value == pytest.approx(min(1.0, 4 * alone.p_value))
    assert together.statistic == alone.statistic
    assert together.is_drift


def test_windows_of_the_reference_raise_few_alarms() -> None:
    rng = np.random.default_rng(6)
    detector = KolmogorovSmirnov(rng.normal(size=(2000, 8)))
    alarms = [detector.check(rng.normal(size=(100, 8))).is_drift for _ in range(300)]
    assert np.mean(alarms) <= 0.07


@pytest.mark.parametrize(
    ("window", "said"),
    [
        (np.zeros((5, 3)), "the window has 3 columns and the reference 2"),
        (np.zeros((1, 2)), "the window has shape (1, 2)"),
        (np.full((5, 2), np.nan), "the window has values that are not finite"),
    ],
)
def test_what_cannot_be_tested_is_refused(window: np.ndarray, said: str) -> None:
    detector = KolmogorovSmirnov(np.zeros((10, 2)))
    with pytest.raises(ModelError) as caught:
        detector.check(window)
    assert said in str(caught.value)
