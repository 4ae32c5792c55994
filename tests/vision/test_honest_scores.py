"""No score is better than the data allow: permuted labels give chance, an oracle gives one."""

import hashlib

import numpy as np
import pytest

from vision.config import (
    AugmentationConfig,
    DatasetConfig,
    EvaluationConfig,
    ModelConfig,
    TrainingConfig,
)
from vision.datasets.load import load_annotations
from vision.datasets.table import AnnotationTable
from vision.evaluation import evaluate_model
from vision.image_source import open_images
from vision.training.fit import train_model

# Half of the images are held out for testing: at chance, one standard deviation of the accuracy
# over 900 images is 0.01.
DIGITS = DatasetConfig(source="digits", split={"validation": 0.1, "test": 0.5})
MODEL = ModelConfig(name="digits", input_size=(16, 16))
TRAINING = TrainingConfig(epochs=4, batch_size=32, learning_rate=3e-3)


@pytest.fixture(scope="module")
def digits() -> AnnotationTable:
    return load_annotations(DIGITS)


def score(table: AnnotationTable) -> float:
    trained = train_model(MODEL, TRAINING, AugmentationConfig(backend="none"), table)
    report = evaluate_model(trained.predict, table, MODEL.input_size, EvaluationConfig())
    return report.metrics["accuracy"]


@pytest.mark.slow
def test_permuted_labels_give_chance_and_true_ones_do_not(digits):
    rows = digits.frame.copy()
    rows["label"] = np.random.default_rng(0).permutation(rows["label"])
    permuted = AnnotationTable.from_rows(digits.root, rows.to_dict("records"))
    assert score(permuted) == pytest.approx(0.10, abs=0.03)
    assert score(digits) >= 0.9


def test_an_oracle_over_digits_gives_exactly_one(digits):
    rows = digits.rows("test")
    images = open_images(digits.root, list(rows["path"]), MODEL.input_size, budget_bytes=10**9)
    answers = {
        hashlib.sha256(image.tobytes()).digest(): index
        for image, index in zip(
            images.take(np.arange(len(images))), digits.class_index(rows["label"]), strict=True
        )
    }

    def oracle(batch: np.ndarray) -> np.ndarray:
        known = [answers[hashlib.sha256(image.tobytes()).digest()] for image in batch]
        return np.eye(10, dtype=np.float32)[known]

    report = evaluate_model(oracle, digits, MODEL.input_size, EvaluationConfig(batch_size=37))
    assert len(rows) == len(answers) > 850
    assert set(report.metrics.values()) == {1.0}
    np.testing.assert_array_equal(report.confusion, np.diag(report.per_class["n_images"]))
