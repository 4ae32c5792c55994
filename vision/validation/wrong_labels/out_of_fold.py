"""Predicts the class of every image by a model that has not seen it nor anything akin to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.intp]
Features = npt.NDArray[np.floating[Any]]

N_FOLDS = 5
_BLOCK = 2048


def assign_folds(frame: pd.DataFrame) -> Ints:
    """Assigns each image to one of 5 folds.

    Images of one group and files of the same bytes share a fold, for a copy with the same wrong
    label would vouch for it. Each class is spread evenly.

    Args:
      frame: the rows of an annotation table.

    Returns:
      (n,) the fold of each row; the same for the same files in any order.
    """
    unit = _units(frame)
    first = (
        frame.assign(unit=unit).groupby("unit").agg(label=("label", "min"), sha=("sha256", "min"))
    )
    ordered = first.sort_values(["label", "sha"]).index
    fold = np.empty(len(first), np.intp)
    fold[ordered] = np.arange(len(first)) % N_FOLDS
    return fold[unit]


def _units(frame: pd.DataFrame) -> Ints:
    """Numbers the images so that those of one content or one group have the same number."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    content = pd.factorize(frame["sha256"])[0]
    named = frame["group"].where(frame["group"] != "", "content " + frame["sha256"])
    group = pd.factorize(named)[0]
    n_nodes = content.max() + group.max() + 2
    edges = (np.ones(len(frame)), (content, content.max() + 1 + group))
    _, component = connected_components(coo_matrix(edges, shape=(n_nodes, n_nodes)), directed=False)
    return np.asarray(component[content], np.intp)


class FoldRidge:
    """Ridge regression of one-hot classes on features, without one fold at a time.

    The sums of products are made once per fold; a model without a fold takes them from the total.

    Args:
      features: (n, n_features), about standardised.
      labels: (n,) class indices.
      n_classes: number of classes.
      folds: (n,) fold of each row.
      home: (n_features,) the one fold for which a feature must not be used, because it is made
        from an image of that fold: an image's similarity to itself tells it from all others and
        makes its prediction too sure. -1 for none.
    """

    def __init__(
        self, features: Features, labels: Ints, n_classes: int, folds: Ints, home: Ints
    ) -> None:
        self._features, self._folds, self._home = features, folds, home
        self._n_classes = n_classes
        n_features = features.shape[1]
        self._products = np.zeros((N_FOLDS, n_features, n_features), np.float32)
        self._sums = np.zeros((N_FOLDS, n_features), np.float64)
        self._targets = np.zeros((N_FOLDS, n_features, n_classes), np.float32)
        self._counts = np.zeros((N_FOLDS, n_classes), np.float64)
        for rows, block in self._blocks(np.arange(len(features))):
            for fold in range(N_FOLDS):
                self._add(fold, block[folds[rows] == fold], labels[rows][folds[rows] == fold])

    def predict(self, fold: int, penalties: Sequence[float]) -> list[npt.NDArray[np.float32]]:
        """Predicts the images of ``fold`` by models of the others.

        Args:
          fold: which images to predict.
          penalties: strengths of regularisation, relative to the mean variance of the features.

        Returns:
          for each penalty (n_in_fold, n_classes) scores, in the order of the rows; about 1 for
          the class of an image and 0 for the others.
        """
        used = np.flatnonzero(self._home != fold)
        others = [other for other in range(N_FOLDS) if other != fold]
        counts = self._counts[others].sum(0)
        total = counts.sum()
        share = counts / total
        mean = self._sums[others].sum(0)[used] / total
        products = np.zeros((len(used), len(used)))
        targets = np.zeros((len(used), self._n_classes))
        for other in others:
            products += self._products[other][np.ix_(used, used)]
            targets += self._targets[other][used]
        products -= total * np.outer(mean, mean)
        targets -= total * np.outer(mean, share)
        rows = np.flatnonzero(self._folds == fold)
        models = [_solve(products, targets, penalty) for penalty in penalties]
        predicted = [np.empty((len(rows), self._n_classes), np.float32) for _ in models]
        start = 0
        for _, block in self._blocks(rows):
            centred = block[:, used] - mean.astype(np.float32)
            for scores, model in zip(predicted, models, strict=True):
                scores[start : start + len(block)] = centred @ model + share
            start += len(block)
        return predicted

    def _add(self, fold: int, block: npt.NDArray[np.float32], labels: Ints) -> None:
        one_hot = np.zeros((len(block), self._n_classes), np.float32)
        one_hot[np.arange(len(block)), labels] = 1
        self._products[fold] += block.T @ block
        self._targets[fold] += block.T @ one_hot
        self._sums[fold] += block.sum(0, dtype=np.float64)
        self._counts[fold] += one_hot.sum(0)

    def _blocks(self, rows: Ints) -> Iterator[tuple[Ints, npt.NDArray[np.float32]]]:
        for start in range(0, len(rows), _BLOCK):
            part = rows[start : start + _BLOCK]
            yield part, self._features[part].astype(np.float32)


def _solve(
    products: npt.NDArray[np.float64], targets: npt.NDArray[np.float64], penalty: float
) -> npt.NDArray[np.float32]:
    from scipy.linalg import cho_factor, cho_solve

    # A floor, so that features that are all alike leave something to solve.
    strength = max(penalty * float(np.trace(products)) / len(products), 1e-6)
    products[np.diag_indices_from(products)] += strength
    # The factor is a copy in column order; products serves the next penalty again.
    factor = cho_factor(products, check_finite=False)
    products[np.diag_indices_from(products)] -= strength
    return np.asarray(cho_solve(factor, targets, check_finite=False), np.float32)
