"""P-values of the two-sample tests, as SciPy gives them, for many columns at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Kolmogorov's distribution changes between them; beyond, SciPy's own function is called: it is
# quick there, and the p-values (below 7e-4) need all their digits.
_LEAST, _MOST, _N_POINTS = 0.2, 2.0, 181
_LEAST_TERM = 1e-7


def ks_p_values(distances: Floats, n: int, m: int) -> Floats:
    """Returns p-values as ``scipy.stats.ks_2samp(..., mode="asymp")`` does, within 1e-6.

    SciPy takes up to 1 ms a column; between 1e-3 and 1 a spline through its values stands for it.

    Args:
      distances: of any shape, 0 to 1.
      n: rows of the reference.
      m: rows of the window.
    """
    from scipy.stats import kstwo

    effective = int(np.round(n * m / (n + m)))
    scaled = distances * np.sqrt(effective)
    spline = _ks_spline(effective)
    p_values = np.where(scaled < _LEAST, 1.0, spline(np.clip(scaled, _LEAST, _MOST)))
    is_far = scaled > _MOST
    if is_far.any():
        far, where = np.unique(distances[is_far], return_inverse=True)
        p_values[is_far] = kstwo.sf(far, effective)[where]
    clipped: Floats = np.clip(p_values, 0.0, 1.0)
    return clipped


@lru_cache(maxsize=64)
def _ks_spline(effective: int) -> Any:
    from scipy.interpolate import CubicSpline
    from scipy.stats import kstwo

    points = np.linspace(_LEAST, _MOST, _N_POINTS)
    return CubicSpline(points, kstwo.sf(points / np.sqrt(effective), effective))


def cvm_p_values(statistics: Floats, n: int, m: int) -> Floats:
    """Returns asymptotic p-values as ``scipy.stats.cramervonmises_2samp`` does.

    They are those of the limit (Csörgő and Faraway 1996, equation 1.2) for the statistic scaled to
    the limit's mean and variance (Anderson 1962); below 1e-7 they have no digit that counts.

    Args:
      statistics: T, of any shape.
      n: rows of the reference.
      m: rows of the window.
    """
    total, pairs = n + m, n * m
    mean = (1 + 1 / total) / 6
    spread = (total + 1) * (4 * pairs * total - 3 * (n**2 + m**2) - 2 * pairs)
    variance = spread / (45 * total**2 * 4 * pairs)
    scaled = 1 / 6 + (statistics - mean) / np.sqrt(45 * variance)
    p_values: Floats = np.ones_like(scaled)
    # The limit is below 2e-18 there.
    is_usual = scaled >= 0.003
    p_values[is_usual] = np.clip(1.0 - _cvm_limit(scaled[is_usual]), 0.0, 1.0)
    return p_values


def _cvm_limit(x: Floats) -> Floats:
    """Returns the limit's distribution function: a series with Bessel functions."""
    from scipy.special import gammaln, kv

    total = np.zeros_like(x)
    is_open = np.ones(x.shape, bool)
    k = 0
    while is_open.any():
        here = x[is_open]
        y = 4 * k + 1
        q = y**2 / (16 * here)
        factor = np.exp(gammaln(k + 0.5) - gammaln(k + 1)) / (np.pi**1.5 * np.sqrt(here))
        term = factor * np.sqrt(y) * np.exp(-q) * kv(0.25, q)
        total[is_open] += term
        is_open[is_open] = np.abs(term) >= _LEAST_TERM
        k += 1
    return total


def chi_squared(counts: Floats) -> tuple[Floats, Floats]:
    """Returns statistics and p-values as ``scipy.stats.chi2_contingency`` does.

    Classes that occur nowhere are left out; with two classes Yates' correction is made; with one
    there is nothing to tell apart, and the p-value is 1.

    Args:
      counts: ``(..., 2, k)`` of each class in the reference and in the window.
    """
    from scipy.special import chdtrc

    totals = counts.sum(axis=-2, keepdims=True)
    expected = totals * counts.sum(axis=-1, keepdims=True) / counts.sum((-1, -2), keepdims=True)
    degrees = (totals > 0).sum(axis=-1)[..., 0] - 1
    difference = np.abs(counts - expected)
    yates = np.where(degrees == 1, 0.5, 0.0)[..., None, None]
    difference = difference - np.minimum(difference, yates)
    parts = np.divide(
        np.square(difference), expected, out=np.zeros_like(difference), where=expected > 0
    )
    statistics = np.where(degrees > 0, parts.sum(axis=(-1, -2)), 0.0)
    p_values = np.where(degrees > 0, chdtrc(np.maximum(degrees, 1), statistics), 1.0)
    return statistics, p_values
