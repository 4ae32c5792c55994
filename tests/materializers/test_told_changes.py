"""What people were told comes back from the store and is shown with how each alert ended."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from materializers.told_changes import (
    PAGE_FILE,
    ChangeEntry,
    DeliveryEntry,
    ToldChanges,
    ToldChangesMaterializer,
)
from tests.materializers.memory_store import ROOT, MemoryStore

pytestmark = pytest.mark.unit

ENDED = (
    DeliveryEntry(kind="log", where="log", is_delivered=True, sentence="log: written"),
    DeliveryEntry(kind="file", where="x", is_delivered=False, sentence="x: <full>"),
)
TOLD = ToldChanges(
    model="digits",
    changes=(
        ChangeEntry(
            version="v1", before="ok", now="drift", moved=("uae",), next_move="look.", link="",
            time=datetime(2026, 11, 21, 19, 30, tzinfo=UTC), deliveries=ENDED,
        ),
    ),
)  # fmt: skip


def test_it_comes_back_and_is_shown() -> None:
    store = MemoryStore()
    materializer = ToldChangesMaterializer(ROOT, artifact_store=store)
    materializer.save(TOLD)

    assert materializer.load(ToldChanges) == TOLD
    materializer.save_visualizations(TOLD)
    shown = store.files[f"{ROOT}/{PAGE_FILE}"].decode()
    assert "x: &lt;full&gt;" in shown
    assert 'class="failed"' in shown
    assert materializer.extract_metadata(TOLD) == {
        "n_changes": 1, "alerts": ["log: written", "x: <full>"],
    }  # fmt: skip
    other = ToldChanges(model="digits")
    assert materializer.compute_content_hash(TOLD) != materializer.compute_content_hash(other)


def test_no_change_is_a_sentence() -> None:
    store = MemoryStore()
    materializer = ToldChangesMaterializer(ROOT, artifact_store=store)

    materializer.save_visualizations(ToldChanges(model="digits"))

    shown = store.files[f"{ROOT}/{PAGE_FILE}"].decode()
    assert "Nothing changed since people were told last, so nobody was told." in shown
