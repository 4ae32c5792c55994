"""What one Deepchecks result says: a number, a sentence, and the images it is about.

Deepchecks gives every check a result of its own shape. Each reader here turns one of them into a
:class:`Reading`; none imports Deepchecks, so a result is anything with ``value`` and ``display``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from vision.validation.names import SuiteCheck

OUTLIER_PROBABILITY = 0.9


class Result(Protocol):
    """The part of a Deepchecks check result that is read."""

    value: Any
    display: list[Any]


@dataclass(frozen=True)
class Compared:
    """What a check looked at.

    Attributes:
      rows: the checked rows of the image-property table: all of them, or one held-out split.
      columns: the properties it looked at.
      split: the held-out split's name; empty for all rows.
      train: the training rows it was compared with; None for checks of one table.
    """

    rows: pd.DataFrame
    columns: tuple[str, ...]
    split: str = ""
    train: pd.DataFrame | None = None


@dataclass(frozen=True)
class Reading:
    """What a check measured.

    Attributes:
      value: higher is worse.
      sentence: the number in words.
      images: relative paths, in the order of the table or the worst first.
    """

    value: float
    sentence: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one check on one table or pair of tables.

    Attributes:
      check: which check.
      split: the held-out split; empty for checks of the whole table.
      reading: what it measured; None where it could not.
      reason: why it could not.
    """

    check: SuiteCheck
    split: str
    reading: Reading | None
    reason: str = ""


Reader = Callable[[Result, Compared], Reading]


def _paths(rows: pd.DataFrame) -> tuple[str, ...]:
    return tuple(rows["path"].astype(str))


def _count(paths: Sized) -> str:
    return f"{len(paths):,} image{'' if len(paths) == 1 else 's'}"


def _largest(scores: Mapping[str, float | None]) -> tuple[str, float]:
    measured = {name: float(score) for name, score in scores.items() if score is not None}
    worst = max(measured, key=lambda name: measured[name])
    return worst, measured[worst]


def _read_missing(result: Result, compared: Compared) -> Reading:
    column, share = _largest(result.value["Percent of nulls in sample"].to_dict())
    rows = compared.rows
    missing = rows[rows[list(compared.columns)].isna().any(axis=1)]
    sentence = f"{_count(missing)} without a property; {column} is missing in {share:.2%} of all"
    return Reading(share, sentence if share else "every image has every property", _paths(missing))


def _read_constant(result: Result, compared: Compared) -> Reading:
    names = [name for name, n_values in result.value.items() if n_values == 1]
    verb = "is" if len(names) == 1 else "are"
    sentence = f"{' and '.join(names)} {verb} the same in all images"
    return Reading(float(len(names)), sentence if names else "every pixel property varies")


def _read_duplicates(result: Result, compared: Compared) -> Reading:
    repeated = compared.rows.duplicated(list(compared.columns), keep=False)
    images = _paths(compared.rows[repeated])
    sentence = (
        f"{_count(images)} with all properties of another one; "
        f"{result.value:.2%} of all repeat an earlier one"
    )
    return Reading(float(result.value), sentence if images else "no two images are alike", images)


def _read_conflicts(result: Result, compared: Compared) -> Reading:
    indices = [index for group in result.value["samples_indices"] for index in group]
    images = _paths(compared.rows.loc[indices])
    share = float(result.value["percent_of_conflicting_samples"])
    sentence = f"{_count(images)} ({share:.2%}) with all properties of one of another class"
    return Reading(share, sentence if images else "equal images have equal classes", images)


def _read_outliers(result: Result, compared: Compared) -> Reading:
    # The value is the probability at every thousandth of the images, in rising order; the images
    # themselves are only in the table that Deepchecks displays, the worst first.
    share = float((result.value > OUTLIER_PROBABILITY).sum()) / len(result.value)
    table = next(item for item in result.display if isinstance(item, pd.DataFrame))
    worst = table[table["Outlier Probability Score"] > OUTLIER_PROBABILITY].index
    sentence = (
        f"{share:.1%} of the images are unlike all others in their properties "
        f"(outlier probability above {OUTLIER_PROBABILITY})"
    )
    return Reading(share, sentence, _paths(compared.rows.loc[worst]))


def _read_label_correlation(result: Result, compared: Compared) -> Reading:
    column, power = _largest(result.value)
    return Reading(
        power, f"the property {column} alone predicts the class with a power of {power:.3f}"
    )


def _read_feature_drift(result: Result, compared: Compared) -> Reading:
    column, score = _largest({name: each["Drift score"] for name, each in result.value.items()})
    assert compared.train is not None
    before, after = compared.train[column].median(), compared.rows[column].median()
    medians = f"median {before:.4g} in train, {after:.4g} there"
    return Reading(score, f"{column} differs most from train: {score:.3f} ({medians})")


def _read_label_drift(result: Result, compared: Compared) -> Reading:
    score = float(result.value["Drift score"])
    return Reading(score, f"the class shares differ from train by {score:.3f}")


def _read_multivariate_drift(result: Result, compared: Compared) -> Reading:
    score = float(result.value["domain_classifier_drift_score"])
    auc = float(result.value["domain_classifier_auc"])
    sentence = f"a classifier tells the images from those of train with an AUC of {auc:.3f}"
    return Reading(score, sentence)


def _read_new_labels(result: Result, compared: Compared) -> Reading:
    labels = [str(label) for label in result.value["new_labels"]]
    images = _paths(compared.rows[compared.rows["label"].isin(labels)])
    sentence = f"{_count(images)} of classes that train lacks: {', '.join(labels)}"
    return Reading(float(len(labels)), sentence if labels else "no class is new", images)


def _read_sample_mix(result: Result, compared: Compared) -> Reading:
    assert compared.train is not None
    key = [*compared.columns, "label"]
    known = pd.MultiIndex.from_frame(compared.train[key])
    images = _paths(compared.rows[pd.MultiIndex.from_frame(compared.rows[key]).isin(known)])
    share = float(result.value["ratio"])
    sentence = f"{_count(images)} ({share:.2%}) with all properties of a training image"
    return Reading(
        share, sentence if images else "no image has all properties of a training image", images
    )


def _read_sizes(result: Result, compared: Compared) -> Reading:
    n_train, n_rows = result.value["Train"], result.value["Test"]
    ratio = n_train / n_rows
    sentence = f"{_count(compared.rows)} against {n_train:,} in train, one for {ratio:.1f}"
    return Reading(ratio, sentence)


READERS: Mapping[str, Reader] = {
    "missing_properties": _read_missing,
    "constant_properties": _read_constant,
    "duplicate_properties": _read_duplicates,
    "conflicting_properties": _read_conflicts,
    "property_outliers": _read_outliers,
    "label_correlation": _read_label_correlation,
    "feature_drift": _read_feature_drift,
    "label_drift": _read_label_drift,
    "multivariate_drift": _read_multivariate_drift,
    "new_labels": _read_new_labels,
    "sample_mix": _read_sample_mix,
    "split_size_ratio": _read_sizes,
}
