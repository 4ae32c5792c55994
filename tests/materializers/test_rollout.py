from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from materializers.rollout import RollOutMaterializer
from tests.materializers.memory_store import ROOT, MemoryStore
from vision.bundles.rolled_out import Figures, Replica, RollOut

pytestmark = pytest.mark.unit
Keep = Callable[[type[Any], Any], Any]

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def test_a_roll_out_comes_back_and_is_shown(keep: Keep, store: MemoryStore) -> None:
    figures = Figures(n_requests=1234, n_errors=7, median_ms=2.5)
    replica = Replica(
        address="http://a<b", former="v1", served="v1", ready_s=1.25, before=figures,
        watched=figures, problem="too <slow>",
    )  # fmt: skip
    found = RollOut(
        target="local", model="digits", version="v2", outcome="rolled_back", reason="too slow",
        began_at=AT, ended_at=AT, watch_s=10.0, replicas=(replica,),
    )  # fmt: skip
    assert keep(RollOutMaterializer, found) == found
    shown = store.files[f"{ROOT}/roll_out.html"].decode()
    assert "<p>roll-out of digits v2: rolled back; too slow.</p>" in shown
    assert "http://a&lt;b" in shown
    assert "too &lt;slow&gt;" in shown
    assert "1,234" in shown


def test_a_trial_says_its_share(keep: Keep, store: MemoryStore) -> None:
    found = RollOut(
        target="local", model="digits", version="v2", mode="canary", share=0.1, outcome="done",
        began_at=AT, ended_at=AT,
    )  # fmt: skip
    assert keep(RollOutMaterializer, found) == found
    shown = store.files[f"{ROOT}/roll_out.html"].decode()
    assert "canary of digits v2: done." in shown
    assert "10% of the requests" in shown
