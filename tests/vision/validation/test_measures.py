"""The numbers of the core's own measures, against tables whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from vision.validation.drift_scores import cramers_v, ks_statistics, multivariate_drift
from vision.validation.measures import MEASURES, Sampling, measure_checks
from vision.validation.names import SUITE_CHECKS, suite_checks
from vision.validation.outlier_probability import outlier_probabilities
from vision.validation.predictive_power import predictive_powers


def table(n: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    splits = np.array(["train", "train", "train", "validation", "test"])
    return pd.DataFrame(
        {
            "path": [f"{i:04d}.png" for i in range(n)],
            "label": np.array(["cat", "dog"])[np.arange(n) % 2],
            "split": splits[np.arange(n) // 2 % 5],
            "brightness": rng.uniform(0.2, 0.8, n),
            "contrast": rng.uniform(0.1, 0.3, n),
        }
    )


def test_every_suite_check_has_a_measure() -> None:
    assert set(MEASURES) >= {check.name for check in SUITE_CHECKS}


def test_the_statistic_of_two_apart_is_one_and_of_two_alike_is_zero() -> None:
    before = pd.DataFrame({"a": [0.0, 1.0, 2.0, np.nan], "b": [1.0, 2.0, 3.0, 4.0]})
    after = pd.DataFrame({"a": [5.0, 6.0], "b": [1.0, 2.0]})
    assert ks_statistics(before, after) == {"a": 1.0, "b": 0.5}
    assert ks_statistics(before, before) == {"a": 0.0, "b": 0.0}
    assert ks_statistics(before, after.assign(a=np.nan))["a"] is None


def test_cramers_v_of_shares_worked_out_by_hand() -> None:
    # 100 images each, 50/50 against 80/20: chi-squared with Yates' correction is
    # 200 (|50 * 20 - 50 * 80| - 100)^2 / (100 * 100 * 130 * 70) = 18.4835.
    before = pd.Series(["a"] * 50 + ["b"] * 50)
    after = pd.Series(["a"] * 80 + ["b"] * 20)
    association = 18.483516 / 200 - 1 / 199
    expected = math.sqrt(association / (2 - 1 / 199 - 1))
    assert cramers_v(before, after) == pytest.approx(expected, abs=1e-6)
    assert cramers_v(before, pd.concat([after] * 7)) == pytest.approx(expected, abs=1e-6)
    assert cramers_v(before, before) == 0.0


def test_rare_classes_count_as_one() -> None:
    common = ["a"] * 500 + ["b"] * 500
    before = pd.Series([*common, *(f"rare {i}" for i in range(5))])
    after = pd.Series([*common, *(f"other {i}" for i in range(5))])
    assert cramers_v(before, after) == 0.0
    one_class = pd.Series(["a"] * 200)
    assert cramers_v(one_class, one_class) == 0.0


def test_a_classifier_tells_only_what_differs() -> None:
    rng = np.random.default_rng(0)
    before = pd.DataFrame(rng.normal(0, 1, (400, 3)), columns=list("abc"))
    alike = pd.DataFrame(rng.normal(0, 1, (300, 3)), columns=list("abc"))
    assert multivariate_drift(before, alike, 0)[0] < 0.15
    score, auc = multivariate_drift(before, alike.assign(b=alike["b"] + 10), 0)
    assert auc > 0.999
    assert score == 2 * auc - 1


def test_rows_far_from_all_others_are_outliers() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.uniform(0, 1, (500, 2)), columns=["a", "b"])
    rows.loc[[10, 20]] = [[30.0, 0.5], [0.5, -20.0]]
    probability = outlier_probabilities(rows)
    assert set(np.flatnonzero(probability > 0.9)) == {10, 20}
    assert probability.min() == 0.0
    assert probability.max() <= 1.0


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"a": [1.0] * 50}),
        pd.DataFrame({"a": [1.0, 2.0, 3.0]}),
        pd.DataFrame({"a": [np.nan] * 50}),
        pd.DataFrame({"a": [0.0] * 40 + [1.0] * 40}),
    ],
)
def test_copies_and_small_tables_have_no_outliers(rows: pd.DataFrame) -> None:
    assert outlier_probabilities(rows).tolist() == [0.0] * len(rows)


def test_a_property_that_gives_the_class_away_has_all_power() -> None:
    rng = np.random.default_rng(0)
    labels = pd.Series(["cat", "dog"] * 150)
    measured = pd.DataFrame(
        {"same": (labels == "cat") * 1.0, "noise": rng.normal(size=300), "none": np.nan}
    )
    powers = predictive_powers(measured, labels, 0)
    assert powers["same"] == 1.0
    assert powers["noise"] < 0.2
    assert powers["none"] == 0.0
    assert predictive_powers(measured, pd.Series(["cat"] * 300), 0)["same"] == 0.0
    single = pd.Series([f"class {i}" for i in range(300)])
    assert predictive_powers(measured, single, 0)["noise"] == 0.0


def test_each_split_has_its_own_outcome_and_reason() -> None:
    properties = table(150)
    outcomes = measure_checks(properties, suite_checks(("train_test",)), Sampling())
    by_name = {(o.check.name, o.split): o for o in outcomes}
    assert by_name["split_size_ratio", "test"].reading is not None
    assert by_name["feature_drift", "test"].reason == "train has 90 of the 100 images needed"
    without = table(300)
    without = without[without["split"] != "test"]
    outcomes = measure_checks(without, suite_checks(("train_test",)), Sampling())
    reasons = {o.reason for o in outcomes if o.split == "test"}
    assert reasons == {"test has no images"}


@pytest.mark.fault
def test_copies_in_the_test_split_are_found_also_where_a_value_is_missing() -> None:
    properties = table()
    train = properties.index[properties["split"] == "train"][:6]
    test = properties.index[properties["split"] == "test"][:6]
    properties.loc[train[0], "contrast"] = np.nan
    same = ["label", "brightness", "contrast"]
    properties.loc[test, same] = properties.loc[train, same].to_numpy()
    outcomes = measure_checks(
        properties.infer_objects(), suite_checks(("train_test",), ["sample_mix"]), Sampling()
    )
    found = {o.split: o.reading for o in outcomes}
    assert found["test"] is not None
    assert found["test"].images == tuple(properties.loc[test, "path"])
    assert found["test"].value == pytest.approx(6 / 60)
    assert found["validation"] is not None
    assert found["validation"].value == 0.0


def test_many_new_classes_are_named_in_part() -> None:
    properties = table(200)
    held_out = properties.index[properties["split"] == "test"]
    properties.loc[held_out, "label"] = [f"new {i:02d}" for i in range(len(held_out))]
    outcomes = measure_checks(properties, suite_checks(("train_test",), ["new_labels"]), Sampling())
    reading = next(o.reading for o in outcomes if o.split == "test")
    assert reading is not None
    assert reading.value == 40.0
    assert reading.sentence == (
        "40 images of classes that train lacks: new 00, new 01, new 02, new 03, new 04, new 05, "
        "new 06, new 07, new 08, new 09 and 30 more"
    )
