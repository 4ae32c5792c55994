from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from materializers.comparison import ComparisonMaterializer, comparison_page
from tests.materializers.memory_store import MemoryStore
from vision.comparison.comparison import Comparison
from vision.comparison.judge import Cost, Reason
from vision.comparison.paired import Difference, McNemar
from vision.comparison.slices import Slice

pytestmark = pytest.mark.unit

COMPARISON = Comparison(
    name="digits",
    challenger="v2",
    champion="v1",
    verdict="inconclusive",
    reasons=(
        Reason(rule="metric", verdict="promote", sentence="0.95 against 0.90"),
        Reason(rule="comparable", verdict="inconclusive", sentence="adds <owl>"),
    ),
    split="test",
    data_digest="d" * 64,
    n_images=1_250,
    difference=Difference(0.90, 0.95, 0.02, 0.08),
    mcnemar=McNemar(3, 60, 1e-12),
    slices=(Slice("cat", 100, 0.9, 0.8), Slice("<owl> $\\frac{$", 50, 0.5, 0.9)),
    costs=(Cost(latency_ms=1.5, memory_mb=40.0), Cost(latency_ms=1.0, memory_mb=40.0)),
)


def test_a_comparison_comes_back_and_is_shown(
    keep: Callable[[type[Any], Any], Any], store: MemoryStore
) -> None:
    assert keep(ComparisonMaterializer, COMPARISON) == COMPARISON
    [shown] = [content.decode() for name, content in store.files.items() if name.endswith(".html")]
    assert "<h1>Verdict: inconclusive</h1>" in shown
    assert "digits: challenger v2 against champion v1." in shown
    assert "the champion stays unless somebody approves" in shown
    assert "adds &lt;owl&gt;" in shown
    assert shown.count("data:image/png;base64,") == 1


def test_the_first_model_is_shown_without_a_chart() -> None:
    first = COMPARISON.model_copy(update={"champion": None, "slices": (), "verdict": "promote"})

    shown = comparison_page(first)

    assert "challenger v2 without a champion." in shown
    assert not re.search("<img", shown)
