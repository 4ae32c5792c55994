"""The numbers of each suite check in words, and the images they are about.

Every data validator computes its numbers in its own way and says them through these functions, so
that a check reads the same whichever validator measured it. See :mod:`vision.validation.names` for
what each number means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized

import pandas as pd

from vision.validation.measured import Compared, Reading

OUTLIER_PROBABILITY = 0.9
_N_NAMED = 10


def read_missing(shares: Mapping[str, float], compared: Compared) -> Reading:
    """Reads the share of images that lack each property."""
    column, share = _largest(shares)
    rows = compared.rows
    missing = rows[rows[list(compared.columns)].isna().any(axis=1)]
    sentence = f"{_count(missing)} without a property; {column} is missing in {share:.2%} of all"
    return Reading(share, sentence if share else "every image has every property", _paths(missing))


def read_constant(names: Sequence[str]) -> Reading:
    """Reads the names of the pixel properties with one value in all images."""
    verb = "is" if len(names) == 1 else "are"
    sentence = f"{' and '.join(names)} {verb} the same in all images"
    return Reading(float(len(names)), sentence if names else "every pixel property varies")


def read_duplicates(share: float, compared: Compared) -> Reading:
    """Reads the share of images that repeat all properties of an earlier one."""
    repeated = compared.rows.duplicated(list(compared.columns), keep=False)
    images = _paths(compared.rows[repeated])
    sentence = (
        f"{_count(images)} with all properties of another one; "
        f"{share:.2%} of all repeat an earlier one"
    )
    return Reading(share, sentence if images else "no two images are alike", images)


def read_conflicts(share: float, conflicting: pd.DataFrame) -> Reading:
    """Reads the rows that equal one of another class, and their share of all images."""
    images = _paths(conflicting)
    sentence = f"{_count(images)} ({share:.2%}) with all properties of one of another class"
    return Reading(share, sentence if images else "equal images have equal classes", images)


def read_outliers(share: float, outliers: pd.DataFrame, notes: Sequence[str] = ()) -> Reading:
    """Reads the share of outliers, and the rows of the worst."""
    sentence = (
        f"{share:.1%} of the images are unlike all others in their properties "
        f"(outlier probability above {OUTLIER_PROBABILITY})"
    )
    return Reading(share, sentence, _paths(outliers), tuple(notes))


def read_label_correlation(powers: Mapping[str, float]) -> Reading:
    """Reads how well each property alone predicts the class."""
    column, power = _largest(powers)
    return Reading(
        power, f"the property {column} alone predicts the class with a power of {power:.3f}"
    )


def read_feature_drift(statistics: Mapping[str, float | None], compared: Compared) -> Reading:
    """Reads the Kolmogorov-Smirnov statistic of each property; None where there is none."""
    column, score = _largest(statistics)
    assert compared.train is not None
    before, after = compared.train[column].median(), compared.rows[column].median()
    medians = f"median {before:.4g} in train, {after:.4g} there"
    return Reading(
        score,
        f"{column} differs most from train: {score:.3f} ({medians})",
        by_column={name: each for name, each in statistics.items() if each is not None},
    )


def read_label_drift(score: float) -> Reading:
    """Reads Cramér's V between the class shares."""
    return Reading(score, f"the class shares differ from train by {score:.3f}")


def read_multivariate_drift(score: float, auc: float) -> Reading:
    """Reads how well a classifier tells the splits apart: ``score`` is 2 AUC - 1, at least 0."""
    sentence = f"a classifier tells the images from those of train with an AUC of {auc:.3f}"
    return Reading(score, sentence)


def read_new_labels(labels: Iterable[str], compared: Compared) -> Reading:
    """Reads the held-out classes that train lacks."""
    labels = sorted(labels)
    images = _paths(compared.rows[compared.rows["label"].isin(labels)])
    more = f" and {len(labels) - _N_NAMED:,} more" if len(labels) > _N_NAMED else ""
    named = ", ".join(labels[:_N_NAMED]) + more
    sentence = f"{_count(images)} of classes that train lacks: {named}"
    return Reading(float(len(labels)), sentence if labels else "no class is new", images)


def read_sample_mix(share: float, compared: Compared) -> Reading:
    """Reads the share of held-out images equal to a training image."""
    images = _paths(compared.rows[known_in_train(compared)])
    sentence = f"{_count(images)} ({share:.2%}) with all properties of a training image"
    return Reading(
        share, sentence if images else "no image has all properties of a training image", images
    )


def read_sizes(compared: Compared) -> Reading:
    """Reads how many training images there are for each held-out one."""
    assert compared.train is not None
    n_train, n_rows = len(compared.train), len(compared.rows)
    ratio = n_train / n_rows
    sentence = f"{_count(compared.rows)} against {n_train:,} in train, one for {ratio:.1f}"
    return Reading(ratio, sentence)


def known_in_train(compared: Compared) -> pd.Series:
    """Says of each held-out row whether train has its properties and label; NaN equals NaN."""
    assert compared.train is not None
    key = [*compared.columns, "label"]
    both = pd.concat([compared.train[key], compared.rows[key]], ignore_index=True)
    group = both.groupby(key, dropna=False, sort=False).ngroup().to_numpy()
    n_train = len(compared.train)
    return pd.Series(group[n_train:], compared.rows.index).isin(set(group[:n_train].tolist()))


def _paths(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(rows["path"].astype(str))


def _count(paths: Sized) -> str:
    return f"{len(paths):,} image{'' if len(paths) == 1 else 's'}"


def _largest(scores: Mapping[str, float | None]) -> tuple[str, float]:
    measured = {name: float(score) for name, score in scores.items() if score is not None}
    worst = max(measured, key=lambda name: measured[name])
    return worst, measured[worst]
