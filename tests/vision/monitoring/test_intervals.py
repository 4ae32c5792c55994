"""Intervals against published numbers."""

from __future__ import annotations

import pytest

from vision.monitoring.intervals import labels_needed, mean_of, share_of, wilson

pytestmark = pytest.mark.unit


# Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
@pytest.mark.parametrize(
    ("n_hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_published(n_hits: int, n: int, low: float, high: float) -> None:
    assert wilson(n_hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_at_the_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10) == (pytest.approx(0.7225, abs=5e-5), 1.0)


def test_nothing_counted_is_no_share() -> None:
    assert share_of(0, 0).value is None
    assert mean_of(0.0, 0.0, 0).value is None


def test_mean_by_hand() -> None:
    # 0.2 and 0.4: mean 0.3, deviation 0.1, so half an interval is 1.96 * 0.1 / sqrt(2).
    found = mean_of(0.6, 0.2, 2)
    assert (found.value, found.low) == (pytest.approx(0.3), pytest.approx(0.3 - 0.138590, abs=1e-6))


def test_labels_for_five_points() -> None:
    assert labels_needed(0.5) == 385  # the number of every survey
    assert labels_needed(0.9) == 139
    assert labels_needed(1.0) == labels_needed(0.95) == 73
