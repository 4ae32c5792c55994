"""Values as the detectors compare them: without what only rounding makes different."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vision.drift.names import VECTORS

# Where the order of equal values starts; no multiple of the steps below lies between them.
REFERENCE_ORDER, WINDOW_ORDER = 0.0, 0.317

# Far below half a unit of 12 bits, and below the smallest float32.
_NOISE, _LEAST_NOISE = 2.0**-18, 1e-40
# Multiples of the golden ratio spread evenly over 0..1, wherever one starts and stops.
_ROW_STEP, _COLUMN_STEP = (5.0**0.5 - 1.0) / 2.0, 2.0**0.5


def settle(view: str, kind: str, values: npt.NDArray[Any], start: float) -> npt.NDArray[Any]:
    """Returns the values of a view as they are compared.

    Embeddings are rounded to 12 bits: a graph rounds differently for one image than for a batch of
    256, and where a column is nearly constant, such as a probability of almost always 1, the tests
    would find that alone. Cramér-von Mises' p-values are wrong where values are equal (SciPy gives
    two constant columns p = 0), so equal values are spread evenly, in no order, for it.

    Args:
      view: one of :data:`vision.drift.names.VIEWS`.
      kind: ``ks`` or ``cvm``.
      values: ``(n, d)``, or ``(n,)`` class indices, which are returned as they are.
      start: :data:`REFERENCE_ORDER` or :data:`WINDOW_ORDER`, so that no two become equal again.
    """
    if view == "classes":
        return values
    settled: npt.NDArray[Any] = np.asarray(values, np.float64)
    if view in VECTORS:
        fractions, exponents = np.frexp(settled)
        settled = np.ldexp(np.round(fractions * 4096.0) / 4096.0, exponents)
    if kind == "cvm":
        noise = spread(len(settled), settled.shape[1], start)
        settled = settled + noise * np.maximum(np.abs(settled) * _NOISE, _LEAST_NOISE)
    return settled


def spread(n_rows: int, n_columns: int, start: float) -> npt.NDArray[np.float64]:
    """Returns ``(n_rows, n_columns)`` numbers from 0 to 1 that are spread evenly in each column."""
    rows, columns = np.arange(1, n_rows + 1), np.arange(n_columns)
    shares: npt.NDArray[np.float64] = rows[:, None] * _ROW_STEP + columns * _COLUMN_STEP + start
    return shares % 1.0
