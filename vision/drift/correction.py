"""One p-value for all columns of a view."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Correction = Literal["bonferroni", "fdr"]


def correct(correction: Correction, p_values: npt.NDArray[np.floating[Any]]) -> Any:
    """Returns the corrected p-value, at most 1.

    It is at most ``a`` exactly where the view is found to have moved at level ``a``: with
    Bonferroni where some column's p-value is at most ``a / d``, with the false discovery rate where
    Benjamini and Hochberg (1995) reject any column.

    Args:
      correction: ``bonferroni`` or ``fdr``.
      p_values: ``(..., d)`` of the columns; the result has shape ``(...)``.
    """
    d = p_values.shape[-1]
    if correction == "bonferroni":
        return np.minimum(1.0, p_values.min(axis=-1) * d)
    ranked = np.sort(p_values, axis=-1) * d / np.arange(1, d + 1)
    return np.minimum(1.0, ranked.min(axis=-1))
