"""Image properties of a period against the reference set, one by one.

Each is compared with the two-sample Kolmogorov-Smirnov test, corrected for their number by
Bonferroni. In thousands of rows any difference is significant, so a property has moved only where
the two cumulated distributions are also :data:`LEAST_STATISTIC` apart. This is for people, who see
which property it is and by how much; the verdict is that of the calibrated detectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from vision.drift.p_values import ks_p_values
from vision.images.measure import NUMERIC
from vision.monitoring.report_parts import PropertyReport

Values = npt.NDArray[np.floating[Any]]

UNITS = {
    "brightness": "mean grey level, 0 to 1",
    "contrast": "deviation of grey levels, 0 to 0.5",
    "sharpness": "variance of the Laplacian",
    "saturation": "mean saturation, 0 to 1",
    "red_mean": "mean red, 0 to 1",
    "green_mean": "mean green, 0 to 1",
    "blue_mean": "mean blue, 0 to 1",
    "red_deviation": "deviation of red, 0 to 0.5",
    "green_deviation": "deviation of green, 0 to 0.5",
    "blue_deviation": "deviation of blue, 0 to 0.5",
    "aspect": "width / height",
    "area_px": "width × height, pixels",
    "n_bytes": "size of the file, bytes",
    "entropy": "entropy of grey levels, bits",
    "confidence": "winning probability, 0 to 1",
}
LEAST_STATISTIC = 0.15
_LARGEST_P = 0.001
_LEAST_ROWS = 20
_N_BINS = 24
# Beyond these the bins would show outliers and nothing else.
_SHOWN = (0.005, 0.995)


def compare_properties(
    reference: pd.DataFrame, sample: pd.DataFrame, findings: Mapping[str, str]
) -> tuple[PropertyReport, ...]:
    """Compares every property, those that moved most first; nothing from fewer than 20 rows.

    Args:
      reference: columns :data:`vision.images.measure.NUMERIC`.
      sample: the same, of the period.
      findings: what the stack's data validator says about a property, by its name.
    """
    if len(sample) < _LEAST_ROWS or len(reference) < _LEAST_ROWS:
        return ()
    reports = (
        _compare(name, reference[name].to_numpy(), sample[name].to_numpy(), findings.get(name, ""))
        for name in NUMERIC
    )
    return tuple(sorted(reports, key=lambda each: -each.statistic))


def compare_confidence(reference: Values, sample: Values) -> PropertyReport | None:
    """Compares winning probabilities as if they were an image property."""
    if len(sample) < _LEAST_ROWS or len(reference) < _LEAST_ROWS:
        return None
    return _compare("confidence", reference, sample, "", n_tests=1)


def _compare(
    name: str, reference: Values, sample: Values, finding: str, n_tests: int = len(NUMERIC)
) -> PropertyReport:
    statistic = ks_statistic(reference, sample)
    distance = np.array([statistic])
    p_value = min(1.0, n_tests * float(ks_p_values(distance, len(reference), len(sample))[0]))
    edges = _edges(reference, sample)
    return PropertyReport(
        name=name,
        unit=UNITS[name],
        statistic=statistic,
        p_value=p_value,
        is_moved=p_value < _LARGEST_P and statistic >= LEAST_STATISTIC,
        edges=tuple(edges.tolist()),
        reference=_shares(reference, edges),
        predictions=_shares(sample, edges),
        finding=finding,
    )


def ks_statistic(first: Values, second: Values) -> float:
    """Returns the largest distance of the two empirical distribution functions, 0 to 1."""
    first, second = np.sort(first), np.sort(second)
    every = np.concatenate([first, second])
    below = [np.searchsorted(part, every, side="right") / len(part) for part in (first, second)]
    return float(np.abs(below[0] - below[1]).max())


def _edges(reference: Values, sample: Values) -> Values:
    both = [np.quantile(part, _SHOWN) for part in (reference, sample)]
    low, high = min(pair[0] for pair in both), max(pair[1] for pair in both)
    if low == high:
        half = max(0.5, abs(low) * 0.05)
        low, high = low - half, high + half
    return np.asarray(np.linspace(low, high, _N_BINS + 1))


def _shares(values: Values, edges: Values) -> tuple[float, ...]:
    """Returns the share of the values in each bin; the outer bins hold what is beyond them too."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return tuple((counts / len(values)).tolist())
