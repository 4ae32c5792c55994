"""What no calibration allows for: images that come again, or in the order of their classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tests.vision.drift.samples import N_CLASSES, draw_rows
from vision.config.drift import DriftConfig
from vision.drift.calibration import calibrate
from vision.drift.views import DriftRows
from vision.drift.window_checks import WindowChecks

pytestmark = pytest.mark.unit

N_WINDOWS, WINDOW = 200, 500


@pytest.fixture(scope="module")
def pool() -> DriftRows:
    return draw_rows(20_000, 77)


@pytest.fixture(scope="module")
def checks(pool: DriftRows) -> WindowChecks:
    """Of the usual promise: one check in 360 may be wrong."""
    reference = draw_rows(500, 2)
    file = calibrate(reference, N_CLASSES, DriftConfig(backend="scipy"))
    return WindowChecks(file, reference, pool)


def share_found(checks: WindowChecks, windows: list[npt.NDArray[np.intp]]) -> float:
    found = checks.check(np.stack(windows), is_lasting=True)
    return float(np.any([each.any(axis=1) for each in found.values()], axis=0).mean())


def windows_of(n_rows: int, n_times: int) -> list[npt.NDArray[np.intp]]:
    rng = np.random.default_rng(3)
    n_images = -(-WINDOW // n_times)
    drawn = [rng.permutation(n_rows)[:n_images] for _ in range(N_WINDOWS)]
    return [np.repeat(each, n_times)[:WINDOW] for each in drawn]


@pytest.mark.parametrize(
    ("n_times", "least", "most"), [(1, 0.0, 0.02), (2, 0.1, 0.5), (3, 0.5, 0.9), (5, 0.9, 1.0)]
)
def test_the_same_images_again_are_found_as_drift(
    checks: WindowChecks, pool: DriftRows, n_times: int, least: float, most: float
) -> None:
    assert least <= share_found(checks, windows_of(len(pool), n_times)) <= most


def test_images_in_the_order_of_their_classes_are_found_as_drift(
    checks: WindowChecks, pool: DriftRows
) -> None:
    order = np.argsort(pool.classes, kind="stable")
    starts = np.random.default_rng(3).integers(len(pool) - WINDOW, size=N_WINDOWS)
    assert share_found(checks, [order[start : start + WINDOW] for start in starts]) == 1.0
