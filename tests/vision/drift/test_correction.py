from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vision.drift.correction import correct

pytestmark = pytest.mark.unit


def test_bonferroni_multiplies_by_the_number_of_columns():
    assert correct("bonferroni", np.array([0.01, 0.2, 0.5, 0.9])) == pytest.approx(0.04)
    assert correct("bonferroni", np.array([0.4, 0.5, 0.6])) == 1.0


def test_false_discovery_rate_is_benjamini_and_hochbergs():
    p_values = np.random.default_rng(0).random((50, 20)) ** 2
    expected = [stats.false_discovery_control(row, method="bh").min() for row in p_values]
    np.testing.assert_allclose(correct("fdr", p_values), expected)


@pytest.mark.parametrize("correction", ["bonferroni", "fdr"])
def test_one_column_needs_none_and_nothing_exceeds_1(correction):
    assert correct(correction, np.array([0.3])) == pytest.approx(0.3)
    assert correct(correction, np.ones(7)) == 1.0
    assert correct(correction, np.zeros(7)) == 0.0
