import math

import numpy as np
import pytest

from vision.config.rules import judge_minimum
from vision.metrics import compute_metrics, confusion, per_class_metrics


def one_hot(indices: list[int], k: int = 3) -> np.ndarray:
    return np.eye(k)[indices]


def test_an_oracle_scores_exactly_one():
    labels = np.array([0, 1, 2, 3, 1, 0])
    metrics = compute_metrics(labels, np.eye(4)[labels])
    assert metrics == {
        "accuracy": 1.0,
        "macro_f1": 1.0,
        "weighted_f1": 1.0,
        "auc": 1.0,
        "top_3_accuracy": 1.0,
    }


def test_known_confusions_give_known_numbers():
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    predicted = [0, 0, 1, 1, 1, 1, 2, 0]
    metrics = compute_metrics(labels, one_hot(predicted))
    # f1: class 0 has 2 of 3 precise and 2 of 4 found, class 1 2 of 4 and 2 of 2, class 2 1 and 1/2.
    scores = np.array([4 / 7, 2 / 3, 2 / 3])
    assert metrics["accuracy"] == 5 / 8
    assert metrics["macro_f1"] == pytest.approx(scores.mean())
    assert metrics["weighted_f1"] == pytest.approx((scores * [4, 2, 2]).sum() / 8)


def test_auc_is_nan_when_a_single_class_occurs():
    metrics = compute_metrics(np.array([1, 1]), one_hot([1, 0]))
    assert math.isnan(metrics["auc"])
    assert metrics["accuracy"] == 0.5


def test_auc_leaves_out_classes_that_do_not_occur():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.7, 0.2, 0.1]])
    metrics = compute_metrics(labels, probabilities)
    assert metrics["auc"] == pytest.approx((0.75 + 0.75) / 2)


def test_top_3_counts_the_true_class_among_the_three_most_probable():
    probabilities = np.array([[0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]])
    assert compute_metrics(np.array([2, 3]), probabilities)["top_3_accuracy"] == 0.5


@pytest.mark.parametrize(("k", "is_number"), [(2, False), (3, False), (4, True)])
def test_top_3_of_three_classes_says_nothing(k: int, is_number: bool):
    labels = np.arange(k)
    metrics = compute_metrics(labels, np.roll(np.eye(k), 1, axis=1))
    assert math.isfinite(metrics["top_3_accuracy"]) is is_number
    gate = judge_minimum("top_3_accuracy", metrics["top_3_accuracy"], 0.0)
    assert gate.passed is is_number


def test_misaligned_rows_are_refused():
    with pytest.raises(ValueError, match="one row of probabilities per label"):
        compute_metrics(np.array([0, 1, 2]), one_hot([0, 1]))


def test_per_class_table_and_confusion_agree():
    labels, predicted = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])
    table = per_class_metrics(labels, predicted, ["a", "b", "c"])
    counts = confusion(labels, predicted, 3)
    assert counts.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert table["n_images"].tolist() == counts.sum(axis=1).tolist()
    assert table["recall"].tolist() == [0.5, 1.0, 1.0]
    assert table["precision"].tolist() == [1.0, 0.5, 1.0]
