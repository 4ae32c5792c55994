from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from materializers.files import FileMaterializer
from tests.materializers.memory_store import ROOT, MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def keep(store: MemoryStore) -> Callable[[type[FileMaterializer], Any], Any]:
    """Saves a value with everything ZenML asks for, and gives what is loaded from the store."""

    def saved_and_loaded(materializer: type[FileMaterializer], value: Any) -> Any:
        writer = materializer(ROOT, artifact_store=store)  # type: ignore[arg-type]
        writer.save(value)
        for uri in writer.save_visualizations(value):
            assert uri in store.files, f"{uri} is shown and was not written through the store"
        metadata = writer.extract_full_metadata(value)
        assert metadata["storage_size"] == sum(map(len, store.files.values()))
        assert writer.compute_content_hash(value) is not None
        reader = materializer(ROOT, artifact_store=store)  # type: ignore[arg-type]
        return reader.load(type(value))

    return saved_and_loaded
