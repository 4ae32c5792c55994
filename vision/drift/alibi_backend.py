"""The drift backend of alibi-detect, and the one door to it.

alibi-detect imports TensorFlow wherever it is installed, and only the maximum mean discrepancy
needs it; a process that does without calls :func:`without_tensorflow` first.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.backend import Floats, Integers, Kind
from vision.drift.result import ColumnTests
from vision.errors import ModelError
from vision.quiet import import_tensorflow

_FRAMEWORKS = (
    "tensorflow",
    "tensorflow_probability",
    "tf_keras",
    "keras",
    "torch",
    "pykeops",
)


class _WithoutFrameworks:
    """A finder of modules that finds none of the frameworks."""

    def __init__(self, finder: Any) -> None:
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname.partition(".")[0] in _FRAMEWORKS:
            return None
        return self._finder.find_spec(fullname, path, target)


def without_tensorflow() -> None:
    """Imports alibi-detect as if TensorFlow, Keras and PyTorch were not installed.

    For a process that runs column tests alone: 3 seconds and 200 MB in place of 11 and 780. Where
    TensorFlow or alibi-detect was imported before, this changes nothing. The maximum mean
    discrepancy cannot be had in such a process.

    Raises:
      ImportError: alibi-detect is not installed.
    """
    if any(name in sys.modules for name in ("alibi_detect", *_FRAMEWORKS)):
        _import_alibi()
        return
    finders = list(sys.meta_path)
    sys.meta_path[:] = [_WithoutFrameworks(finder) for finder in finders]
    try:
        _import_alibi()
    finally:
        sys.meta_path[:] = finders


def _import_alibi() -> Any:
    # One of its dependencies would say in a line that there is no TensorFlow.
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    if "alibi_detect" not in sys.modules and find_spec("tensorflow") is not None:
        import_tensorflow()  # alibi-detect would, and let its start-up lines through
    import alibi_detect.cd

    return alibi_detect.cd


class _Scored:
    """Asks a univariate detector for its score."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector

    def test(self, window: npt.NDArray[Any]) -> ColumnTests:
        rows = np.asarray(window).reshape(len(window), -1)
        p_values, statistics = self._detector.feature_score(self._detector.x_ref, rows)
        return ColumnTests(statistics.astype(np.float64), p_values.astype(np.float64))


class _Discrepancy:
    """Asks the MMD detector for its score, with permutations of its own."""

    def __init__(self, detector: Any, n_permutations: int, seed: int) -> None:
        self._detector = detector
        self._n_permutations = n_permutations
        self._seed = seed

    def test(self, window: npt.NDArray[Any]) -> ColumnTests:
        # alibi-detect draws its permutations from NumPy's global generator.
        state = np.random.get_state()  # noqa: NPY002
        np.random.seed(self._seed)  # noqa: NPY002
        try:
            share, statistic, _ = self._detector.score(np.asarray(window, np.float32))
        finally:
            np.random.set_state(state)  # noqa: NPY002
        # A share of 0 permutations is no p-value: the window itself is one of the orders.
        p_value = (float(share) * self._n_permutations + 1) / (self._n_permutations + 1)
        return ColumnTests(np.array([float(statistic)]), np.array([p_value]))


class AlibiBackend:
    """See :class:`vision.drift.backend.Backend`."""

    name = "alibi"

    def __init__(self) -> None:
        """Imports alibi-detect.

        Raises:
          ImportError: it is not installed.
        """
        # It warns of every optional package that it does without.
        logging.getLogger("alibi_detect").setLevel(logging.ERROR)
        self._detectors = _import_alibi()

    def columns(self, kind: Kind, reference: Floats) -> _Scored:
        """Returns ``KSDrift`` or ``CVMDrift``."""
        detector = self._detectors.KSDrift if kind == "ks" else self._detectors.CVMDrift
        return _Scored(detector(np.asarray(reference, np.float64)))

    def classes(self, reference: Integers, n_classes: int) -> _Scored:
        """Returns ``ChiSquareDrift``; it counts the classes that it finds."""
        return _Scored(self._detectors.ChiSquareDrift(np.asarray(reference)[:, None]))

    def mmd(self, reference: Floats, n_permutations: int, seed: int) -> _Discrepancy:
        """Returns ``MMDDrift`` on TensorFlow.

        Raises:
          ModelError: TensorFlow is not installed, or was kept out of this process.
        """
        rows = np.asarray(reference, np.float32)
        try:
            detector = self._detectors.MMDDrift(
                rows, backend="tensorflow", n_permutations=n_permutations
            )
        except ImportError as error:
            raise ModelError(
                "alibi-detect computes the maximum mean discrepancy with TensorFlow, which is not "
                "there; set drift.backend: scipy, or run it where the pipelines run"
            ) from error
        return _Discrepancy(detector, n_permutations, seed)
