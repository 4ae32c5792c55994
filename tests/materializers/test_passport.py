"""A passport comes back as it was, with its page beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from materializers.passport import PassportMaterializer
from tests.materializers.memory_store import ROOT, MemoryStore
from tests.vision.passport.samples import bare_passport, whole_passport

pytestmark = pytest.mark.unit

Keep = Callable[[type[Any], Any], Any]


@pytest.mark.parametrize("make", [whole_passport, bare_passport])
def test_it_comes_back(
    make: Callable[[Path], Any], keep: Keep, store: MemoryStore, tmp_path: Path
) -> None:
    passport = make(tmp_path)
    assert keep(PassportMaterializer, passport) == passport
    assert set(store.files) == {f"{ROOT}/passport.json", f"{ROOT}/passport.html"}
    assert b"Passport of colours" in store.files[f"{ROOT}/passport.html"]


def test_the_dashboard_has_what_is_searched_for(tmp_path: Path) -> None:
    make = PassportMaterializer(ROOT, artifact_store=MemoryStore())  # type: ignore[arg-type]
    passport = whole_passport(tmp_path)
    found = make.extract_metadata(passport)
    assert {key: found[key] for key in ("model", "verdict", "image", "accuracy")} == {
        "model": "colours",
        "verdict": "promote",
        "image": "visionstack:colours",
        "accuracy": 0.9,
    }
    assert "top_3_accuracy" not in found
    hashes = {make.compute_content_hash(each) for each in (passport, bare_passport(tmp_path))}
    assert len(hashes) == 2
