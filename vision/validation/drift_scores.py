"""How much a held-out split differs from train, as one number from 0 (alike) to 1.

Missing values are left out of every score.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

# A class with a smaller share of train is counted with the other rare ones: the expected count of
# a cell below 5 makes chi-squared unreliable (Cochran 1954), and 1 % of 500 images is 5.
_RARE_SHARE = 0.01
_MOST_PER_SPLIT = 10_000
_N_FOLDS = 3


def ks_statistics(train: pd.DataFrame, rows: pd.DataFrame) -> dict[str, float | None]:
    """Returns the two-sample Kolmogorov-Smirnov statistic of each column; None without values."""
    from scipy.stats import ks_2samp

    statistics: dict[str, float | None] = {}
    for name in train.columns:
        before, after = train[name].dropna().to_numpy(), rows[name].dropna().to_numpy()
        is_measured = len(before) > 0 and len(after) > 0
        # Only the statistic is read; the exact p-value would take most of the time.
        statistics[str(name)] = (
            float(ks_2samp(before, after, method="asymp").statistic) if is_measured else None
        )
    return statistics


def cramers_v(train: pd.Series, rows: pd.Series) -> float:
    """Returns Cramér's V between the class shares of two splits, corrected for its bias.

    The larger split counts as if it had the size of the smaller one, so that the ratio of the
    sizes does not change the score, and rare classes count as one. The correction is Bergsma's
    (Journal of the Korean Statistical Society 2013, section 3).

    Args:
      train: the label of each training image; its shares say which classes are rare.
      rows: the label of each image of the other split.
    """
    from scipy.stats import chi2_contingency

    both = pd.DataFrame({"train": train.value_counts(), "rows": rows.value_counts()}).fillna(0)
    counts = _balance(_join_rare(both.to_numpy(dtype=np.float64).T))
    # A class that neither split has left after rounding says nothing.
    counts = counts[:, counts.any(axis=0)]
    if counts.shape[1] < 2:
        return 0.0
    n = int(counts.sum())
    chi_squared = float(chi2_contingency(counts).statistic)
    n_rows, n_columns = counts.shape
    association = max(0.0, chi_squared / n - (n_columns - 1) * (n_rows - 1) / (n - 1))
    corrected = min(side - (side - 1) ** 2 / (n - 1) for side in (n_rows, n_columns))
    return float(np.sqrt(association / (corrected - 1)))


def multivariate_drift(train: pd.DataFrame, rows: pd.DataFrame, seed: int) -> tuple[float, float]:
    """Returns how well a classifier tells two splits apart: 2 AUC - 1, at least 0, and the AUC.

    A few shallow boosted trees are trained on as many images of either split, and score those that
    they were not trained on (Lopez-Paz and Oquab, ICLR 2017, section 3).

    Args:
      train: the properties of the training images.
      rows: those of the other split, the same columns.
      seed: of the samples and the folds.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    n = min(len(train), len(rows), _MOST_PER_SPLIT)
    samples = [table.sample(n, random_state=seed) for table in (train, rows)]
    measured = pd.concat(samples).to_numpy(dtype=np.float64)
    is_held_out = np.repeat([0, 1], n)
    folds = StratifiedKFold(_N_FOLDS, shuffle=True, random_state=seed)
    classifier = HistGradientBoostingClassifier(max_depth=2, max_iter=10, random_state=seed)
    guesses = cross_val_predict(
        classifier, measured, is_held_out, cv=folds, method="predict_proba"
    )[:, 1]
    auc = float(roc_auc_score(is_held_out, guesses))
    return max(0.0, 2.0 * auc - 1.0), auc


def _join_rare(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Joins the columns of the classes that are rare in the first row, train."""
    least = _RARE_SHARE * counts.sum(axis=1)
    is_rare = counts[0] < least[0]
    rare = counts[:, is_rare].sum(axis=1, keepdims=True)
    kept = counts[:, ~is_rare]
    return np.hstack([kept, rare]) if (rare[:, 0] > least).any() else kept


def _balance(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Scales the larger split to the size of the smaller one."""
    sizes = counts.sum(axis=1, keepdims=True)
    if not sizes.all():
        return counts.astype(np.int64)
    return np.asarray(np.round(counts * (sizes.min() / sizes)), dtype=np.int64)
