from pathlib import Path

import numpy as np
import pytest

from tests.synthetic import COLOURS, make_table
from vision.config import EvaluationConfig
from vision.datasets.table import AnnotationTable
from vision.errors import DatasetError, ModelError
from vision.evaluation import evaluate_model

SIZE = (24, 20)


def oracle(images: np.ndarray) -> np.ndarray:
    """Knows the class from the colour: the nearest of the three that the images are made of."""
    colours = np.array([COLOURS[name] for name in sorted(COLOURS)])
    distances = np.abs(images.mean(axis=(1, 2))[:, None, :] - colours).sum(axis=2)
    return np.eye(3, dtype=np.float32)[distances.argmin(axis=1)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> AnnotationTable:
    return make_table(tmp_path_factory.mktemp("images"), n_per_class=15)


@pytest.mark.parametrize("batch_size", [1, 7, 45, 1000])
def test_an_oracle_scores_exactly_one_whatever_the_batch_size(table, batch_size):
    report = evaluate_model(oracle, table, SIZE, EvaluationConfig(batch_size=batch_size))
    assert report.metrics["accuracy"] == 1.0
    assert report.metrics["macro_f1"] == 1.0
    assert report.metrics["auc"] == 1.0
    assert report.n_images == 45
    assert report.confusion.tolist() == [[15, 0, 0], [0, 15, 0], [0, 0, 15]]


def test_predictions_are_aligned_with_the_paths(table):
    report = evaluate_model(oracle, table, SIZE, EvaluationConfig(batch_size=7))
    for row in report.predictions.itertuples():
        assert row.path.split("/")[1] == row.label == row.predicted
    assert report.predictions["path"].is_monotonic_increasing


def test_only_the_chosen_split_is_scored(table):
    report = evaluate_model(oracle, table, SIZE, EvaluationConfig(split="validation"))
    assert set(report.predictions["path"].str.split("/").str[0]) == {"validation"}


def test_gates_say_what_was_required(table):
    passing = evaluate_model(oracle, table, SIZE, EvaluationConfig(gate={"accuracy": 1.0}))
    assert passing.passed

    def wrong(images: np.ndarray) -> np.ndarray:
        return np.roll(oracle(images), 1, axis=1)

    failing = evaluate_model(wrong, table, SIZE, EvaluationConfig(gate={"accuracy": 0.6}))
    assert not failing.passed
    assert failing.gates[0].sentence == "accuracy = 0, required >= 0.6"


def test_a_model_of_other_classes_is_refused(table):
    def five_classes(images: np.ndarray) -> np.ndarray:
        return np.full((len(images), 5), 0.2, np.float32)

    with pytest.raises(
        ModelError, match=r"gives probabilities \(45, 5\), the data needs \(45, 3\)"
    ):
        evaluate_model(five_classes, table, SIZE, EvaluationConfig())


def test_an_empty_split_is_refused(table, tmp_path: Path):
    rows = table.frame[table.frame["split"] != "test"]
    smaller = AnnotationTable.from_rows(table.root, rows.to_dict("records"))
    with pytest.raises(DatasetError, match=r"split test of .* has no image to evaluate on"):
        evaluate_model(oracle, smaller, SIZE, EvaluationConfig())
