"""Image properties and class shares of a period against the reference set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.vision.monitoring.traffic import Drawn, reference_set
from vision.drift.backend import open_backend
from vision.images.measure import NUMERIC
from vision.monitoring.class_shares import compare_classes, homogeneity_p_value
from vision.monitoring.intervals import share_of
from vision.monitoring.properties import (
    UNITS,
    compare_confidence,
    compare_properties,
    ks_statistic,
)

pytestmark = pytest.mark.unit


def test_ks_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.1, 0.5):
        one, two = rng.normal(0, 1, 400), rng.normal(shift, 1, 700).round(1)
        expected = stats.ks_2samp(one, two, method="asymp")
        statistic = ks_statistic(one, two)
        assert statistic == pytest.approx(expected.statistic)
        found = compare_confidence(one, two)
        assert found is not None
        assert found.p_value == pytest.approx(expected.pvalue, abs=1e-6)


def test_every_property_has_a_unit() -> None:
    assert set(UNITS) == {*NUMERIC, "confidence"}


def test_only_what_moved_is_marked() -> None:
    reference = reference_set(1_000).properties
    sample = pd.DataFrame(Drawn(1_000, seed=3).properties)
    sample["brightness"] -= 0.1
    found = compare_properties(reference, sample, {"entropy": "said so"})
    assert [each.name for each in found if each.is_moved] == ["brightness"]
    assert found[0].name == "brightness"  # those that moved most come first
    assert {each.finding for each in found} == {"", "said so"}
    assert sum(found[0].reference) == pytest.approx(1.0)
    assert sum(found[0].predictions) == pytest.approx(1.0)


def test_a_tiny_difference_of_many_rows_is_none() -> None:
    rng = np.random.default_rng(1)
    reference = pd.DataFrame({name: rng.normal(0, 1, 5_000) for name in NUMERIC})
    sample = pd.DataFrame({name: rng.normal(0.15, 1, 5_000) for name in NUMERIC})
    found = compare_properties(reference, sample, {})
    assert max(each.p_value for each in found) < 0.01
    assert not any(each.is_moved for each in found)


def test_constant_property() -> None:
    reference = pd.DataFrame({name: np.full(30, 1.0) for name in NUMERIC})
    found = compare_properties(reference, reference, {})
    assert {each.statistic for each in found} == {0.0}
    assert all(low < high for each in found for low, high in [(each.edges[0], each.edges[-1])])


def test_too_few_rows_are_not_compared() -> None:
    reference = reference_set().properties
    assert compare_properties(reference, reference.head(19), {}) == ()
    assert compare_confidence(np.ones(50), np.ones(19)) is None


def test_chi_squared_is_that_of_scipy() -> None:
    first, second = np.array([40, 60, 0, 5]), np.array([300, 250, 0, 30])
    expected = stats.chi2_contingency(np.stack([first, second])[:, [0, 1, 3]]).pvalue
    assert homogeneity_p_value(first, second) == pytest.approx(expected, rel=1e-9)


def test_two_classes_are_compared_as_the_detectors_compare_them() -> None:
    predicted, reference = np.repeat([0, 1], [12, 38]), np.repeat([0, 1], [90, 110])
    counts = [np.bincount(each, minlength=2) for each in (predicted, reference)]
    tester = open_backend("scipy").classes(reference, 2)
    expected = tester.test(predicted).p_values[0]
    assert homogeneity_p_value(*counts) == pytest.approx(expected, rel=1e-12)
    # With Yates' correction.
    assert expected == pytest.approx(stats.chi2_contingency(np.stack(counts)).pvalue)


def test_chi_squared_needs_two_classes_and_two_rows() -> None:
    assert homogeneity_p_value(np.array([5, 0]), np.array([9, 0])) is None
    assert homogeneity_p_value(np.array([0, 0]), np.array([9, 1])) is None


def test_class_shares() -> None:
    nothing = (share_of(0, 0),) * 2
    found = compare_classes(("a", "b"), np.array([30, 10]), np.array([50, 50]), nothing)
    assert [each.predicted.value for each in found.shares] == [0.75, 0.25]
    assert [each.reference for each in found.shares] == [0.5, 0.5]
    empty = compare_classes(("a", "b"), np.array([0, 0]), np.array([50, 50]), nothing)
    assert empty.shares[0].predicted.value is None
