"""How well one property alone predicts the class.

The predictive power score: the weighted F1 of a decision tree on that one column, out of fold,
on a scale where guessing the largest class, or guessing by the class shares, is 0 and never being
wrong is 1. A score near 1 means that something other than the picture gives the class away, such
as a class whose images were all made by one camera.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

# Enough for two digits of the score; the trees are what costs time.
_MOST_IMAGES = 5000
_N_FOLDS = 4


def predictive_powers(measured: pd.DataFrame, labels: pd.Series, seed: int) -> dict[str, float]:
    """Returns the predictive power of each property for the class.

    Args:
      measured: one column per property.
      labels: the class of each row.
      seed: of the sample, the folds and the guesses.

    Returns:
      property to its power, 0 to 1.
    """
    if len(measured) > _MOST_IMAGES:
        measured = measured.sample(_MOST_IMAGES, random_state=seed)
    classes, _ = pd.factorize(labels[measured.index], sort=True)
    return {
        str(name): _power(measured[name].to_numpy(dtype=np.float64), classes, seed)
        for name in measured.columns
    }


def _power(values: npt.NDArray[np.float64], classes: npt.NDArray[np.int64], seed: int) -> float:
    from sklearn.metrics import f1_score

    is_known = ~np.isnan(values)
    values, classes = values[is_known], classes[is_known]
    counts = np.bincount(classes) if len(classes) else np.zeros(1, np.int64)
    # Nothing to predict, or nothing to learn it from.
    if (counts > 0).sum() < 2 or counts.max() == 1:
        return 0.0
    shuffled = np.random.default_rng(seed).permutation(classes)
    largest = np.full(len(classes), counts.argmax())
    scores = [
        float(f1_score(classes, guess, average="weighted"))
        for guess in (largest, shuffled, _predicted(values, classes, seed))
    ]
    guessed = max(scores[:2])
    return max(0.0, (scores[2] - guessed) / (1.0 - guessed)) if guessed < 1 else 0.0


def _predicted(
    values: npt.NDArray[np.float64], classes: npt.NDArray[np.int64], seed: int
) -> npt.NDArray[np.int64]:
    """Returns the class of each row as trees say that were trained on the other folds."""
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(random_state=seed)
    # Not stratified, so that a class of one image is no error.
    folds = KFold(min(_N_FOLDS, len(values)), shuffle=True, random_state=seed)
    return np.asarray(cross_val_predict(tree, values.reshape(-1, 1), classes, cv=folds))
