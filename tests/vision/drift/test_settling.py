from __future__ import annotations

import numpy as np
import pytest

from vision.drift.backend import open_backend
from vision.drift.settling import REFERENCE_ORDER, WINDOW_ORDER, settle

pytestmark = pytest.mark.unit


def test_what_only_rounding_makes_different_is_equal():
    values = np.array([[1.0], [0.99999994], [1.0000001], [0.0], [0.37]], np.float32)
    settled = settle("bbsd", "ks", values, REFERENCE_ORDER)[:, 0]
    assert settled[0] == settled[1] == settled[2] == 1.0
    assert settled[3] == 0.0
    assert settled[4] == pytest.approx(0.37, rel=2**-12)


def test_small_values_keep_their_order_of_magnitude():
    values = np.array([[1e-12], [1.01e-12], [-5e4]])
    settled = settle("uae", "ks", values, REFERENCE_ORDER)[:, 0]
    assert settled[0] < settled[1]
    np.testing.assert_allclose(settled, values[:, 0], rtol=2**-12)


def test_properties_and_classes_are_left_as_they_are():
    classes = np.array([0, 2, 1])
    assert settle("classes", "cvm", classes, WINDOW_ORDER) is classes
    values = np.array([[0.1234567891]])
    assert settle("properties", "ks", values, WINDOW_ORDER)[0, 0] == 0.1234567891


def test_cramer_von_mises_finds_nothing_in_a_constant_column():
    constant = np.ones((300, 2)) * [0.0, 7.0]
    window = constant[:60]
    raw = open_backend("scipy").columns("cvm", constant).test(window)
    assert raw.p_values.max() < 1e-6
    settled = [
        settle("penultimate", "cvm", values, start)
        for values, start in ((constant, REFERENCE_ORDER), (window, WINDOW_ORDER))
    ]
    assert open_backend("scipy").columns("cvm", settled[0]).test(settled[1]).p_values.min() > 0.9


def test_values_that_differ_keep_their_order():
    values = np.sort(np.random.default_rng(0).normal(size=(500, 1)), axis=0)
    for view in ("uae", "properties"):
        settled = settle(view, "cvm", values, REFERENCE_ORDER)[:, 0]
        assert len(np.unique(settled)) == 500
        apart = np.diff(values[:, 0]) > 0.01
        assert (np.diff(settled)[apart] > 0.0).all()
