"""Live accuracy, recall, and what counts as low."""

from __future__ import annotations

import numpy as np
import pytest

from vision.monitoring.accuracy import measure_accuracy, recalls
from vision.monitoring.outcomes import OutcomeCounter, Outcomes

pytestmark = pytest.mark.unit


def outcomes(n_right: int, n: int) -> Outcomes:
    return Outcomes(np.array([[n_right, n - n_right], [0, 0]]), 0, 0, {})


def test_each_kind_of_label() -> None:
    counter = OutcomeCounter(("cat", "dog"))
    told = [["cat"], ["dog"], ["fox"], ["cat", "dog"], None, [], ["cat", "cat"]]
    is_labelled, is_right = counter.add(told, np.array([0, 0, 0, 0, 0, 0, 1]))
    assert is_labelled.tolist() == [True, True, True, False, False, False, True]
    assert is_right.tolist() == [True, False, False, False, False, False, False]
    found = counter.finish()
    assert found.confusion.tolist() == [[1, 1], [1, 0]]
    assert (found.n_unknown, found.n_several, found.unknown) == (1, 1, {"fox": 1})
    assert (found.n_right, found.n_labelled) == (1, 4)
    assert [each.value for each in recalls(found)] == [0.5, 0.0]


def test_names_of_unknown_classes_are_bounded() -> None:
    counter = OutcomeCounter(("cat", "dog"))
    counter.add([[f"fox {number}"] for number in range(3_000)], np.zeros(3_000, np.int64))
    found = counter.finish()
    assert (len(found.unknown), found.n_unknown) == (1_000, 3_000)
    assert len(measure_accuracy(found, None).unknown) == 10


@pytest.mark.parametrize(
    ("n_right", "n", "is_low"),
    [
        (150, 200, True),  # 0.75: the upper limit of 0.83 is below 0.93
        (180, 200, False),  # 0.90: chance
        (10, 20, False),  # too few labels to say anything
        (9_250, 10_000, False),  # significant, yet within the margin of 2 points
        (8_900, 10_000, True),
    ],
)
def test_low(n_right: int, n: int, is_low: bool) -> None:
    assert measure_accuracy(outcomes(n_right, n), 0.95).is_low is is_low


def test_never_low_without_something_to_compare_with() -> None:
    assert not measure_accuracy(outcomes(0, 500), None).is_low
    assert not measure_accuracy(outcomes(0, 500), 0.9, margin=None).is_low


def test_false_alarms_are_rare() -> None:
    rng = np.random.default_rng(0)
    draws = rng.binomial(200, 0.9, size=4_000)
    low = [measure_accuracy(outcomes(int(draw), 200), 0.9).is_low for draw in draws]
    assert np.mean(low) <= 0.001
