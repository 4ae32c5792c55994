"""P-values of the two-sample tests, as SciPy gives them, for many columns at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vision.drift.names import LEAST_CVM_P

Floats = npt.NDArray[np.float64]

# Kolmogorov's distribution changes between them.
_LEAST, _MOST, _N_POINTS = 0.2, 2.0, 181
# Beyond, its logarithm is a smooth curve; past the furthest points p is below the least.
_FURTHEST, _FURTHEST_SCALED, _LEAST_P, _N_FAR_POINTS = 0.9999, 18.5, 1e-290, 400
# Of fewer rows the distribution has corners that a spline would cut.
_FEWEST = 15
_LEAST_TERM = LEAST_CVM_P


def p_values_of(kind: Literal["ks", "cvm"], statistics: Floats, n: int, m: int) -> Floats:
    """Returns the p-values of a test's statistics, for ``n`` reference rows and ``m`` others."""
    return (ks_p_values if kind == "ks" else cvm_p_values)(statistics, n, m)


def ks_p_values(distances: npt.NDArray[np.floating[Any]], n: int, m: int) -> Floats:
    """Returns p-values as ``scipy.stats.ks_2samp(..., mode="asymp")`` does.

    They are within 1e-6, and below 1e-3 within a thousandth of themselves; below 1e-290 they are 0.
    SciPy takes up to 1 ms a column, and splines through its values stand for it.

    Args:
      distances: of any shape, 0 to 1.
      n: rows of the reference.
      m: rows of the window.
    """
    effective = max(1, int(np.round(n * m / (n + m))))
    at = np.asarray(distances, np.float64)
    if effective < _FEWEST:
        return _few_rows(at, effective)
    scaled = at * np.sqrt(effective)
    near = _ks_spline(effective)(np.clip(scaled, _LEAST, _MOST))
    p_values: Floats = np.where(scaled < _LEAST, 1.0, np.clip(near, 0.0, 1.0))
    is_far = scaled > _MOST
    if is_far.any():
        spline, end = _far_spline(effective)
        reached = -np.log1p(-np.minimum(at[is_far], _FURTHEST))
        is_told = (reached <= end) & (at[is_far] < 1.0)
        p_values[is_far] = np.where(is_told, np.exp(spline(np.minimum(reached, end))), 0.0)
    return p_values


def _few_rows(distances: Floats, effective: int) -> Floats:
    from scipy.stats import kstwo

    values, where = np.unique(distances, return_inverse=True)
    p_values: Floats = np.clip(kstwo.sf(values, effective), 0.0, 1.0)
    return p_values[where].reshape(distances.shape)


@lru_cache(maxsize=64)
def _ks_spline(effective: int) -> Any:
    from scipy.interpolate import CubicSpline
    from scipy.stats import kstwo

    points = np.linspace(_LEAST, _MOST, _N_POINTS)
    return CubicSpline(points, kstwo.sf(points / np.sqrt(effective), effective))


@lru_cache(maxsize=64)
def _far_spline(effective: int) -> tuple[Any, float]:
    """Returns log p over ``-log(1 - distance)``, and where it ends."""
    from scipy.interpolate import CubicSpline
    from scipy.special import smirnov

    def log_p(reached: Floats) -> Floats:
        # So far out one side of the distribution is half of both, and far quicker to compute.
        chances = 2.0 * smirnov(effective, -np.expm1(-reached))
        logarithms: Floats = np.log(np.maximum(chances, np.finfo(np.float64).tiny))
        return logarithms

    ends = np.array([_MOST, _FURTHEST_SCALED]) / np.sqrt(effective)
    start, furthest = -np.log1p(-np.minimum(ends, _FURTHEST))
    tried = np.linspace(start, furthest, _N_FAR_POINTS)
    end = float(tried[log_p(tried) > np.log(_LEAST_P)][-1])
    points = np.linspace(start, end, _N_FAR_POINTS)
    return CubicSpline(points, log_p(points)), end


def cvm_p_values(statistics: Floats, n: int, m: int) -> Floats:
    """Returns asymptotic p-values as ``scipy.stats.cramervonmises_2samp`` does.

    They are those of the limit (Csörgő and Faraway 1996, equation 1.2) for the statistic scaled to
    the limit's mean and variance (Anderson 1962). SciPy's series stops at terms of 1e-7, so its
    smaller p-values have no digit that counts and rise again where T is above 4: they are 1e-7.

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
    p_values[is_usual] = np.clip(1.0 - _cvm_limit(scaled[is_usual]), LEAST_CVM_P, 1.0)
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
