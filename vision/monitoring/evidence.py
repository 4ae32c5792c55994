"""What the tests say about a period: the detectors on its newest rows and day by day, and MMD.

The detectors' thresholds are calibrated for one look at the newest rows, and that look alone makes
the verdict. Their results day by day tell since when, and are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np

from vision.drift.backend import open_backend
from vision.drift.detector_file import read_detectors
from vision.drift.detectors import DriftDetectors
from vision.drift.mmd import permutations_for
from vision.drift.names import VECTORS
from vision.drift.result import DriftResult, ViewTest
from vision.drift.views import DriftRows
from vision.monitoring.period import Period


@dataclass(frozen=True)
class Evidence:
    """All tests of a period.

    Attributes:
      result: of the newest rows; None where there are too few.
      mmd: of the newest rows, one for each embedding.
      days: of each day's newest rows, where there are enough.
      findings: what the stack's data validator says about image properties, by property.
    """

    result: DriftResult | None = None
    mmd: tuple[ViewTest, ...] = ()
    days: Mapping[date, DriftResult] = field(default_factory=dict)
    findings: Mapping[str, str] = field(default_factory=dict)


def load_detectors(bundle: Path) -> DriftDetectors:
    """Opens the detectors of a bundle, without the half gigabyte that only alibi's MMD needs.

    Raises:
      BundleError: the bundle has no detectors, or is not whole.
      ModelError: the backend's package is not installed.
    """
    if read_detectors(bundle).backend == "alibi":
        from vision.drift.alibi_backend import without_tensorflow

        with suppress(ImportError):  # opening the backend says so, and what to do
            without_tensorflow()
    return DriftDetectors.load(bundle)


def gather_evidence(
    period: Period,
    detectors: DriftDetectors,
    *,
    n_mmd: int,
    n_permutations: int,
    seed: int,
    findings: Mapping[str, str] | None = None,
) -> Evidence:
    """Runs every test on a period.

    Raises:
      ModelError: the rows do not fit the reference set.
    """
    least = detectors.sizes[0]
    if len(period.newest) < least:
        return Evidence(findings=findings or {})
    return Evidence(
        result=detectors.check(period.newest),
        mmd=compare_embeddings(
            period.newest, detectors, n_most=n_mmd, n_permutations=n_permutations, seed=seed
        ),
        days={
            day: detectors.check(rows) for day, rows in period.windows.items() if len(rows) >= least
        },
        findings=findings or {},
    )


def compare_embeddings(
    rows: DriftRows, detectors: DriftDetectors, *, n_most: int, n_permutations: int, seed: int
) -> tuple[ViewTest, ...]:
    """Compares each embedding as a whole with the reference set, by maximum mean discrepancy.

    The threshold is the detectors' rate of false alarms, shared among the embeddings; p-values come
    from permutations and need no calibration. It is never below the smallest p-value that so many
    permutations can give, or nothing would ever be found.

    Args:
      rows: oldest first; the newest ``n_most`` count.
      detectors: of the bundle.
      n_most: the most rows of either side; cost grows with the square.
      n_permutations: of each test, at least; as many are drawn as the level needs.
      seed: of the permutations, and of the reference rows that are drawn.
    """
    views = [view for view in detectors.views if view in VECTORS]
    # Whatever the bundle's backend is: for the same p-values, alibi's takes TensorFlow into memory.
    backend = open_backend("scipy")
    window = rows.newest(n_most)
    chosen = _draw(len(detectors.reference), n_most, seed)
    reference = detectors.reference.take(chosen)
    level = detectors.alarm_rate / max(1, len(views))
    n_enough = permutations_for(level, n_permutations)
    tests = []
    for view in views:
        tester = backend.mmd(reference.view(view), n_enough, seed)
        found = tester.test(window.view(view))
        smallest = 1.0 / (n_enough + 1)
        tests.append(
            ViewTest(
                view=view,
                detector="mmd",
                n_images=len(window),
                statistic=float(found.statistics[0]),
                p_value=float(found.p_values[0]),
                threshold=max(level, 1.5 * smallest),
            )
        )
    return tuple(tests)


def _draw(n: int, n_most: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if n <= n_most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, n_most, replace=False))
