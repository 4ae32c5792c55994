"""A project of its own with three versions in the store, of which the first is the champion."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving.models.versions import promote as make_champion
from tests.serving.models.versions import store_version
from tests.steps.promotion.fake_places import MODEL, FakePlace, make_places

VERSIONS = ("v1", "v2", "v3")


@pytest.fixture
def places(home: Path, tmp_path: Path) -> tuple[FakePlace, FakePlace]:
    """Alias and stage of ``v1``, with ``v2`` as the challenger."""
    make_champion("v1", MODEL)
    for version in VERSIONS[1:]:
        store_version(version, MODEL)
    found = make_places(tmp_path / "places")
    for place in found:
        place.hold({"champion": "v1", "challenger": "v2"})
    return found
