from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from materializers.decision import DecisionMaterializer
from materializers.promoted import PromotedMaterializer
from tests.materializers.memory_store import ROOT, MemoryStore
from tests.vision.comparison.test_decision import make_comparison
from vision.bundles.promoted import Promoted
from vision.comparison.decision import decide

pytestmark = pytest.mark.unit
Keep = Callable[[type[Any], Any], Any]


def test_a_decision_comes_back_and_is_shown(keep: Keep, store: MemoryStore) -> None:
    decision = decide(make_comparison("inconclusive"), "auto", None)
    assert keep(DecisionMaterializer, decision) == decision
    shown = store.files[f"{ROOT}/decision.html"].decode()
    assert "<h1>Deployment: wait</h1>" in shown
    assert "run.py approve v2" in shown


def test_a_promotion_comes_back_and_is_shown(keep: Keep, store: MemoryStore) -> None:
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    promoted = Promoted(model="digits", version="v2", former="v1", number=2, at=at)
    assert keep(PromotedMaterializer, promoted) == promoted
    assert "v2 is the champion of digits since 2026-01-02 03:04 UTC. The champion before: v1." in (
        store.files[f"{ROOT}/promoted.html"].decode()
    )
