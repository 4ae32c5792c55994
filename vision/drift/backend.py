"""What a drift backend does: statistics and p-values, one column at a time.

Both backends give the same numbers; thresholds are calibrated once for both.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from vision.drift.result import ColumnTests
from vision.errors import ModelError

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.integer[Any]]
Kind = Literal["ks", "cvm"]

_PACKAGES = {"alibi": "alibi-detect", "scipy": "scipy"}


class ColumnTester(Protocol):
    """Compares windows with one reference."""

    def test(self, window: npt.NDArray[Any]) -> ColumnTests:
        """Tests each column of a window.

        Args:
          window: ``(m, d)`` finite numbers, or ``(m,)`` class indices; m at least 2.
        """
        ...


class Backend(Protocol):
    """Makes testers; every reference has at least 2 rows and is finite."""

    name: str

    def columns(self, kind: Kind, reference: Floats) -> ColumnTester:
        """Returns a test of each of the ``d`` columns of an ``(n, d)`` reference."""
        ...

    def classes(self, reference: Integers, n_classes: int) -> ColumnTester:
        """Returns the chi-squared test of how often ``(n,)`` class indices occur: one column."""
        ...

    def mmd(self, reference: Floats, n_permutations: int, seed: int) -> ColumnTester:
        """Returns the test of all columns together by maximum mean discrepancy: one column.

        Args:
          reference: ``(n, d)``, at most 1,000 rows: cost and memory grow with the square.
          n_permutations: for the p-value, of which the smallest is ``1 / (n_permutations + 1)``.
          seed: of the permutations.
        """
        ...


def open_backend(name: str) -> Backend:
    """Imports a backend, ``alibi`` or ``scipy``.

    Raises:
      ModelError: there is no such backend, or its package is not installed here.
    """
    if name not in _PACKAGES:
        raise ModelError(f"drift.backend: {name!r} is none of {', '.join(_PACKAGES)}")
    # Imported when a configuration or a bundle asks for it: alibi-detect takes seconds.
    try:
        if name == "alibi":
            from vision.drift.alibi_backend import AlibiBackend

            return AlibiBackend()
        from vision.drift.scipy_backend import ScipyBackend

        return ScipyBackend()
    except ImportError as error:
        raise ModelError(
            f"drift.backend {name!r} needs the package {_PACKAGES[name]}, which cannot be imported "
            f"here ({error}); install it, or set drift.backend to the other one and train again"
        ) from error
