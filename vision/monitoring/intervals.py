"""Intervals of shares and means."""

from __future__ import annotations

import math

from vision.monitoring.report_parts import ShareReport

# Two-sided 95 %.
Z_95 = 1.959963984540054


def wilson(n_hits: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Returns the score interval of a share, 0 to 1; all of it where nothing was counted.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the
    American Statistical Association 22, 1927. It holds for small numbers and for shares of 0 and 1,
    where the usual ``p +- z s`` does not.

    Args:
      n_hits: how many of them.
      n: how many there were.
      z: quantile of the normal distribution; 1.96 for 95 % on two sides.
    """
    if not n:
        return 0.0, 1.0
    share = n_hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if n_hits == 0 else middle - half
    high = 1.0 if n_hits == n else middle + half
    return low, high


def share_of(n_hits: int, n: int) -> ShareReport:
    """Returns a share with its Wilson interval."""
    if not n:
        return ShareReport(n=0)
    low, high = wilson(n_hits, n)
    return ShareReport(n=n, value=n_hits / n, low=low, high=high)


def mean_of(total: float, squares: float, n: int) -> ShareReport:
    """Returns the mean of ``n`` values of 0 to 1 with its normal interval, from their sums."""
    if not n:
        return ShareReport(n=0)
    mean = total / n
    variance = max(0.0, squares / n - mean * mean)
    half = Z_95 * math.sqrt(variance / n)
    return ShareReport(n=n, value=mean, low=max(0.0, mean - half), high=min(1.0, mean + half))


def labels_needed(share: float, half_width: float = 0.05) -> int:
    """Returns how many random images must be labelled to know an accuracy about so well.

    Args:
      share: the accuracy that is expected; unlikely values are not believed.
      half_width: of the 95 % interval; 0.05 is 5 points to either side.
    """
    believed = min(0.95, max(0.5, share))
    return math.ceil(Z_95**2 * believed * (1 - believed) / half_width**2)
