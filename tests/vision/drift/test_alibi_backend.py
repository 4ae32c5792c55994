"""Both backends give the same verdicts (DR-03), and alibi-detect does without TensorFlow."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tests.vision.drift.samples import config, draw_rows
from vision.drift.backend import Backend, open_backend
from vision.drift.detectors import DriftDetectors, calibrate
from vision.drift.views import DriftRows
from vision.quiet import import_tensorflow

pytestmark = [pytest.mark.integration, pytest.mark.slow]

N_WINDOWS = 200


@pytest.fixture(scope="module")
def alibi() -> Backend:
    import_tensorflow()
    return open_backend("alibi")


def planted() -> Iterator[DriftRows]:
    """Windows that did not move, moved a little, and moved far."""
    for index in range(N_WINDOWS):
        yield draw_rows(60, 100 + index, shift=(index % 5) * 0.15)


def test_dr03_both_backends_give_the_same_verdicts(alibi: Backend):
    reference = draw_rows(300, 1)
    file = calibrate(reference, 3, config(windows=(60,)))
    ours = DriftDetectors(file, reference)
    theirs = DriftDetectors(file.model_copy(update={"backend": "alibi"}), reference)
    verdicts = []
    for rows in planted():
        one, other = ours.check(rows), theirs.check(rows)
        assert [test.is_drift for test in one.tests] == [test.is_drift for test in other.tests]
        for mine, their in zip(one.tests, other.tests, strict=True):
            assert mine.p_value == pytest.approx(their.p_value, abs=2e-5), mine
            assert mine.statistic == pytest.approx(their.statistic, rel=1e-5, abs=1e-6)
        verdicts.append(one.is_drift)
    assert 60 < sum(verdicts) < 160


@pytest.mark.parametrize("kind", ["ks", "cvm"])
def test_dr03_p_values_of_columns_are_equal(alibi: Backend, kind):
    reference = draw_rows(400, 2).properties
    for seed, shift in ((3, 0.0), (4, 0.3), (5, 2.0)):
        window = draw_rows(100, seed, shift=shift).properties
        ours = open_backend("scipy").columns(kind, reference).test(window)
        theirs = alibi.columns(kind, reference).test(window)
        np.testing.assert_allclose(ours.p_values, theirs.p_values, atol=1e-6)
        np.testing.assert_allclose(ours.statistics, theirs.statistics, rtol=1e-6, atol=1e-6)


def test_dr03_the_discrepancy_is_equal(alibi: Backend):
    reference = draw_rows(200, 2).uae
    for seed, shift in ((3, 0.0), (4, 0.5)):
        window = draw_rows(60, seed, shift=shift).uae
        ours = open_backend("scipy").mmd(reference, 50, seed=0).test(window)
        theirs = alibi.mmd(reference, 50, seed=0).test(window)
        np.testing.assert_allclose(ours.statistics, theirs.statistics, atol=1e-5)
        # Their permutations are other ones.
        assert ours.p_values[0] == pytest.approx(theirs.p_values[0], abs=0.25)
        assert (shift > 0) == (ours.p_values[0] < 0.05) == (theirs.p_values[0] < 0.05)


def test_the_discrepancy_leaves_numpys_generator_alone(alibi: Backend):
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    tester = alibi.mmd(draw_rows(50, 0).uae, 20, seed=0)
    once, again = (tester.test(draw_rows(50, 1).uae).p_values[0] for _ in range(2))
    assert once == again
    assert np.random.random() == expected  # noqa: NPY002


WITHOUT = """
import sys
from vision.drift.alibi_backend import without_tensorflow
without_tensorflow()
import numpy as np
from vision.drift.backend import open_backend
from vision.errors import ModelError
backend = open_backend("alibi")
rows = np.random.default_rng(0).normal(size=(100, 2))
print(backend.columns("ks", rows).test(rows[:50] + 3).p_values.max() < 1e-9)
try:
    backend.mmd(rows, 10, 0)
except ModelError as error:
    print(error)
print([name for name in ("tensorflow", "keras", "torch", "tf_keras") if name in sys.modules])
import importlib.util
print(importlib.util.find_spec("tensorflow") is not None)
"""


def test_a_process_can_do_without_tensorflow():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.splitlines() == [
        "True",
        "alibi-detect computes the maximum mean discrepancy with TensorFlow, which is not there; "
        "set drift.backend: scipy, or run it where the pipelines run",
        "[]",
        "True",
    ]
