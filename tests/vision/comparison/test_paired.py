from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from vision.comparison.paired import Difference, compare_metric, mcnemar

pytestmark = pytest.mark.unit


def compared(
    labels: np.ndarray, champion: np.ndarray, challenger: np.ndarray, **changes: object
) -> Difference:
    options = {"metric": "accuracy", "confidence": 0.95, "n_resamples": 2_000, "seed": 0}
    return compare_metric(labels, champion, challenger, 3, **(options | changes))  # type: ignore[arg-type]


def drawn(seed: int, n: int, champion: float, challenger: float) -> tuple[np.ndarray, ...]:
    """Labels and two classifiers that are right with these probabilities, image by image."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    wrong = (labels + rng.integers(1, 3, size=n)) % 3
    answers = [np.where(rng.random(n) < share, labels, wrong) for share in (champion, challenger)]
    return labels, *answers


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_the_values_are_those_of_scikit_learn(metric: str) -> None:
    labels, champion, challenger = drawn(1, 500, 0.6, 0.8)

    found = compared(labels, champion, challenger, metric=metric, n_resamples=200)

    def score(predicted: np.ndarray) -> float:
        if metric == "accuracy":
            return float(accuracy_score(labels, predicted))
        return float(f1_score(labels, predicted, average="macro"))

    assert found.champion == pytest.approx(score(champion), abs=1e-12)
    assert found.challenger == pytest.approx(score(challenger), abs=1e-12)
    assert found.value == pytest.approx(score(challenger) - score(champion), abs=1e-12)


def test_macro_f1_counts_a_class_that_nobody_means_or_predicts_as_scikit_learn_does() -> None:
    labels, champion = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])

    found = compared(labels, champion, champion, metric="macro_f1", n_resamples=200)

    assert found.champion == pytest.approx(f1_score(labels, champion, average="macro"))


def test_the_interval_has_the_width_of_the_normal_one() -> None:
    n = 4_000
    labels, champion, challenger = drawn(2, n, 0.70, 0.75)

    found = compared(labels, champion, challenger)

    per_image = (challenger == labels).astype(float) - (champion == labels).astype(float)
    half = 1.96 * per_image.std() / np.sqrt(n)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.08)
    assert (found.low + found.high) / 2 == pytest.approx(found.value, abs=0.1 * half)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(200):
        found = compared(*drawn(seed, 300, 0.70, 0.78), n_resamples=400, confidence=0.9)
        hits += found.low <= 0.08 <= found.high

    assert 0.84 <= hits / 200 <= 0.96


def test_images_that_are_hard_for_both_cancel() -> None:
    labels = np.zeros(1_000, np.int64)
    champion = np.where(np.arange(1_000) < 500, 0, 1)
    challenger = np.where(np.arange(1_000) < 520, 0, 1)

    found = compared(labels, champion, challenger)

    # Unpaired, each accuracy alone is uncertain by 0.03.
    assert found.value == pytest.approx(0.02)
    assert 0.01 < found.low < found.high < 0.03


def test_the_same_seed_gives_the_same_interval_whatever_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrays = drawn(3, 200, 0.6, 0.7)
    whole = compared(*arrays)
    assert compared(*arrays) == whole
    assert compared(*arrays, seed=1) != whole

    monkeypatch.setattr("vision.comparison.paired._MOST_WEIGHTS", 1_000)
    assert compared(*arrays) == whole


def test_what_is_not_aligned_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) labels, \(2,\) and \(3,\) predictions"):
        compared(np.zeros(3, int), np.zeros(2, int), np.zeros(3, int))
    with pytest.raises(ValueError, match="at least one"):
        compared(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int))


@pytest.mark.parametrize(
    ("lost", "won", "p_value"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 6, 2 / 64), (1, 9, 22 / 1024), (9, 1, 22 / 1024)],
)
def test_mcnemar_is_the_exact_binomial_test(lost: int, won: int, p_value: float) -> None:
    labels = np.zeros(50, np.int64)
    champion, challenger = labels.copy(), labels.copy()
    challenger[:lost] = 1
    champion[lost : lost + won] = 1

    found = mcnemar(labels, champion, challenger)

    assert (found.only_champion, found.only_challenger) == (lost, won)
    assert found.p_value == pytest.approx(p_value, rel=1e-12)


def test_mcnemar_takes_many_images() -> None:
    labels = np.zeros(40_000, np.int64)
    champion, challenger = labels.copy(), labels.copy()
    challenger[:10_000] = 1
    champion[10_000:20_400] = 1

    # The normal approximation with continuity correction: (400 - 1) / sqrt(20400).
    assert mcnemar(labels, champion, challenger).p_value == pytest.approx(0.00522, rel=0.02)
