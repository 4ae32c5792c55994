"""Measures the checks of the suites with NumPy, SciPy and scikit-learn, and no data validator.

One function per check of :mod:`vision.validation.names`, with the meaning given there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from vision.progress import track
from vision.validation import readings
from vision.validation.columns import PIXEL_PROPERTIES
from vision.validation.drift_scores import cramers_v, ks_statistics, multivariate_drift
from vision.validation.measured import (
    Compared,
    Outcome,
    Reading,
    plan_rounds,
    unmeasured,
)
from vision.validation.names import SuiteCheck
from vision.validation.outlier_probability import outlier_probabilities
from vision.validation.predictive_power import predictive_powers
from vision.validation.schema import Ranges, read_schema


@dataclass(frozen=True)
class Sampling:
    """How measures sample and what they compare with.

    Attributes:
      seed: of every sample; the same table and seed give the same numbers.
      n_outlier_rows: the most images that are searched for outliers.
      ranges: property to its smallest and largest value, narrower than the declared ones.
    """

    seed: int = 0
    n_outlier_rows: int = 5000
    ranges: Ranges = field(default_factory=dict)


Measure = Callable[[Compared, Sampling], Reading]


def measure_checks(
    properties: pd.DataFrame, checks: Sequence[SuiteCheck], sampling: Sampling
) -> list[Outcome]:
    """Measures checks over an image-property table.

    Args:
      properties: one row per image; ``path``, ``label``, ``split`` and measurements.
      checks: what to measure.
      sampling: how.

    Returns:
      one outcome per check and table, measured or not.
    """
    properties = properties.reset_index(drop=True).astype({"label": str})
    rounds = plan_rounds(properties, checks)
    outcomes: list[Outcome] = []
    for each in track(rounds, len(rounds), "checking properties", "check groups"):
        left_out = list(unmeasured(each))
        outcomes += left_out
        cannot = {outcome.check for outcome in left_out}
        for check in each.checks:
            if check not in cannot:
                reading = MEASURES[check.name](each.compared, sampling)
                outcomes.append(Outcome(check, each.compared.split, reading))
    return outcomes


def _missing(compared: Compared, sampling: Sampling) -> Reading:
    shares = compared.rows[list(compared.columns)].isna().mean()
    return readings.read_missing(
        {str(name): float(share) for name, share in shares.items()}, compared
    )


def _constant(compared: Compared, sampling: Sampling) -> Reading:
    pixels = [name for name in PIXEL_PROPERTIES if name in compared.columns]
    return readings.read_constant([n for n in pixels if compared.rows[n].nunique() == 1])


def _duplicates(compared: Compared, sampling: Sampling) -> Reading:
    share = compared.rows.duplicated(list(compared.columns)).mean()
    return readings.read_duplicates(float(share), compared)


def _conflicts(compared: Compared, sampling: Sampling) -> Reading:
    groups = compared.rows.groupby(list(compared.columns), dropna=False, sort=False)["label"]
    conflicting = compared.rows[groups.transform("nunique") > 1]
    return readings.read_conflicts(len(conflicting) / len(compared.rows), conflicting)


def _outliers(compared: Compared, sampling: Sampling) -> Reading:
    rows = compared.rows
    if len(rows) > sampling.n_outlier_rows:
        rows = rows.sample(sampling.n_outlier_rows, random_state=sampling.seed)
    probability = pd.Series(outlier_probabilities(rows[list(compared.columns)]), rows.index)
    far = probability[probability > readings.OUTLIER_PROBABILITY]
    far = far.sort_values(ascending=False, kind="stable")
    notes = [f"outlier probability {each:.3f}" for each in far]
    return readings.read_outliers(len(far) / len(rows), rows.loc[far.index], notes)


def _label_correlation(compared: Compared, sampling: Sampling) -> Reading:
    rows = compared.rows
    powers = predictive_powers(rows[list(compared.columns)], rows["label"], sampling.seed)
    return readings.read_label_correlation(powers)


def _schema(compared: Compared, sampling: Sampling) -> Reading:
    return read_schema(compared.rows, sampling.ranges)


def _feature_drift(compared: Compared, sampling: Sampling) -> Reading:
    columns = list(compared.columns)
    statistics = ks_statistics(_train(compared)[columns], compared.rows[columns])
    return readings.read_feature_drift(statistics, compared)


def _label_drift(compared: Compared, sampling: Sampling) -> Reading:
    return readings.read_label_drift(cramers_v(_train(compared)["label"], compared.rows["label"]))


def _multivariate_drift(compared: Compared, sampling: Sampling) -> Reading:
    columns = list(compared.columns)
    score, auc = multivariate_drift(
        _train(compared)[columns], compared.rows[columns], sampling.seed
    )
    return readings.read_multivariate_drift(score, auc)


def _new_labels(compared: Compared, sampling: Sampling) -> Reading:
    new = set(compared.rows["label"]) - set(_train(compared)["label"])
    return readings.read_new_labels(new, compared)


def _sample_mix(compared: Compared, sampling: Sampling) -> Reading:
    share = float(readings.known_in_train(compared).mean())
    return readings.read_sample_mix(share, compared)


def _sizes(compared: Compared, sampling: Sampling) -> Reading:
    return readings.read_sizes(compared)


def _train(compared: Compared) -> pd.DataFrame:
    assert compared.train is not None
    return compared.train


MEASURES: Mapping[str, Measure] = {
    "missing_properties": _missing,
    "constant_properties": _constant,
    "duplicate_properties": _duplicates,
    "conflicting_properties": _conflicts,
    "property_outliers": _outliers,
    "label_correlation": _label_correlation,
    "schema_violations": _schema,
    "feature_drift": _feature_drift,
    "label_drift": _label_drift,
    "multivariate_drift": _multivariate_drift,
    "new_labels": _new_labels,
    "sample_mix": _sample_mix,
    "split_size_ratio": _sizes,
}
