"""The scipy backend against SciPy's own tests, column by column."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist, squareform

from vision.drift.backend import open_backend
from vision.drift.mmd import MaximumMeanDiscrepancy, permutations_for
from vision.drift.names import LEAST_CVM_P
from vision.drift.p_values import cvm_p_values, ks_p_values
from vision.drift.ranks import SortedReference, cvm_statistics, cvm_untied
from vision.errors import ModelError

pytestmark = pytest.mark.unit

SIZES = [(20, 50), (50, 50), (282, 50), (282, 500), (1500, 200), (5000, 100)]


def columns(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Continuous, rounded, clipped, constant and almost constant columns, some of them moved."""
    rng = np.random.default_rng(seed)
    reference, window = rng.normal(size=(n, 12)), rng.normal(size=(m, 12))
    window += np.linspace(0.0, 0.8, 12)
    for values in (reference, window):
        values[:, 3:6] = np.round(values[:, 3:6], 1)
        values[:, 6:8] = np.maximum(values[:, 6:8], 0.5)
        values[:, 8] = 1.0
    window[0, 8] = 2.0
    reference[:, 9], window[:, 9] = 4.0, 4.0
    return reference, window


def columns_of(*tables: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    return zip(*(table.T for table in tables), strict=True)


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_kolmogorov_smirnov_is_scipys(n: int, m: int):
    reference, window = columns(n, m)
    found = open_backend("scipy").columns("ks", reference).test(window)
    expected = [stats.ks_2samp(*pair, method="asymp") for pair in columns_of(reference, window)]
    np.testing.assert_allclose(found.statistics, [each.statistic for each in expected], atol=1e-15)
    np.testing.assert_allclose(found.p_values, [each.pvalue for each in expected], atol=1e-6)
    assert found.p_values[9] == 1.0


@pytest.mark.parametrize(("n", "m"), SIZES)
def test_cramer_von_mises_is_scipys(n: int, m: int):
    reference, window = columns(n, m)
    found = open_backend("scipy").columns("cvm", reference).test(window)
    expected = [
        stats.cramervonmises_2samp(*pair, method="auto") for pair in columns_of(reference, window)
    ]
    np.testing.assert_allclose(found.statistics, [each.statistic for each in expected], rtol=1e-12)
    # SciPy's own have no digit that counts below 1e-7.
    told = [max(1e-7, each.pvalue) for each in expected]
    np.testing.assert_allclose(found.p_values, told, atol=1e-12)


def test_a_larger_statistic_never_has_a_larger_p_value():
    # SciPy's series gives 2.6e-11 at T = 4 and 7e-10 further out.
    statistics = np.linspace(0.0, 80.0, 4_001)
    for n, m in SIZES:
        p_values = cvm_p_values(statistics, n, m)
        assert (np.diff(p_values) <= 0.0).all()
        assert p_values[-1] == LEAST_CVM_P == 1e-7
        distances = np.linspace(0.0, 1.0, 4_001)
        assert (np.diff(ks_p_values(distances, n, m)) <= 1e-12).all()


@pytest.mark.parametrize(("n", "m"), [(2, 2), (20, 10), (20, 50), (282, 50), (5000, 500)])
def test_kolmogorovs_curve_is_scipys_all_the_way(n: int, m: int):
    effective = max(1, round(n * m / (n + m)))
    distances = np.linspace(0.0, 1.0, 801)
    expected = stats.kstwo.sf(distances, effective)
    found = ks_p_values(distances, n, m)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    is_small = (expected < 1e-3) & (expected > 1e-250)
    np.testing.assert_allclose(found[is_small], expected[is_small], rtol=1e-3)
    assert ks_p_values(distances[None, :3], n, m).shape == (1, 3)


def test_small_p_values_keep_their_digits():
    reference = np.random.default_rng(0).normal(size=(500, 3))
    window = reference[:200] + np.array([0.2, 0.4, 1.0])
    found = open_backend("scipy").columns("ks", reference).test(window).p_values
    expected = [
        stats.ks_2samp(*pair, method="asymp").pvalue for pair in columns_of(reference, window)
    ]
    assert expected[2] < 1e-15
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_without_ties_the_quick_statistic_is_the_same():
    rng = np.random.default_rng(0)
    ranks = SortedReference(rng.normal(size=(300, 5))).rank(rng.normal(size=(70, 5)))
    quick = cvm_untied(ranks.n, ranks.n_below, ranks.n_up_to)
    np.testing.assert_allclose(quick, cvm_statistics(ranks), rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_chi_squared_is_scipys(n_classes: int):
    rng = np.random.default_rng(n_classes)
    reference, window = rng.integers(n_classes, size=300), rng.integers(n_classes, size=80)
    # No row has one of the model's classes, and that changes nothing.
    found = open_backend("scipy").classes(reference, n_classes + 1).test(window)
    counts = [np.bincount(each, minlength=n_classes) for each in (reference, window)]
    expected = stats.chi2_contingency(counts)
    assert found.statistics[0] == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_values[0] == pytest.approx(expected.pvalue, abs=1e-12)


def test_one_class_alone_is_no_drift_and_another_is():
    tester = open_backend("scipy").classes(np.zeros(100, int), 3)
    assert tester.test(np.zeros(50, int)).p_values[0] == 1.0
    assert tester.test(np.ones(50, int)).p_values[0] < 1e-20


def test_maximum_mean_discrepancy_tells_distributions_apart():
    rng = np.random.default_rng(0)
    tester = open_backend("scipy").mmd(rng.normal(size=(200, 4)), 99, seed=3)
    assert tester.test(rng.normal(size=(80, 4))).p_values[0] > 0.05
    moved = tester.test(rng.normal(0.8, 1.0, (80, 4)))
    assert moved.p_values[0] == 0.01 == 1 / 100
    assert moved.statistics[0] > 0.05


def test_maximum_mean_discrepancy_of_constant_rows_is_none():
    found = open_backend("scipy").mmd(np.ones((30, 2)), 20, seed=0).test(np.ones((20, 2)))
    assert abs(found.statistics[0]) < 1e-12
    assert found.p_values[0] == 1.0


def test_so_many_permutations_that_the_level_can_be_told():
    # One false alarm in 360 checks, shared among three embeddings.
    assert permutations_for(1 / 360 / 3, 1_000) == 2_160
    assert permutations_for(0.05, 1_000) == 1_000
    assert permutations_for(1e-9, 1_000) == 20_000


def test_permutations_come_in_batches_and_p_values_do_not_change():
    rng = np.random.default_rng(1)
    reference, window = rng.normal(size=(60, 3)), rng.normal(0.4, 1.0, (30, 3))
    found = MaximumMeanDiscrepancy(reference, 600, seed=0).test(window)
    both = np.concatenate([reference, window])
    width = 0.5 * np.median(pdist(reference, "sqeuclidean"))
    kernel = np.exp(-squareform(pdist(both, "sqeuclidean")) / (2 * width))
    np.fill_diagonal(kernel, 0.0)

    def discrepancy(is_window: np.ndarray) -> float:
        inside, outside = kernel[is_window][:, is_window], kernel[~is_window][:, ~is_window]
        across = kernel[is_window][:, ~is_window].mean()
        return inside.sum() / (30 * 29) + outside.sum() / (60 * 59) - 2 * across

    observed = discrepancy(np.arange(90) >= 60)
    assert found.statistics[0] == pytest.approx(observed, rel=0.02)
    drawn = np.random.default_rng(0)
    orders = [drawn.permutation(90)[:30] for _ in range(600)]
    larger = sum(discrepancy(np.isin(np.arange(90), order)) >= observed for order in orders)
    assert found.p_values[0] == pytest.approx((larger + 1) / 601, abs=3 / 601)


def test_an_unknown_backend_is_refused():
    with pytest.raises(ModelError, match=r"drift\.backend: 'torch' is none of alibi, scipy"):
        open_backend("torch")


def test_a_backend_that_is_not_installed_names_its_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "alibi_detect", None)
    monkeypatch.delitem(__import__("sys").modules, "alibi_detect.cd", raising=False)
    with pytest.raises(ModelError, match=r"needs the package alibi-detect.*set drift\.backend"):
        open_backend("alibi")
