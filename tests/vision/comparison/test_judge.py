from __future__ import annotations

import math

import pytest

from vision.comparison.judge import (
    Cost,
    Reason,
    Verdict,
    describe_mcnemar,
    join_verdicts,
    judge_cost,
    judge_golden,
    judge_metric,
    judge_slices,
)
from vision.comparison.paired import Difference, McNemar
from vision.comparison.slices import Slice
from vision.config.deployment import CompareConfig

pytestmark = pytest.mark.unit

BETTER = CompareConfig()
MARGIN = CompareConfig(margin=0.01)
NOT_WORSE = CompareConfig(rule="not_worse", margin=0.01)
NAN = math.nan


@pytest.mark.parametrize(
    ("found", "config", "verdict"),
    [
        (Difference(0.90, 0.95, 0.02, 0.08), BETTER, "promote"),
        (Difference(0.90, 0.91, -0.01, 0.03), BETTER, "inconclusive"),
        (Difference(0.90, 0.90, 0.00, 0.00), BETTER, "reject"),
        (Difference(0.90, 0.89, -0.03, 0.01), BETTER, "reject"),
        (Difference(0.90, 0.80, -0.15, -0.05), BETTER, "reject"),
        (Difference(0.90, 0.95, 0.02, 0.08), MARGIN, "promote"),
        (Difference(0.90, 0.91, 0.005, 0.015), MARGIN, "inconclusive"),
        (Difference(0.90, 0.905, 0.002, 0.008), MARGIN, "reject"),
        (Difference(0.90, 0.90, 0.00, 0.00), NOT_WORSE, "promote"),
        (Difference(0.90, 0.895, -0.009, -0.001), NOT_WORSE, "promote"),
        (Difference(0.90, 0.895, -0.02, 0.01), NOT_WORSE, "inconclusive"),
        (Difference(0.90, 0.80, -0.15, -0.05), NOT_WORSE, "reject"),
        (Difference(0.90, NAN, NAN, NAN), BETTER, "reject"),
        (Difference(0.90, NAN, NAN, NAN), NOT_WORSE, "reject"),
        (Difference(NAN, 0.90, NAN, NAN), BETTER, "inconclusive"),
    ],
)
def test_pl07_only_what_is_surely_good_enough_is_promoted(
    found: Difference, config: CompareConfig, verdict: Verdict
) -> None:
    assert judge_metric(found, 1_000, config).verdict == verdict


def test_a_reason_tells_its_numbers() -> None:
    found = judge_metric(Difference(0.9, 0.95, 0.02, 0.08), 1_250, BETTER)

    assert found.sentence == (
        "accuracy on 1,250 images: 0.9500 against 0.9000, difference +0.0500 [+0.0200, +0.0800] "
        "at 95%, surely above +0"
    )


def test_one_class_that_loses_much_rejects_a_better_average() -> None:
    slices = (Slice("rare", 3, 1.0, 0.0), Slice("cat", 40, 0.9, 0.7), Slice("dog", 900, 0.8, 0.99))

    found = judge_slices(slices, BETTER)

    assert found is not None
    assert found.verdict == "reject"
    assert found.sentence == (
        "recall of 'cat' (40 images) goes from 0.900 to 0.700; it may fall by 0.1"
    )
    kept = judge_slices(slices, CompareConfig(slice_drop=0.2))
    assert kept is not None
    assert kept.verdict == "promote"
    assert judge_slices(slices, CompareConfig(slice_drop=None)) is None
    assert judge_slices(slices[:1], BETTER) is None


@pytest.mark.parametrize(("right", "verdict"), [(7, "reject"), (8, "promote"), (10, "promote")])
def test_golden_images_get_no_worse(right: int, verdict: Verdict) -> None:
    found = judge_golden(right, 8, 10)

    assert found.verdict == verdict
    assert found.sentence == f"{right} of 10 golden images right, the champion 8"


def test_cost_is_judged_by_every_limit() -> None:
    champion, challenger = Cost(latency_ms=2.0, memory_mb=90), Cost(latency_ms=5.0, memory_mb=120)

    found = judge_cost(
        challenger, champion, CompareConfig(max_latency_ms=4.0, max_memory_mb=100, margin=0.0)
    )

    assert found.verdict == "reject"
    assert found.sentence == (
        "5.00 ms an image and 120 MB, 2.50 times the champion's 2.00 ms; at most 4 ms are allowed; "
        "at most 100 MB are allowed; at most 2 times are allowed"
    )
    free = CompareConfig(max_latency_ratio=None)
    assert judge_cost(challenger, champion, free).verdict == "promote"
    assert judge_cost(challenger, None, BETTER).sentence == "5.00 ms an image and 120 MB"


def test_the_worst_verdict_counts() -> None:
    def reasons(*verdicts: Verdict) -> tuple[Reason, ...]:
        return tuple(Reason(rule="r", verdict=verdict, sentence="s") for verdict in verdicts)

    assert join_verdicts(reasons("promote", "inconclusive", "reject")) == "reject"
    assert join_verdicts(reasons("promote", "inconclusive")) == "inconclusive"
    assert join_verdicts(reasons("promote", "promote")) == "promote"


def test_mcnemar_in_words() -> None:
    assert describe_mcnemar(McNemar(3, 1_200, 0.00012)) == (
        "the challenger alone is right on 1,200 images, the champion alone on 3 "
        "(McNemar's exact p = 0.00012)"
    )
