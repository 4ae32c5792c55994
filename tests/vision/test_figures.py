import cv2
import numpy as np
import pandas as pd
import pytest

from vision import figures
from vision.evaluation import EvaluationReport
from vision.metrics import confusion, per_class_metrics


def pixels(png: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=[2, 10, 30])
def report(request) -> EvaluationReport:
    k = request.param
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, k, 500), rng.integers(0, k, 500)
    classes = tuple(f"a class with a long name {number}" for number in range(k))
    predictions = pd.DataFrame({"path": [str(i) for i in range(500)]})
    return EvaluationReport(
        "test",
        classes,
        {},
        per_class_metrics(labels, predicted, classes),
        confusion(labels, predicted, k),
        predictions,
        (),
    )


def test_image_grids_are_drawn(images):
    image = pixels(figures.image_grid(images, [f"label {i}" for i in range(6)], columns=4))
    assert image.shape[1] > image.shape[0]
    assert image.std() > 10


def test_augmentations_stand_beside_their_originals(images):
    png = figures.augmentation_grid(images, [images[::-1], 255 - images], list("abcdef"))
    assert pixels(png).shape[0] > pixels(png).shape[1]


def test_histograms_skip_columns_that_are_absent_and_survive_constant_ones():
    table = pd.DataFrame(
        {"split": ["train"] * 5 + ["test"] * 5, "brightness": range(10), "aspect": [1.0] * 10}
    )
    assert pixels(figures.property_histograms(table)).std() > 5


def test_learning_curves_are_drawn():
    history = pd.DataFrame(
        {
            "epoch": [1, 2],
            "loss": [2.0, 1.0],
            "val_loss": [2.1, 1.5],
            "accuracy": [0.1, 0.5],
            "val_accuracy": [0.1, 0.4],
        }
    )
    assert pixels(figures.learning_curves(history, best_epoch=2)).std() > 5


def test_confusion_and_bars_are_drawn_for_few_and_many_classes(report):
    assert pixels(figures.confusion_matrix(report)).std() > 5
    assert pixels(figures.per_class_bars(report)).std() > 5
