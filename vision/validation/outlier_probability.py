"""How unlike all others a row of measurements is, as a probability.

Local outlier probabilities, LoOP (Kriegel, Kröger, Schubert and Zimek, CIKM 2009, section 3): the
spread of a row's nearest neighbours, against the spread of theirs, on the scale of the errors of
all rows. Distances are Gower's (Biometrics 1971): the mean difference, each column by its range.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Probabilities = npt.NDArray[np.float64]

# Three standard deviations (the paper's lambda): what is outside is one row in 370.
_EXTENT = 3.0
_NEIGHBOURS_SHARE = 0.01
_LEAST_NEIGHBOURS = 5


def outlier_probabilities(measured: pd.DataFrame) -> Probabilities:
    """Returns the probability that each row is an outlier.

    Args:
      measured: (n rows, k columns) numbers; a missing one counts as the median of its column.

    Returns:
      (n,) from 0 to 1; 0 for all where there are too few rows to have neighbours.
    """
    n_neighbours = max(_LEAST_NEIGHBOURS, int(_NEIGHBOURS_SHARE * len(measured)))
    if len(measured) <= n_neighbours:
        return np.zeros(len(measured))
    distances, neighbours = _nearest(_scaled(measured), n_neighbours)
    spread = _EXTENT * np.sqrt(np.mean(distances**2, axis=1))
    around = np.mean(spread[neighbours], axis=1)
    # Rows among copies of each other have no spread at all; they are outliers of nothing.
    factor = np.divide(spread, around, out=np.ones_like(spread), where=around > 0) - 1.0
    scale = _EXTENT * np.sqrt(np.mean(factor**2))
    if scale == 0:
        return np.zeros(len(measured))
    return _error_function(factor / (scale * np.sqrt(2.0)))


def _error_function(values: Probabilities) -> Probabilities:
    from scipy.special import erf

    return np.maximum(0.0, np.asarray(erf(values), dtype=np.float64))


def _scaled(measured: pd.DataFrame) -> Probabilities:
    numbers = measured.astype(float)
    numbers = numbers.fillna(numbers.median()).fillna(0.0)
    span = (numbers.max() - numbers.min()).replace(0.0, 1.0)
    return np.asarray(numbers / span / numbers.shape[1], dtype=np.float64)


def _nearest(rows: Probabilities, n_neighbours: int) -> tuple[Probabilities, npt.NDArray[np.int64]]:
    """Returns distances and indices, (n, n_neighbours), of each row's nearest, without itself."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=n_neighbours, metric="manhattan", algorithm="kd_tree")
    # Without an argument a row is no neighbour of its own, also where it has copies.
    distances, neighbours = search.fit(rows).kneighbors()
    return np.asarray(distances), np.asarray(neighbours)
