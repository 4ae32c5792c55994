"""What one Deepchecks result says: a number, a sentence, and the images it is about.

Deepchecks gives every check a result of its own shape. Each reader here turns one of them into a
``Reading``; none imports Deepchecks, so a result is anything with ``value`` and ``display``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pandas as pd

from vision.validation import readings
from vision.validation.measured import Compared, Reading


class Result(Protocol):
    """The part of a Deepchecks check result that is read."""

    value: Any
    display: list[Any]


Reader = Callable[[Result, Compared], Reading]


def _read_missing(result: Result, compared: Compared) -> Reading:
    return readings.read_missing(result.value["Percent of nulls in sample"].to_dict(), compared)


def _read_constant(result: Result, compared: Compared) -> Reading:
    return readings.read_constant([name for name, n in result.value.items() if n == 1])


def _read_duplicates(result: Result, compared: Compared) -> Reading:
    return readings.read_duplicates(float(result.value), compared)


def _read_conflicts(result: Result, compared: Compared) -> Reading:
    indices = sorted(index for group in result.value["samples_indices"] for index in group)
    share = float(result.value["percent_of_conflicting_samples"])
    return readings.read_conflicts(share, compared.rows.loc[indices])


def _read_outliers(result: Result, compared: Compared) -> Reading:
    # The value is the probability at every thousandth of the images, in rising order; the images
    # themselves are only in the table that Deepchecks displays, the worst first.
    share = float((result.value > readings.OUTLIER_PROBABILITY).sum()) / len(result.value)
    table = next(item for item in result.display if isinstance(item, pd.DataFrame))
    probability = table["Outlier Probability Score"]
    worst = probability[probability > readings.OUTLIER_PROBABILITY]
    notes = [f"outlier probability {each:.3f}" for each in worst]
    return readings.read_outliers(share, compared.rows.loc[worst.index], notes)


def _read_label_correlation(result: Result, compared: Compared) -> Reading:
    return readings.read_label_correlation(result.value)


def _read_feature_drift(result: Result, compared: Compared) -> Reading:
    statistics = {name: each["Drift score"] for name, each in result.value.items()}
    return readings.read_feature_drift(statistics, compared)


def _read_label_drift(result: Result, compared: Compared) -> Reading:
    return readings.read_label_drift(float(result.value["Drift score"]))


def _read_multivariate_drift(result: Result, compared: Compared) -> Reading:
    return readings.read_multivariate_drift(
        float(result.value["domain_classifier_drift_score"]),
        float(result.value["domain_classifier_auc"]),
    )


def _read_new_labels(result: Result, compared: Compared) -> Reading:
    return readings.read_new_labels(map(str, result.value["new_labels"]), compared)


def _read_sample_mix(result: Result, compared: Compared) -> Reading:
    return readings.read_sample_mix(float(result.value["ratio"]), compared)


def _read_sizes(result: Result, compared: Compared) -> Reading:
    return readings.read_sizes(compared)


def _read_schema(result: Result, compared: Compared) -> Reading:
    # The check is ours and gives the reading itself.
    reading: Reading = result.value
    return reading


READERS: Mapping[str, Reader] = {
    "missing_properties": _read_missing,
    "constant_properties": _read_constant,
    "duplicate_properties": _read_duplicates,
    "conflicting_properties": _read_conflicts,
    "property_outliers": _read_outliers,
    "label_correlation": _read_label_correlation,
    "schema_violations": _read_schema,
    "feature_drift": _read_feature_drift,
    "label_drift": _read_label_drift,
    "multivariate_drift": _read_multivariate_drift,
    "new_labels": _read_new_labels,
    "sample_mix": _read_sample_mix,
    "split_size_ratio": _read_sizes,
}
