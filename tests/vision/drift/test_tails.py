from __future__ import annotations

import numpy as np
import pytest

from vision.drift.tails import Tail

pytestmark = pytest.mark.unit


def test_exact_p_values_are_their_own_level():
    tail = Tail.fit(np.random.default_rng(0).random(5_000))
    for level in (1e-5, 1e-3, 0.05):
        assert tail.p_value(level) == pytest.approx(level, rel=0.4)
    assert tail.p_value(0.5) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("exponent", [0.7, 1.5])
def test_a_power_law_is_found_far_below_what_was_drawn(exponent: float):
    drawn = np.random.default_rng(1).random(5_000) ** (1 / exponent)
    expected = 1e-4 ** (1 / exponent)
    assert np.log10(Tail.fit(drawn).p_value(1e-4)) == pytest.approx(np.log10(expected), abs=0.35)


def test_levels_and_p_values_are_each_others_inverse():
    tail = Tail.fit(np.random.default_rng(2).random(1_000) ** 1.2)
    levels = np.array([1e-6, 1e-4, 0.01, 0.05])
    np.testing.assert_allclose(tail.levels([tail.p_value(level) for level in levels]), levels)


def test_levels_rise_with_the_p_value():
    tail = Tail.fit(np.random.default_rng(3).random(500))
    assert (np.diff(tail.levels(np.linspace(0.0, 1.0, 2_001))) >= 0.0).all()


def test_p_values_that_are_all_1_are_taken_as_exact():
    tail = Tail.fit(np.ones(400))
    assert tail.p_value(0.002) == pytest.approx(0.002)
    np.testing.assert_allclose(tail.levels([0.01, 1.0]), [0.01, 1.0])


def test_p_values_of_0_keep_the_threshold_above_0():
    drawn = np.concatenate([np.zeros(300), np.random.default_rng(4).random(700)])
    assert 0.0 < Tail.fit(drawn).p_value(1e-4) <= 1.0
